#!/usr/bin/env bash
# Step 3: training.
#
# Fine-tunes EasyOCR's korean_g2 on the word patches of step 2, as train_easyocr/config_files/config.yaml says, and then
# this project's word detector on their pages, as detection.yaml says (detection= leaves it out). With
# detection_tuning=TRIALS it searches the detector's best settings afterwards.
#
#   DATASET="/data/공공행정문서 OCR" bash step3_run_train_py.sh [--config FILE] [--show_samples N] [key=value ...]
#
# Input:    training_and_validation_set/ of step 2; the download's pages; korean_g2.pth, downloaded as EasyOCR does it
#           when it is not there
# Output:   saved_models/<experiment_name>/: best_accuracy.pth, best_norm_ed.pth, logs, the config as used;
#           saved_models/korean_detector/: best_f1.pth, likewise. Step 4 installs both
# Duration: hours on a GPU for 40,000 pages. It can be stopped (Ctrl-C) and started again; it goes on where it was.
# Example:  bash step3_run_train_py.sh experiment_name=first batch_size=128 n_iter=20_000 lr=auto
#           bash step3_run_train_py.sh --show_samples 30     draws what training would see, and stops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --quiet
python3 train_easyocr/train.py "$@" ${DATASET:+"dataset=$DATASET"}
