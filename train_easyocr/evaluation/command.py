"""What step 5's command line does, from its checked arguments to the exit status."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import torch

from train_easyocr.common.errors import MissingWeightsError, UsageError, UserError, WeightsError
from train_easyocr.common.files import replacing, sha256, write_json, write_text
from train_easyocr.datasets.cropping import Cutting
from train_easyocr.documents import Page, Word
from train_easyocr.documents.aihub import IGNORED, Problem
from train_easyocr.documents.label_formats import LabelForm, find_labelled_pages, left_out
from train_easyocr.documents.sources import PageFile
from train_easyocr.documents.splits import evenly_spread
from train_easyocr.engine.device import reads_on_gpu
from train_easyocr.evaluation.analysis import JSON_NAME as ANALYSIS_NAME
from train_easyocr.evaluation.analysis import PAGES_NAME, Analysis, Analyzer, with_identities
from train_easyocr.evaluation.analysis_report import MARKDOWN_NAME, as_markdown, as_text
from train_easyocr.evaluation.badcases import check_folder, export_bad_cases
from train_easyocr.evaluation.detectors import Detectors
from train_easyocr.evaluation.exchange import read_predictions, write_icdar, write_predictions
from train_easyocr.evaluation.history import History, as_table, compare
from train_easyocr.evaluation.html_report import HTML_NAME, write_html_report
from train_easyocr.evaluation.learnt_pages import LEARNT_FROM, learnt_pages
from train_easyocr.evaluation.models import FINETUNED_MODEL, find_models, model_of_bundle
from train_easyocr.evaluation.observations import Row
from train_easyocr.evaluation.predictions import ModelIdentity
from train_easyocr.evaluation.report import CSV_NAME, JSON_NAME, as_tables, write_results
from train_easyocr.evaluation.runner import DetectorSource, Evaluation, ForeignReadings, ScoredModel, evaluate
from train_easyocr.metrics.metrics import PageScores
from train_easyocr.reading.reader import finetuned_files
from train_easyocr.settings.parts import EvaluationSettings
from train_easyocr.weights.bundle import Bundle, installed_bundle, open_bundle

SHOWN_WORDS = 10
"""Words and pages left out that are named one by one."""


def run(arguments: argparse.Namespace, config: EvaluationSettings) -> int:
    """Do what the command line asks for: show the history, or find pages and models, evaluate, write and print.

    Args:
        arguments: As `evaluate.py` parses them.
        config: The settings of all steps.

    Returns:
        0, or 1 when a model was left out.

    Raises:
        UserError: Nothing could be evaluated, or what was asked for besides could not be done.
        UsageError: A GPU is asked for where there is none.
    """
    history = History(arguments.output)
    if arguments.history:
        print(as_table(history))
        return 0
    if arguments.compare:
        before, after = (history.find(name, Path(config.saved_models)) for name in arguments.compare)
        print(compare(after, before, config.seed))
        return 0
    arguments.cuda = reads_on_gpu(arguments.cuda)
    return _run(arguments, config, history)


def _run(arguments: argparse.Namespace, config: EvaluationSettings, history: History) -> int:
    # What would stop the work after its end stops it now.
    if arguments.mark:
        history.check_name(arguments.mark)
    if arguments.export_badcases:
        check_folder(arguments.export_badcases.absolute())
    eval_set, pages, problems = pages_to_read(arguments, config)
    # A file without a name: nothing of it is left behind when this process is killed.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        observer = _Observer(Analyzer(words=lines), keeps_rows=arguments.export is not None)
        evaluation, characters = _evaluate(pages, arguments, config, observer)
        evaluation.skipped[:0] = problems
        try:
            summary = write_results(evaluation, arguments.output, eval_set, config)
            analysis = observer.analyzer.analyze(list(evaluation.models), evaluation.boxes, config.seed, characters)
            _write_analysis(analysis, evaluation.models, lines, arguments.output)
            html, images = arguments.output / HTML_NAME, arguments.report_images
            write_html_report(html, summary, analysis, observer.analyzer.observations, pages, images=images)
            number = history.add(evaluation, summary)
        except OSError as error:
            raise UserError(f"{arguments.output}: results can't be written: {error}") from error
    print(as_tables(summary))
    print(f"\n{as_text(analysis)}")
    written = (CSV_NAME, JSON_NAME, ANALYSIS_NAME, MARKDOWN_NAME, HTML_NAME)
    print(f"\nWritten: {', '.join(str(arguments.output / name) for name in written)}; kept as evaluation {number}")
    _extras(arguments, config, history, (pages, observer, analysis))
    for name, reason in evaluation.failed.items():
        print(f"evaluate.py: {name} was not evaluated: {reason}", file=sys.stderr)
    return 1 if evaluation.failed else 0


def _write_analysis(analysis: Analysis, models: Mapping[str, ModelIdentity], lines: TextIO, output: Path) -> None:
    write_json(output / ANALYSIS_NAME, with_identities(analysis, models))
    write_text(output / MARKDOWN_NAME, as_markdown(analysis))
    lines.seek(0)
    with replacing(output / PAGES_NAME) as temporary, temporary.open("w", encoding="utf-8") as file:
        shutil.copyfileobj(lines, file)


@dataclass
class _Observer:
    """Hands pages to the analyzer, and keeps the words read and the labels where they are to be exported."""

    analyzer: Analyzer
    keeps_rows: bool
    rows: dict[str, dict[str, Sequence[Row]]] = field(default_factory=dict)
    labels: dict[str, Sequence[Word]] = field(default_factory=dict)

    def page(self, page: Page, rows: Mapping[str, Sequence[Row]], scores: Mapping[str, PageScores]) -> None:
        self.analyzer.page(page, rows, scores)
        if self.keeps_rows:
            self.labels[page.name] = page.labels
            for model, found in rows.items():
                self.rows.setdefault(model, {})[page.name] = found


def _extras(
    arguments: argparse.Namespace,
    config: EvaluationSettings,
    history: History,
    found: tuple[Sequence[PageFile], _Observer, Analysis],
) -> None:
    """Export and mark, as far as that is asked for."""
    pages, observer, analysis = found
    model = arguments.model or list(analysis.models)[-1]
    if model not in analysis.models:
        raise UsageError(f"--model {model}: was not evaluated; there are {', '.join(analysis.models)}")
    try:
        if arguments.export:
            write_predictions(arguments.export, observer.rows[model], model)
            print(f"Words that {model} read: {arguments.export}")
            if arguments.export.suffix.lower() == ".zip":
                labels = arguments.export.with_stem(f"{arguments.export.stem}_labels")
                write_icdar(labels, observer.labels)
                print(f"Labels: {labels}")
        if arguments.export_badcases:
            folder = arguments.export_badcases.absolute()
            observations, summary = observer.analyzer.observations[model], analysis.models[model].characters
            cutting = Cutting(config.rgb, config.unify_variants)
            count = export_bad_cases(folder, model, observations, summary, pages, cutting=cutting)
            print(f"Words that {model} did not read right: {count:,}, in {folder}")
    except OSError as error:
        raise UserError(f"{error.filename or arguments.output}: can't be written: {error.strerror}") from error
    if arguments.mark:
        run = history.find(f"{len(history.entries())}:{FINETUNED_MODEL}")
        copy = history.mark(arguments.mark, run, _installed(), Path(config.saved_models))
        print(f"Weights {arguments.mark}: {copy}")


def _installed() -> Bundle:
    try:
        finetuned_files()
    except MissingWeightsError as error:
        raise UserError(f"--mark: {error}") from error
    return installed_bundle()


def pages_to_read(
    arguments: argparse.Namespace, config: EvaluationSettings
) -> tuple[Path, list[PageFile], list[Problem]]:
    """Return the evaluation set, its pages that are to be read, and what kept others from being used.

    Raises:
        UserError: There is no such set, its labels can't be read, or the weights learnt from all of its pages.
    """
    eval_set = arguments.eval_set or config.prepared / "evaluation_set"
    pages, problems = _find(eval_set, arguments.label_format)
    pages, trained = _not_trained_on(pages, arguments, config)
    problems += trained
    pages = evenly_spread(pages, arguments.limit)
    _report_left_out(pages)
    return eval_set, pages, problems


def _find(eval_set: Path, form: LabelForm | None) -> tuple[list[PageFile], list[Problem]]:
    if not eval_set.is_dir():
        raise UserError(
            f"{eval_set}: there is no such folder; give --eval_set, or make it with prepare_dataset.py --evaluation"
        )
    found = find_labelled_pages(eval_set, form)
    for problem in found.problems:
        print(f"skipped {problem.name}: {problem}", file=sys.stderr)
    return found.pages, found.problems


def _not_trained_on(
    pages: Sequence[PageFile], arguments: argparse.Namespace, config: EvaluationSettings
) -> tuple[list[PageFile], list[Problem]]:
    """Leave out, by their images, the pages that weights to be evaluated have learnt from, and name them.

    Raises:
        UserError: No other page is there.
    """
    found = learnt_pages(pages, _weights(arguments, config))
    if not found:
        return list(pages), []
    for name in list(found)[:SHOWN_WORDS]:
        print(f"{name}: {', '.join(found[name])} learnt from this page", file=sys.stderr)
    who = ", ".join(dict.fromkeys(model for models in found.values() for model in models))
    what = f"{len(found):,} of {len(pages):,} pages are among those that {who} learnt from"
    # Bad cases are taken from such pages, and are not to be taken from those of the score.
    if arguments.with_training_pages or arguments.export_badcases:
        print(f"{what}: their scores say nothing about other pages", file=sys.stderr)
        return list(pages), []
    if len(found) == len(pages):
        raise UserError(f"{what}; --with_training_pages scores them all the same")
    print(f"{what} and are left out; --with_training_pages scores them, too", file=sys.stderr)
    return [page for page in pages if page.name not in found], [Problem(name, LEARNT_FROM) for name in found]


def _weights(arguments: argparse.Namespace, config: EvaluationSettings) -> dict[str, Path]:
    """Return the files of the weights that are to be evaluated, those that training may have made, by name."""
    installed = installed_bundle()
    bundles = {given: open_bundle(given, Path(config.saved_models), "--weights") for given in arguments.weights}
    found = {FINETUNED_MODEL: installed.recognizer} if arguments.finetuned else {}
    found |= {name: bundle.recognizer for name, bundle in bundles.items()}
    if found and arguments.boxes == "detector":
        own = {name: bundle for name, bundle in bundles.items() if bundle.detector != bundle.recognizer}
        found |= {f"the detector of {name}": bundle.detector for name, bundle in own.items()}
        found["the installed detector"] = installed.detector
    return {name: weights for name, weights in found.items() if isinstance(weights, Path)}


def _report_left_out(pages: Sequence[PageFile]) -> None:
    """Say which labelled words can't be scored."""
    counts, lines = left_out(pages)
    for line in lines[:SHOWN_WORDS]:
        print(f"left out: {line}", file=sys.stderr)
    for reason, count in counts.items():
        print(f"{count:,} labelled words are left out: {reason}", file=sys.stderr)
    if counts[IGNORED]:
        print("Nothing that is read at such a place counts as false, nor as right.", file=sys.stderr)


def _detector(models: list[ScoredModel], missing: dict[str, str], detectors: Detectors) -> DetectorSource | None:
    """Return the detector of the models that have none of their own; where it can't be had, those are left out."""
    lacking = [model for model in models if model.detector is None]
    if not lacking:
        return None  # nobody asks for EasyOCR's
    try:
        return detectors.usual()
    except WeightsError as error:
        if len(lacking) == len(models):
            raise
        for model in lacking:
            models.remove(model)
            missing[model.name] = f"no detector: {error}"
            print(f"evaluate.py: {model.name} is left out: {missing[model.name]}", file=sys.stderr)
        return None


def _evaluate(
    pages: Sequence[PageFile], arguments: argparse.Namespace, config: EvaluationSettings, observer: _Observer
) -> tuple[Evaluation, dict[str, frozenset[str]]]:
    """Evaluate the models whose files are there; those that are not are among the outcome's `failed`.

    Returns:
        The outcome, and the characters that each evaluated model can write.
    """
    detectors = Detectors(arguments.cuda) if arguments.boxes == "detector" else None
    models, missing = find_models(arguments.baseline, arguments.finetuned, arguments.cuda, detectors)
    models += named_models(arguments, config, detectors, [model.name for model in models])
    for name, reason in missing.items():
        print(f"evaluate.py: {name} is left out: {reason}", file=sys.stderr)
    readings = _readings(arguments.predictions, [page.name for page in pages], [model.name for model in models])
    if not models and not readings:
        raise UserError("no model can be evaluated")
    with explained(arguments.output):
        detector = _detector(models, missing, detectors) if detectors else None
        evaluation = evaluate(
            pages,
            models,
            detector,
            arguments.output,
            observer=observer,
            readings=readings,
            orientation=arguments.orientation,
        )
    evaluation.failed = {**missing, **evaluation.failed}
    if not evaluation.models:
        raise UserError("no model can be evaluated")
    check_pages(evaluation, pages)
    evaluated = [model for model in models if model.name in evaluation.models]
    return evaluation, {model.name: model.characters() for model in evaluated if model.characters}


def named_models(
    arguments: argparse.Namespace, config: EvaluationSettings, detectors: Detectors | None, taken: Sequence[str]
) -> list[ScoredModel]:
    """Return the models of weights that are not installed, each named as it was asked for, or after its file.

    Files of one name, such as the best weights of two experiments, are named after their folders, too.

    Raises:
        UsageError: There is nothing of a name, or another model has the name.
    """
    models: list[ScoredModel] = []
    stems = Counter(Path(given).stem for given in arguments.weights)
    for given in arguments.weights:
        bundle, path = open_bundle(given, Path(config.saved_models), "--weights"), Path(given)
        name = path.stem if path.is_file() else path.name
        if path.is_file() and stems[name] > 1:
            name = f"{path.absolute().parent.name}/{name}"
        if name in (*taken, *(model.name for model in models)):
            kind = "file" if path.is_file() else "folder"
            way = f"rename the {kind}" if path.exists() else "it is evaluated already, leave it out"
            raise UsageError(f"--weights {given}: there is another model called {name}; {way}")
        with explained(arguments.output):
            models.append(model_of_bundle(bundle, name, arguments.cuda, detectors))
    return models


def check_pages(evaluation: Evaluation, pages: Sequence[PageFile]) -> None:
    """Refuse an evaluation without a page.

    Raises:
        UserError: There is none; the message has the most frequent reason.
    """
    if not evaluation.pages:
        why = ""
        reasons = Counter(problem.reason for problem in evaluation.skipped)
        for reason, count in reasons.most_common(1):
            first = next(problem for problem in evaluation.skipped if problem.reason == reason)
            why = f": {reason}, in {count:,}" + (f" ({first.detail})" if first.detail else "")
        raise UserError(f"none of {len(pages)} pages could be evaluated{why}; all reasons stand above")


@contextlib.contextmanager
def explained(output: Path) -> Iterator[None]:
    """Turn what can go wrong in an evaluation into what a user is told."""
    try:
        yield
    except WeightsError as error:
        raise UserError(f"no detector: {error}; --boxes labels needs none") from error
    except torch.OutOfMemoryError as error:
        raise UserError(f"the GPU's memory is used up ({error}); free it, or read with --no_cuda") from error
    except OSError as error:
        raise UserError(f"{output}: predictions can't be written: {error}") from error


def _readings(files: Sequence[Path], pages: Sequence[str], taken: Sequence[str]) -> list[ForeignReadings]:
    """Read the files of predictions, each named after its file."""
    readings: list[ForeignReadings] = []
    for path in files:
        name = path.stem
        if name in taken or name in [other.name for other in readings]:
            raise UsageError(f"--predictions {path}: there is another model called {name}; rename the file")
        found = read_predictions(path, pages)
        for listed, what in (
            (found.missing, "are not in it: nothing was read there"),
            (found.foreign, "are not in the set"),
        ):
            if listed:
                print(f"{path}: {len(listed)} pages {what} (first: {listed[0]})", file=sys.stderr)
        readings.append(ForeignReadings(name, {"file": path.name, "predictions_sha256": sha256(path)}, found.rows))
    return readings
