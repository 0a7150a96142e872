"""The models that were installed before: kept in an archive beside EasyOCR's folders, listed, and put back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from train_easyocr.common.errors import UsageError, WeightsError
from train_easyocr.common.files import sha256
from train_easyocr.common.publishing import publishing
from train_easyocr.delivery.staging import copy_or_remove
from train_easyocr.weights.checkpoints import WeightsCard, read_card
from train_easyocr.weights.model_files import Place


class ModelAtHand(NamedTuple):
    """A model that is installed or was before.

    Attributes:
        name: After its experiment and its weights.
        place: Its files.
        card: What its weights are; None where that is not said.
        installed: It is the installed one.
    """

    name: str
    place: Place
    card: WeightsCard | None
    installed: bool


def put(source: Place, target: Place) -> None:
    """Make the files of a model at `target` those at `source`."""
    # Settings of a detector count as soon as they are there: the old ones go first, the new ones come last.
    target.detection_settings.unlink(missing_ok=True)
    for original, copy in zip(source.files, target.files, strict=True):
        copy_or_remove(original, copy)


def _name_of(place: Place) -> str:
    digest = sha256(place.weights)
    if place.detection_settings.is_file():
        parts = [digest, *(sha256(path) for path in place.detector_files if path.is_file())]
        digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()
    card = _card_of(place)
    return f"{card.experiment_name if card else 'unknown'}-{digest[:8]}"


def _card_of(place: Place) -> WeightsCard | None:
    try:
        return read_card(place.weights)
    except WeightsError:
        return None  # a model that somebody else installed


def archive_installed(place: Place) -> str | None:
    """Copy the installed model to the archive, named after its experiment and its weights; None if there is none."""
    if not all(path.is_file() for path in (place.network, place.settings, place.weights)):
        return None
    name = _name_of(place)
    if not Place.archived(name).weights.is_file():
        with publishing(Place.archived(name).model) as work:
            put(place, Place(work, work))
        print(f"step 4: the model installed before is kept as {name}")
    return name


def models_at_hand(place: Place) -> list[ModelAtHand]:
    """Return the installed model and those of the archive, sorted by name."""
    archived = [Place.archived(folder.name) for folder in Place.archived("*").model.parent.glob("[!.]*")]
    places = {one.model.name: one for one in archived if one.weights.is_file()}
    if place.weights.is_file():
        places[_name_of(place)] = place
    return [ModelAtHand(name, where, _card_of(where), where is place) for name, where in sorted(places.items())]


def restore(name: str) -> Place:
    """Put a model of the archive back; the one that is installed now is kept.

    Raises:
        UsageError: There is no model of that name.
    """
    place = Place.installed()
    if Path(name).name != name or not Place.archived(name).weights.is_file():
        known = ", ".join(model.name for model in models_at_hand(place)) or "none"
        raise UsageError(f"no model named {name} was installed before; there are: {known}")
    archive_installed(place)
    put(Place.archived(name), place)
    return place
