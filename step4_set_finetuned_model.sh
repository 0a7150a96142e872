#!/usr/bin/env bash
# Step 4: the fine-tuned model, put where EasyOCR looks for it.
#
# Checks that EasyOCR reads with it exactly what the training code reads, and installs it only then.
#
#   bash step4_set_finetuned_model.sh [weights] [--config FILE] [key=value ...]
#   bash step4_set_finetuned_model.sh [...] --detector WEIGHTS --detection_settings FILE    another word detector
#   bash step4_set_finetuned_model.sh [...] --refuse_if_worse PAGES|analysis.json           nothing that reads worse
#   bash step4_set_finetuned_model.sh --list            the models that were installed before
#   bash step4_set_finetuned_model.sh --restore NAME    put one of them back
#
# Input:    saved_models/<experiment_name>/best_accuracy.pth with its .json, or the weights that are named; the detector
#           that step 3 trained; validation patches of step 2 for the check
# Output:   finetuned.pth in model/, finetuned.py and finetuned.yaml in user_network/ of ~/.EasyOCR (or EASYOCR_MODULE_PATH);
#           with a detector finetuned_detector.pth and finetuned_detection.yaml in model/, too
# Duration: under a minute; with --refuse_if_worse PAGES the time of reading them
# Example:  bash step4_set_finetuned_model.sh saved_models/korean_documents/best_norm_ed.pth
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source step1_set_environment.sh --quiet
python3 -m train_easyocr.delivery "$@" ${DATASET:+"dataset=$DATASET"}
