"""What a recognizer's validation looks like in the logs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from train_easyocr.engine.logs import Progress
from train_easyocr.recognition.checks import describe_course
from train_easyocr.recognition.validation import Validation

RULE = "-" * 80


def log_lines(
    progress: Progress, drawn: Mapping[str, int], weights: Validation, average: Validation | None = None
) -> list[str]:
    """Return a validation's block of log_train.txt.

    Args:
        progress: Where the run is.
        drawn: Words of each data set that training has drawn so far; a word that came twice counts twice.
        weights: How well the network reads.
        average: How well the running average of its weights does; None where none is taken.
    """
    best = progress.best
    lines = [
        progress.headline(f"Validation loss: {weights.loss:.5f}"),
        f"Current accuracy: {weights.accuracy:.3f} | Current normalized edit distance: {weights.norm_ed:.4f}",
        f"Best accuracy:    {best['accuracy']:.3f} | Best normalized edit distance:    {best['norm_ed']:.4f}",
    ]
    if len(drawn) > 1:
        lines.append("Words drawn so far: " + ", ".join(f"{name} {count:,}" for name, count in drawn.items()))
    if average is not None:
        lines.append(
            f"Averaged weights: accuracy {average.accuracy:.3f} (best {best['ema_accuracy']:.3f}) | "
            f"normalized edit distance {average.norm_ed:.4f} (best {best['ema_norm_ed']:.4f})"
        )
    if weights.training is not None:
        lines.append(f"Accuracy on {weights.training.words:,} training words: {weights.training.accuracy:.3f}")
    lines += [f"Note: {remark}" for remark in describe_course(weights, best)]
    if weights.samples:
        lines += [RULE, weights.table(), RULE]
    return lines


def log_figures(
    progress: Progress, drawn: Mapping[str, int], weights: Validation, average: Validation | None = None
) -> dict[str, Any]:
    """Return a validation's figures for log_train.jsonl; the arguments are those of `log_lines`."""
    return {
        "validation_loss": None if math.isnan(weights.loss) else weights.loss,
        "accuracy": weights.accuracy,
        "norm_ed": weights.norm_ed,
        **({"training_accuracy": weights.training.accuracy} if weights.training else {}),
        **({"ema_accuracy": average.accuracy, "ema_norm_ed": average.norm_ed} if average else {}),
        "best_accuracy": progress.best["accuracy"],
        "best_norm_ed": progress.best["norm_ed"],
        "words": weights.words,
        "drawn": dict(drawn),
    }
