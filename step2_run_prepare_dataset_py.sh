#!/usr/bin/env bash
# Step 2: the data set.
#
# Crops word patches for training and validation out of the download's archives, and puts pages aside for step 5.
#
#   DATASET="/data/공공행정문서 OCR" bash step2_run_prepare_dataset_py.sh [options of prepare_dataset.py] [key=value ...]
#
# Input:    the folder that holds Training/ and Validation/ (DATASET, or `dataset` in config.yaml); or, with --from DIR
#           --output DIR and without DATASET, a folder of images with labels by PPOCRLabel or in ICDAR's text files
# Output:   training_and_validation_set/ and evaluation_set/ in that folder, or in --output DIR; with --unzip, unzipped/, too
# Duration: docs/speed.md has measured rates. It can be stopped and started again at any time; it goes on where it was.
# Example:  bash step2_run_prepare_dataset_py.sh --format lmdb train_images=10_000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --quiet
python3 prepare_dataset.py ${DATASET:+--dataset "$DATASET"} --training --validation --evaluation "$@"
