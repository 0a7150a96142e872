"""Weights on disk: checkpoints and their cards, characters, EasyOCR's own, the starter's."""
