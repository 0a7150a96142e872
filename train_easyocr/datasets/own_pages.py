"""Which of a user's own pages a detector is trained on: what step 2 drew from a folder (`--from`), and step 3 needs.

Patches hold no pages. So step 2 writes beside the sets where their pages are and which of them it drew for what, as
settings of the detector's training: `detector_pages/<select_data>/detection.yaml` and two lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from train_easyocr.common.files import write_text
from train_easyocr.documents.label_formats import LabelForm

FOLDER = "detector_pages"
SETTINGS = "detection.yaml"
PATHS = ("train_data", "val_data", "train_list", "val_list")
HEAD = """\
# The detector's training on one's own pages, as step 2 drew them; step 3 takes it with detection: auto. May be edited.
"""
OWN: dict[str, object] = {"batch_size": 4, "lr": 0.0003}
"""Own pages are mostly few, and large batches of them take long. At this rate a detector loses little of what it knew
of other pages, and learns nearly as much of these as at a higher one (`benchmarks.studies.detector_recipes`)."""


def write_own_pages(
    prepared: Path, name: str, pages: Path, form: LabelForm, drawn: Mapping[str, Sequence[str]]
) -> Path:
    """Write what a detector's training on a folder's pages needs.

    Args:
        prepared: The folder below which step 2 writes.
        name: Of the sets of patches, `select_data`.
        pages: The folder of the pages, with their labels.
        form: How their labels are written.
        drawn: The names of the pages for `training` and for `validation`.

    Returns:
        The file of settings.

    Raises:
        OSError: Something can't be written.
    """
    folder = (prepared / FOLDER / name).resolve()
    settings: dict[str, object] = {"label_format": form}
    for key, purpose in (("train", "training"), ("val", "validation")):
        names = folder / f"{purpose}.txt"
        write_text(names, "".join(f"{page}\n" for page in drawn[purpose]))
        settings |= {f"{key}_data": str(pages.resolve()), f"{key}_list": str(names)}
    file = folder / SETTINGS
    if _settings_in(file).items() >= settings.items():
        return file  # and whatever the user has changed in it
    text = yaml.safe_dump(settings | OWN, allow_unicode=True, sort_keys=False, width=1_000_000)
    write_text(file, HEAD + text)
    return file


def find_own_pages(prepared: Path, names: Iterable[str]) -> Path | None:
    """Return the file that `write_own_pages` wrote, of the first set that has one and whose pages are still there."""
    for name in names:
        file = prepared / FOLDER / name / SETTINGS
        if file.is_file() and _are_there(file):
            return file
    return None


def _are_there(file: Path) -> bool:
    settings = _settings_in(file)
    # A file that a user broke is taken, so that whoever reads it says what is wrong.
    return not settings or all(Path(str(settings.get(key))).exists() for key in PATHS)


def _settings_in(file: Path) -> dict[str, object]:
    """Return the settings in a file; none where there is no such file, or nothing that is one."""
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return settings if isinstance(settings, dict) else {}
