"""An evaluation as one HTML file that opens offline: what `report.md` tells, pictures, and every page to look at.

    write_html_report(path, summary, analysis, observations, pages)

All figures come from the trees of `report` and `analysis`; only the words of single pages come from the observations.
Styles, script, data and pictures are in the file. Labels and what was read are anyone's text: the template escapes it,
data keep no `<`, and a content security policy lets no script run but the report's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from tqdm import tqdm

from train_easyocr import common
from train_easyocr.common.files import replacing
from train_easyocr.documents import Box
from train_easyocr.documents.sources import PageFile
from train_easyocr.evaluation.analysis import Analysis, Comparison, ModelAnalysis, PageSummary
from train_easyocr.evaluation.observations import Observations
from train_easyocr.evaluation.report import HEADLINE
from train_easyocr.evaluation.report_images import BUDGETS, Budget, PageImages, read_images
from train_easyocr.evaluation.report_pages import PageWords
from train_easyocr.evaluation.suspicious import SuspiciousLabel
from train_easyocr.evaluation.wording import Wording
from train_easyocr.metrics.character_errors import Confusion
from train_easyocr.metrics.error_classes import CLASSES, FAULTS
from train_easyocr.metrics.metrics import FIGURES

HTML_NAME = "evaluation_report.html"
MOST_PAGES = 1000
"""Pages that are shown one by one: those that lost most."""
CONFUSIONS = 30
EXAMPLES = 3
"""Crops a confusion."""
SUSPICIOUS = 100
TEMPLATES = Path(__file__).parent / "templates"
_SHARED = Path(common.__file__).parent
"""What the pages that a browser shows have in common."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A group of bars: what the labels of one group earned with each model (0 to 1); None without labels."""

    name: str
    labels: int
    values: list[float | None]


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Pictures by page name; empty where the report has none."""

    pages: dict[str, PageImages]

    def crop(self, page: str, box: Box) -> str:
        """Return an image's address; empty where there is no such crop."""
        found = self.pages.get(page)
        content = found.crops.get(box) if found else None
        return f"data:image/webp;base64,{content}" if content else ""


def write_html_report(
    path: Path,
    summary: Mapping[str, Any],
    analysis: Analysis,
    observations: Mapping[str, Observations],
    pages: Sequence[PageFile],
    *,
    images: str = "small",
    say: Callable[[str], None] = tqdm.write,
) -> None:
    """Write the report, whole or not at all. The same evaluation gives the same bytes.

    Args:
        path: The file.
        summary: What `report.summarize` returns.
        analysis: What `Analyzer.analyze` returns.
        observations: What each model did; those of the analysis's models are taken.
        pages: The files of the pages.
        images: `none`, `small` or `large`: which pictures go in (see `report_images.BUDGETS`).
        say: Takes a line about each image that can't be read any more.

    Raises:
        OSError: It can't be written.
    """
    shown = worst_pages(analysis, MOST_PAGES)
    confusions = {name: _confusions(model) for name, model in analysis.models.items()}
    whole = frozenset(analysis.pages[index].name for index in shown)
    crops = _cut_out(confusions.values(), analysis.suspicious[:SUSPICIOUS])
    pictures = _read_pictures(pages, whole, crops, BUDGETS[images], say)
    words = PageWords({name: observations[name].words() for name in analysis.models}, len(analysis.pages))

    def records() -> Iterator[tuple[Markup, str]]:
        """Yield the data and the picture of each page, one at a time: together they are many megabytes."""
        for index in shown:
            picture = pictures.pages.get(analysis.pages[index].name, PageImages())
            yield as_data(words.record(index, picture.width, picture.height)), picture.page

    script = _text_of(_SHARED / "wording.js", _SHARED / "elements.js", TEMPLATES / "report.js")
    wording = Wording.load(TEMPLATES / "texts.json")
    content = (
        _environment(pictures, wording)
        .get_template("evaluation_report.html")
        .generate(
            summary=summary,
            analysis=analysis,
            confusions=confusions,
            texts=as_data(wording.table),
            data=as_data(page_list(analysis, shown)),
            records=records(),
            shown=len(shown),
            pictures=images != "none",
            style=Markup(_text_of(_SHARED / "look.css", TEMPLATES / "report.css")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        )
    )
    # A text can hold a lone surrogate, which UTF-8 has not.
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(content)


def _text_of(*files: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in files)


def worst_pages(analysis: Analysis, most: int) -> list[int]:
    """Return the indices of the pages on which the last model lost most, at most so many, in the order of the pages."""
    if not analysis.models:
        return []
    judged = list(analysis.models)[-1]
    by_loss = sorted(range(len(analysis.pages)), key=lambda index: (analysis.pages[index].f1[judged], index))
    return sorted(by_loss[:most])


def page_list(analysis: Analysis, shown: Sequence[int]) -> dict[str, Any]:
    """Return what the script needs before a page is opened: pages as in `analysis.json`, models, classes."""
    return {
        "models": list(analysis.models),
        "classes": CLASSES,
        "pages": [_page(analysis.pages[index]) for index in shown],
    }


def _page(page: PageSummary) -> dict[str, Any]:
    tree = asdict(page)
    return tree | {"f1": {model: round(value, 6) for model, value in page.f1.items()}}


def as_data(tree: Any) -> Markup:
    """Return JSON that can stand in a script element: without `<`, it can neither end the element nor open another."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def bars(analysis: Analysis, kind: str) -> list[Bars]:
    """Return one kind of `ModelAnalysis.groups` for all models side by side, where there are labels.

    The names, which end in a unit, are shown without it.
    """
    by_name: dict[str, Bars] = {}
    for position, model in enumerate(analysis.models.values()):
        for group in model.groups[kind]:
            if group.labels:
                empty = Bars(group.name.rsplit(" ", 1)[0], group.labels, [None] * len(analysis.models))
                by_name.setdefault(group.name, empty).values[position] = group.credit
    return list(by_name.values())


def _confusions(model: ModelAnalysis) -> list[Confusion]:
    """Return the confusions that are shown: letters, most frequent first."""
    letters = (found for found in model.characters.confusions if not (found.label + found.read).isspace())
    return list(islice(letters, CONFUSIONS))


def _read_pictures(
    pages: Sequence[PageFile],
    whole: frozenset[str],
    crops: Mapping[str, Sequence[Box]],
    budget: Budget | None,
    say: Callable[[str], None],
) -> _Pictures:
    if budget is None:
        return _Pictures({})
    tasks = [(file, crops.get(file.name, ())) for file in pages if file.name in whole or file.name in crops]
    found = read_images(tasks, whole, budget, say)
    return _Pictures(dict(tqdm(found, total=len(tasks), unit="page", desc="Pictures")))


def _cut_out(confusions: Iterable[Sequence[Confusion]], suspicious: Sequence[SuspiciousLabel]) -> dict[str, list[Box]]:
    """Return the words of which the report shows crops: their boxes by page."""
    boxes: dict[str, dict[Box, None]] = defaultdict(dict)
    for confusion in chain.from_iterable(confusions):
        for example in confusion.examples[:EXAMPLES]:
            boxes[example.page][example.box] = None
    for entry in suspicious:
        boxes[entry.page][entry.box] = None
    return {page: list(found) for page, found in boxes.items()}


def template_environment(folder: Path) -> Environment:
    """Return what renders the templates in a folder; a name that is not given is an error, not an empty place."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _environment(pictures: _Pictures, wording: Wording) -> Environment:
    environment = template_environment(TEMPLATES)
    environment.filters |= {
        "score": lambda value: "–" if value is None else f"{value:.4f}",
        "share": lambda value: "–" if value is None else f"{value:.1%}",
        "signed": lambda value: f"{value:+.4f}".replace("-", "\N{MINUS SIGN}"),
        "count": lambda value: f"{value:,}",
    }
    environment.globals |= {
        "CLASSES": CLASSES,
        "FAULTS": FAULTS,
        "FIGURES": FIGURES,
        "HEADLINE": HEADLINE,
        "EXAMPLES": EXAMPLES,
        "SUSPICIOUS": SUSPICIOUS,
        "bars": bars,
        "attribute": wording.attribute,
        "called": wording.called,
        "crop": pictures.crop,
        "gains": gains,
        "made_with": made_with,
        "page_link": page_link,
        "percent_gain": percent_gain,
        "say": wording.element,
        "text": wording.text,
    }
    return environment


def gains(analysis: Analysis) -> list[Comparison]:
    """Return the comparisons of the last model, which is the one that was trained, with each other."""
    judged = list(analysis.models)[-1] if analysis.models else ""
    return [comparison for comparison in analysis.comparisons if comparison.after == judged]


def made_with(summary: Mapping[str, Any]) -> str:
    """Return what the figures depend on, as indented JSON."""
    models = {name: model["identity"] for name, model in summary["models"].items()}
    tree = {"models": models, "versions": summary["versions"], "config": summary["config"]}
    return json.dumps(tree, ensure_ascii=False, indent=2)


def percent_gain(before: float, after: float) -> str:
    """Return by how many per cent a figure rose; empty where it was 0."""
    return f"{100 * (after / before - 1):+.1f} %".replace("-", "\N{MINUS SIGN}") if before else ""


def page_link(page: str, box: Box | None = None, **filters: str) -> str:
    """Return the address of a page within the report, of a word on it, or of a list of pages when `page` is empty."""
    parameters = {"page": page} if page else {"pages": ""}
    if box is not None:
        parameters["box"] = ",".join(map(str, box))
    return f"#{urlencode(parameters | filters)}"
