"""Whether weights may be installed: not if they read something worse than what there was, beyond chance.

What counts is an evaluation's `analysis.json`, and in it the comparisons of these very weights, which are known by
their hash, with the models before them. `evaluate_candidate` makes one for weights that are not installed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from train_easyocr.common.errors import UserError
from train_easyocr.common.files import sha256, write_json, write_text
from train_easyocr.documents.label_formats import find_labelled_pages
from train_easyocr.evaluation.analysis import FORMAT, HEADLINE, JSON_NAME, Analyzer, with_identities
from train_easyocr.evaluation.analysis_report import MARKDOWN_NAME, as_markdown
from train_easyocr.evaluation.learnt_pages import LEARNT_FROM, learnt_pages
from train_easyocr.evaluation.models import FINETUNED_MODEL, find_models, scored_model
from train_easyocr.evaluation.runner import evaluate
from train_easyocr.metrics.significance import FEWEST_PAGES, TOO_FEW, WORSE
from train_easyocr.weights.model_files import Place

CANDIDATE = "candidate"
INSTALLED = "installed"
OVERRIDE = "to install it all the same, leave --refuse_if_worse out"


def evaluate_candidate(weights: Path, eval_set: Path, output: Path, seed: int) -> Path:
    """Read pages at their labelled boxes with weights that are not installed, and with what they are to replace.

    That is the model that is installed, if another one is, and EasyOCR's, or where that can't be had the starter's.
    What was read is kept: stopped and started again, it goes on.

    Args:
        weights: The `.pth`, its card beside it.
        eval_set: The pages' folder, with images/ and labels/.
        output: The folder for `analysis.json` and `report.md`.
        seed: For the bootstrap.

    Returns:
        The `analysis.json`.

    Raises:
        UserError: There is no page, or the weights or all that they could be compared with can't be used.
    """
    found = find_labelled_pages(eval_set)
    learnt = learnt_pages(found.pages, {CANDIDATE: weights, INSTALLED: Place.installed().weights})
    pages = [page for page in found.pages if page.name not in learnt]
    if not pages:
        raise UserError(f"{eval_set}: {weights} or the installed weights learnt from all of its pages")
    if learnt:
        print(f"{eval_set}: {len(learnt):,} of {len(found.pages):,} pages are left out: {LEARNT_FROM}")
    cuda = torch.cuda.is_available()
    models, missing = find_models(True, True, cuda, None)
    candidate = scored_model(CANDIDATE, weights, cuda)
    others = [model for model in models if model.identity["weights_sha256"] != candidate.identity["weights_sha256"]]
    if not others:
        reasons = "; ".join(missing.values()) or "it is installed"
        raise UserError(f"there is nothing to compare {weights} with: {reasons}")
    # Step 5's name for the installed model would be taken for the candidate's after its installation.
    named = [replace(model, name=INSTALLED) if model.name == FINETUNED_MODEL else model for model in others]
    analyzer = Analyzer()
    try:
        evaluation = evaluate(pages, [*named, candidate], None, output, observer=analyzer)
    except (UserError, OSError) as error:
        raise UserError(f"{weights} can't be compared: {error}") from error
    if CANDIDATE in evaluation.failed:
        raise UserError(f"{weights} can't be read with: {evaluation.failed[CANDIDATE]}")
    characters = {model.name: model.characters() for model in [*named, candidate] if model.characters}
    analysis = analyzer.analyze(list(evaluation.models), evaluation.boxes, seed, characters)
    write_json(output / JSON_NAME, with_identities(analysis, evaluation.models))
    write_text(output / MARKDOWN_NAME, as_markdown(analysis))
    return output / JSON_NAME


def check_not_worse(weights: Path, analysis: Path) -> str:
    """Let only weights pass that an evaluation did not find worse in anything than a model before them.

    Args:
        weights: The `.pth`.
        analysis: The `analysis.json` of an evaluation of these weights.

    Returns:
        A line that says what they were compared with.

    Raises:
        UserError: They read worse on the whole or in a slice; or the file can't be used, is of other weights, or
            can't tell.
    """
    tree = _read(analysis)
    digest = sha256(weights)
    judged = [name for name, identity in tree["identities"].items() if identity.get("weights_sha256") == digest]
    if not judged:
        raise UserError(
            f"{analysis}: is no evaluation of {weights} (SHA-256 {digest[:12]}…), but of "
            f"{', '.join(tree['identities']) or 'nothing'}; evaluate these weights: "
            f"python3 evaluate.py --baseline --weights {weights}"
        )
    found = [one for one in tree["comparisons"] if one["after"] in judged and one["before"] not in judged]
    if not found:
        raise UserError(f"{analysis}: compares {judged[0]} with nothing; evaluate it with --baseline")
    if all((one["figures"].get(HEADLINE) or {}).get("verdict") in (TOO_FEW, None) for one in found):
        raise UserError(f"{analysis}: has too few pages to tell; it takes {FEWEST_PAGES}, better hundreds")
    worse = [line for one in found for line in _worse(one)]
    if worse:
        listed = "\n".join(f"  - {line}" for line in worse)
        raise UserError(f"{weights} reads worse, beyond chance:\n{listed}\n({analysis}); {OVERRIDE}")
    return f"not worse than {', '.join(one['before'] for one in found)} in anything, as far as {analysis} can tell"


def _read(analysis: Path) -> dict[str, Any]:
    try:
        tree = json.loads(analysis.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{analysis}: can't be read: {error}") from error
    if not isinstance(tree, dict) or tree.get("format") != FORMAT or "identities" not in tree:
        raise UserError(f"{analysis}: is no analysis that this version wrote; evaluate the weights again")
    return tree


def _worse(comparison: dict[str, Any]) -> list[str]:
    """Return a line for each figure that is worse beyond chance."""
    figures = {"all words (mean end-to-end F1)": comparison["figures"].get(HEADLINE), **comparison["slices"]}
    return [
        f"{name}: {found['value']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f}) against {comparison['before']}"
        for name, found in figures.items()
        if found and found["verdict"] == WORSE
    ]


def refuse_if_worse(weights: Path, given: Path, seed: int) -> str:
    """Let only weights pass that are not worse: by a given `analysis.json`, or on a given folder of pages.

    Returns:
        As `check_not_worse`.

    Raises:
        UserError: As `check_not_worse` and `evaluate_candidate`.
    """
    analysis = given
    if given.is_dir():
        analysis = evaluate_candidate(weights, given, weights.parent / "before_installation", seed)
    return check_not_worse(weights, analysis)
