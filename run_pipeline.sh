#!/usr/bin/env bash
# All five steps in one go.
#
#   bash run_pipeline.sh                                          on sample documents that it renders itself
#   DATASET="/data/공공행정문서 OCR" bash run_pipeline.sh [--config FILE] [key=value ...]     on AI-Hub's download
#   PAGES=my_pages bash run_pipeline.sh [--config FILE] [key=value ...]     on a folder of your own labelled pages
#   PAGES=my_pages UNLABELED=scans bash run_pipeline.sh [...]     and scans that nobody labelled (docs/semi-supervised.md)
#
# Input:    nothing, or the download, or images with labels as step 2 reads them (--from). SAMPLE_PAGES=240,
#           SAMPLE_SEED=1 and SAMPLE_DIR=sample choose the sample
# Output:   the model in ~/.EasyOCR; with the sample, all else in sample/: documents, prepared sets, saved_models/,
#           evaluation_result.csv and .json; with PAGES, all in OUTPUT (my_pages_set); otherwise these are where the single
#           steps put them
# Duration: on the sample README.md says how long; on the download hours on a GPU.
#           It can be stopped and started again; every step goes on where it was.
#
# The sample needs no file from outside. Where EasyOCR's own weights are not there and can't be downloaded, the starter
# weights that come with the project are the baseline and the start, and their detector finds the words.
set -euo pipefail
absolute() {
    case "$1" in "" | /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac
}
PAGES=$(absolute "${PAGES:-}")
OUTPUT=$(absolute "${OUTPUT:-}")
DATASET=$(absolute "${DATASET:-}")
UNLABELED=$(absolute "${UNLABELED:-}")
cd "$(dirname "${BASH_SOURCE[0]}")"

banner() {
    printf '\n== %s\n' "$*"
}

have_weights() {
    python3 -m train_easyocr.weights.easyocr_weights "$1" >/dev/null 2>&1
}

if [ -n "$PAGES" ] && [ -n "$DATASET" ]; then
    echo "run_pipeline.sh: PAGES and DATASET name two data sets; set one of them" >&2
    exit 2
fi
if [ -n "$UNLABELED" ] && [ -z "$PAGES$DATASET" ]; then
    echo "run_pipeline.sh: UNLABELED goes with PAGES or DATASET, whose labels teach the model that labels the scans" >&2
    exit 2
fi

banner "Step 1: environment"
source step1_set_environment.sh --quiet
echo "the environment is ready"

sample=
settings=()
preparation=()
evaluation=()
if [ -n "$PAGES" ]; then
    output="${OUTPUT:-${PAGES%/}_set}"
    preparation+=(--from "$PAGES" --output "$output")
    evaluation+=(--output "$output")
    settings+=("output=$output" "saved_models=$output/saved_models")
elif [ -z "$DATASET" ]; then
    banner "Sample documents"
    sample="${SAMPLE_DIR:-sample}"
    python3 -m train_easyocr.synthesis --output "$sample" --pages "${SAMPLE_PAGES:-240}" --seed "${SAMPLE_SEED:-1}"
    DATASET="$(cd "$sample" && pwd)/공공행정문서 OCR"
    evaluation+=(--output "$sample")
    if have_weights korean_g2; then
        echo "EasyOCR's korean_g2 is there: it is the baseline, and training starts from it"
        settings+=(--config train_easyocr/config_files/sample.yaml)
    else
        echo "EasyOCR's korean_g2 is not there and can't be downloaded: the starter weights are the baseline and the start"
        settings+=(--config train_easyocr/config_files/sample_from_starter.yaml)
    fi
    settings+=("saved_models=$sample/saved_models")
fi
if [ -z "$sample" ] && [[ " $*" != *" --config"* && " $*" != *" continue_from="* ]] && ! have_weights korean_g2; then
    echo "EasyOCR's korean_g2 is not there and can't be downloaded: training starts from the starter weights"
    settings+=(continue_from=starter img_height=32)
fi
export DATASET
settings+=("$@")

[ -z "$UNLABELED" ] || preparation+=(--unlabeled "$UNLABELED")
banner "Step 2: data set"
bash step2_run_prepare_dataset_py.sh "${preparation[@]}" "${settings[@]}"
banner "Step 3: training"
bash step3_run_train_py.sh "${settings[@]}"
weights=()
if [ -n "$UNLABELED" ]; then
    banner "Step 3: training on what the trained model reads in the scans as well"
    teacher=korean_documents
    unlabeled=()
    for setting in "${settings[@]}" ${DATASET:+"dataset=$DATASET"}; do
        case "$setting" in
            experiment_name=*) teacher="${setting#*=}" ;;
            output=* | saved_models=* | dataset=* | seed=* | workers=* | precision=*) unlabeled+=("$setting") ;;
            --* | detection*=* | *_images=* | *_data=* | batch_ratio=*) ;;
            *=*) unlabeled+=("small.$setting") ;;
        esac
    done
    python3 -m train_easyocr.semi_supervised --mode small --teacher "$teacher" "${unlabeled[@]}"
    weights+=(semi_supervised_small)
fi
banner "Step 4: installation"
bash step4_set_finetuned_model.sh "${weights[@]}" "${settings[@]}"
banner "Step 5: evaluation"
bash step5_run_evaluate_py.sh "${evaluation[@]}" "${settings[@]}"
