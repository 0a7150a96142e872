#!/usr/bin/env bash
# All five steps in one go.
#
#   bash run_pipeline.sh                                          on sample documents that it renders itself
#   DATASET="/data/공공행정문서 OCR" bash run_pipeline.sh [--config FILE] [key=value ...]     on AI-Hub's download
#
# Input:    nothing, or the download. SAMPLE_PAGES=96 and SAMPLE_SEED=1 choose the sample
# Output:   what the steps leave: saved_models/, the model in ~/.EasyOCR, evaluation_result.csv and .json;
#           with the sample, sample/ as well
# Duration: on the sample README.md says how long; on the download, days on a CPU, hours on a GPU.
#           It can be stopped and started again; every step goes on where it was.
#
# The sample needs no file from outside. Where EasyOCR's own weights are not there and can't be downloaded, training
# starts from fresh weights and the score is taken on labelled boxes, of the fine-tuned model alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

banner() {
    printf '\n== %s\n' "$*"
}

have_weights() {
    python3 -m train_easyocr.easyocr_weights "$1" >/dev/null 2>&1
}

banner "Step 1: environment"
source step1_set_environment.sh

settings=()
evaluation=()
if [ -z "${DATASET:-}" ]; then
    banner "Sample documents"
    python3 -m train_easyocr.synthesis --output sample --pages "${SAMPLE_PAGES:-96}" --seed "${SAMPLE_SEED:-1}"
    DATASET="$PWD/sample/공공행정문서 OCR"
    settings+=(--config train_easyocr/config_files/sample.yaml)
    if have_weights korean_g2; then
        echo "EasyOCR's korean_g2 is there: training starts from it"
    else
        echo "EasyOCR's korean_g2 is not there and can't be downloaded: training starts from fresh weights, without a baseline"
        settings+=(continue_from=)
        evaluation+=(--finetuned)
    fi
    if ! have_weights craft; then
        echo "EasyOCR's detector is not there and can't be downloaded: the score is taken on labelled boxes"
        evaluation+=(--boxes labels)
    fi
fi
DATASET=$(cd "$DATASET" && pwd)
export DATASET
settings+=("$@")

banner "Step 2: data set"
bash step2_run_prepare_dataset_py.sh "${settings[@]}"
banner "Step 3: training"
bash step3_run_train_py.sh "${settings[@]}"
banner "Step 4: installation"
bash step4_set_finetuned_model.sh "${settings[@]}"
banner "Step 5: evaluation"
bash step5_run_evaluate_py.sh "${evaluation[@]}" "${settings[@]}"
