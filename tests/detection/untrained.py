"""A word detector with random weights that finds something for all that."""

import torch

from train_easyocr.detection.db_boxes import DbParameters
from train_easyocr.detection.db_detector import DbCard
from train_easyocr.detection.db_network import DbLight
from train_easyocr.weights.cards import DetectionScores
from train_easyocr.weights.checkpoints import save_weights


def save_untrained(path, long_side=640, seed=0):
    """Write db_light's weights and their card; return the path."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DbLight()
    with torch.no_grad():
        model.probability[1].bias.fill_(-1.0)
        model.probability[1].weight *= 5000  # otherwise it says the same of every place
    card = DbCard(
        long_side=long_side,
        parameters=DbParameters(det_db_thresh=0.5, det_db_box_thresh=0.0),
        iteration=0,
        validation=DetectionScores(precision=0, recall=0, f1=0, pages=0, words=0),
        experiment_name="검출",
        config={},
    )
    save_weights(path, model, card)
    return path
