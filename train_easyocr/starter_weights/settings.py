"""Settings as cards of published weights hold them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

PLACES = ("dataset", "output", "saved_models", "train_data", "val_data", "train_list", "val_list")
"""Settings that name folders and files of the machine that trained."""


def without_places(config: BaseModel) -> dict[str, Any]:
    """Return all settings, those of `PLACES` as they are by default."""
    fields = type(config).model_fields
    return config.model_dump() | {key: fields[key].default for key in PLACES if key in fields}
