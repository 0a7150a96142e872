"""The settings of the service, checked as a training's are.

Every key is described in `config_files/serving.yaml`, which lists them all with their default values.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pydantic import Field

from train_easyocr.settings.checking import CONFIG_FILES, CheckedSettings, check_settings, load_settings

DEFAULT_CONFIG = CONFIG_FILES / "serving.yaml"
MB = 1_000_000


class ServingConfig(CheckedSettings):
    """All limits of the service, checked and frozen."""

    # What a request may hold
    body_mb: int = Field(50, ge=1, le=256)
    pages: int = Field(200, ge=1, le=2_000)
    page_seconds: float = Field(60, gt=0)
    stall_seconds: float = Field(10, gt=0)
    body_seconds: float = Field(300, gt=0)

    # What all requests may
    queue: int = Field(64, ge=1, le=1_000)
    uploads_mb: int = Field(256, ge=1)

    # Jobs
    job_pages: int = Field(2_000, ge=1, le=2_000)
    jobs: int = Field(32, ge=1)
    jobs_mb: int = Field(256, ge=1)
    job_minutes: float = Field(60, gt=0)


def load_serving_config(path: Path = DEFAULT_CONFIG, overrides: Iterable[str] = ()) -> ServingConfig:
    """Read the settings; see `train_easyocr.settings.checking.load_settings`, whose errors it raises."""
    return load_settings(ServingConfig, partial(check_settings, ServingConfig, contradictions), path, overrides)


def contradictions(config: ServingConfig) -> list[str]:
    """Return what is wrong among values that are right each for itself."""
    return [
        f"{key}: {getattr(config, key)} with body_mb: {config.body_mb}; not one upload would fit"
        for key in ("uploads_mb", "jobs_mb")
        if getattr(config, key) < config.body_mb
    ]
