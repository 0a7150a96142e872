#!/usr/bin/env bash
# Runs the linters, the type checker and all tests, in an environment that it sets up itself.
#
#   bash run_tests.sh                        everything
#   bash run_tests.sh tests/evaluation -k F1     what pytest is to run
#
# Duration: under 10 minutes on 2 cores, and the time of step 1 the first time
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --dev

ruff check .
ruff format --check .
lint-imports
mypy
exec python -m pytest "$@"
