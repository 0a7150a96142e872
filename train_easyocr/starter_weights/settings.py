"""Settings as cards of published weights hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

PLACES = ("dataset", "output", "saved_models", "train_data", "val_data", "train_list", "val_list")
"""Settings that name folders and files of the machine that trained."""


def without_places(config: BaseModel) -> dict[str, Any]:
    """Return all settings, those of `PLACES` as they are by default, and of `continue_from` the file's name alone."""
    fields, settings = type(config).model_fields, config.model_dump()
    places = {key: fields[key].default for key in PLACES if key in fields}
    return settings | places | {"continue_from": Path(settings["continue_from"]).name}
