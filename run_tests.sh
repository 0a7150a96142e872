#!/usr/bin/env bash
# Runs the linters, the type checker and all tests, in an environment that it sets up itself.
#
#   bash run_tests.sh                            everything
#   bash run_tests.sh --fast                     linters, and the tests that are done within a minute
#   bash run_tests.sh --gpu                      what only a GPU shows; skipped, with the reason, where there is none
#   bash run_tests.sh tests/evaluation -k F1     everything, but of the tests what pytest is told to run
#
# Duration: 11 minutes on 2 cores, and the time of step 1 the first time
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --dev

if [ "${1:-}" = --gpu ]; then
    exec python -m pytest tests/gpu -rs "${@:2}"
fi
ruff check .
ruff format --check .
lint-imports
# A file's tests share what they make, so they stay in one process; each computes in one thread, as many as there are cores.
export OMP_NUM_THREADS=1
in_processes=(python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile)
if [ "${1:-}" = --fast ]; then
    exec "${in_processes[@]}" -m "not slow" "${@:2}"
fi
mypy
exec "${in_processes[@]}" "$@"
