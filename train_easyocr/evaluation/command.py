"""What step 5's command line does, from its checked arguments to the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch

from train_easyocr.config import Config
from train_easyocr.documents.aihub import PageFile, Problem, find_pages
from train_easyocr.evaluation.analysis import JSON_NAME as ANALYSIS_NAME
from train_easyocr.evaluation.analysis import Analyzer, as_json
from train_easyocr.evaluation.analysis_report import MARKDOWN_NAME, as_markdown, as_text
from train_easyocr.evaluation.models import find_detector, find_models
from train_easyocr.evaluation.predictions import PredictionsError
from train_easyocr.evaluation.report import CSV_NAME, JSON_NAME, as_tables, write_results
from train_easyocr.evaluation.runner import UNUSABLE_MODEL, Evaluation, evaluate
from train_easyocr.files import write_json, write_text

T = TypeVar("T")


class CommandError(RuntimeError):
    """Nothing can be evaluated; the message says why.

    Attributes:
        status: The exit status that goes with it.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Find pages and models, evaluate, write and print the results.

    Args:
        arguments: eval_set, baseline, finetuned, cuda, boxes, limit and output, as `evaluate.py` parses them.
        config: The settings of all steps.

    Returns:
        0, or 1 when a model was left out.

    Raises:
        CommandError: Nothing could be evaluated.
    """
    if arguments.cuda and not torch.cuda.is_available():
        raise CommandError(
            f"--cuda: torch {torch.__version__} finds no CUDA device here; check nvidia-smi, or leave --cuda out", 2
        )
    eval_set = arguments.eval_set or config.prepared / "evaluation_set"
    pages, problems = _find(eval_set)
    pages = spread(pages, arguments.limit)
    analyzer = Analyzer()
    evaluation, characters = _evaluate(pages, arguments, analyzer)
    evaluation.skipped[:0] = problems
    if not evaluation.pages:
        raise CommandError(f"{eval_set}: none of {len(pages)} pages could be evaluated; the reasons stand above")
    try:
        summary = write_results(evaluation, arguments.output, eval_set, config)
        analysis = analyzer.analyze(list(evaluation.models), evaluation.boxes, config.seed, characters)
        write_json(arguments.output / ANALYSIS_NAME, as_json(analysis))
        write_text(arguments.output / MARKDOWN_NAME, as_markdown(analysis))
    except OSError as error:
        raise CommandError(f"{arguments.output}: results can't be written: {error}") from error
    print(as_tables(summary))
    print(f"\n{as_text(analysis)}")
    written = (CSV_NAME, JSON_NAME, ANALYSIS_NAME, MARKDOWN_NAME)
    print(f"\nWritten: {', '.join(str(arguments.output / name) for name in written)}")
    for name, reason in evaluation.failed.items():
        print(f"evaluate.py: {name} was not evaluated: {reason}", file=sys.stderr)
    return 1 if evaluation.failed else 0


def _find(eval_set: Path) -> tuple[list[PageFile], list[Problem]]:
    if not eval_set.is_dir():
        raise CommandError(
            f"{eval_set}: there is no such folder; give --eval_set, or make it with prepare_dataset.py --evaluation", 2
        )
    pages, problems = find_pages(eval_set)
    for problem in problems:
        print(f"skipped {problem.name}: {problem.reason}", file=sys.stderr)
    if not pages:
        raise CommandError(f"{eval_set}: holds no page; images/ and labels/ must hold files of equal names", 2)
    return pages, problems


def spread(items: Sequence[T], limit: int | None) -> list[T]:
    """Return at most `limit` items, evenly spread: pages are sorted by category, and each should have its part."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]


def _evaluate(
    pages: Sequence[PageFile], arguments: argparse.Namespace, analyzer: Analyzer
) -> tuple[Evaluation, dict[str, frozenset[str]]]:
    """Evaluate the models whose files are there; those that are not are among the outcome's `failed`.

    Returns:
        The outcome, and the characters that each evaluated model can write.
    """
    models, missing = find_models(arguments.baseline, arguments.finetuned, arguments.cuda)
    for name, reason in missing.items():
        print(f"evaluate.py: {name} is left out: {reason}", file=sys.stderr)
    if not models:
        raise CommandError("no model can be evaluated")
    try:
        detector = find_detector(arguments.cuda) if arguments.boxes == "detector" else None
        evaluation = evaluate(pages, models, detector, arguments.output, observer=analyzer)
    except UNUSABLE_MODEL as error:
        raise CommandError(f"no detector: {error}; --boxes labels needs none") from error
    except PredictionsError as error:
        raise CommandError(str(error)) from error
    except torch.OutOfMemoryError as error:
        raise CommandError(f"the GPU's memory is used up ({error}); free it, or leave --cuda out") from error
    except OSError as error:
        raise CommandError(f"{arguments.output}: predictions can't be written: {error}") from error
    evaluation.failed = {**missing, **evaluation.failed}
    if not evaluation.models:
        raise CommandError("no model can be evaluated")
    evaluated = [model for model in models if model.name in evaluation.models]
    return evaluation, {model.name: model.characters() for model in evaluated if model.characters}
