#!/usr/bin/env bash
# Step 5: the score.
#
# Reads the evaluation pages with EasyOCR as it comes and with the fine-tuned model, and compares both with the labels.
#
#   DATASET="/data/공공행정문서 OCR" bash step5_run_evaluate_py.sh [options of evaluate.py] [key=value ...]
#
# Input:    evaluation_set/ of step 2, the model of step 4; EasyOCR's own weights, downloaded when they are not there
# Output:   tables, evaluation_result.csv (a row a page and model), evaluation_result.json, report.md (what to change),
#           analysis.json (the same for programs)
# Duration: about a minute a page on a CPU, a second on a GPU. It can be stopped and started again.
# Example:  bash step5_run_evaluate_py.sh --limit 50
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --quiet
python3 evaluate.py "$@" ${DATASET:+"dataset=$DATASET"}
