#!/usr/bin/env bash
# Speed and memory of every step, each beside the plain way of doing the same work, in one run on the same data.
#
#   bash benchmarks/run.sh
#
# Input:    nothing; pages and words are rendered
# Output:   a table a topic
# Duration: about 15 minutes on 2 cores with nothing else to do. On a busy machine the figures mean little.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source step1_set_environment.sh --quiet --dev

for topic in prepare_dataset words training trainer_startup reading metric; do
    printf '\n== %s\n' "$topic"
    python3 -m "benchmarks.$topic"
done
