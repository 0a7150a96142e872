#!/usr/bin/env bash
# Speed and memory of every step, each beside the plain way of doing the same work, in one run on the same data.
#
#   bash benchmarks/run.sh                       everything
#   bash benchmarks/run.sh metric reading        some of it
#
# Input:    nothing; pages and words are rendered
# Output:   each benchmark's own tables, and at the end one table of all: work, plain, ours, ratio, floor, memory.
#           Works that need a GPU are marked "not measured" where there is none.
# Duration: about 25 minutes on 2 cores with nothing else to do, and 3 GB of disk. On a busy machine the figures mean
#           little, and their ratios not much.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source step1_set_environment.sh --quiet --dev

BENCHMARK_RESULTS=$(mktemp)
export BENCHMARK_RESULTS
trap 'rm -f "$BENCHMARK_RESULTS"' EXIT

[[ $# -gt 0 ]] || set -- prepare_dataset words trainer_startup training reading detection craft_boxes metric
failed=()
for topic in "$@"; do
    printf '\n== %s\n' "$topic"
    python3 -m "benchmarks.$topic" || failed+=("$topic")
done

printf '\n== all\n'
python3 -m benchmarks.results "$BENCHMARK_RESULTS"
if [[ ${#failed[@]} -gt 0 ]]; then
    echo "run.sh: failed, see above: ${failed[*]}" >&2
    exit 1
fi
