"""Weights that come with the package, trained on rendered words and pages only; MODEL_CARD.md says how."""

from pathlib import Path

STARTER = "starter"
"""What settings call these weights, as in `continue_from: starter`."""
RECOGNIZER = Path(__file__).parent / "recognizer.pth"
DETECTOR = Path(__file__).parent / "detector.pth"
