"""What the commands of both starter weights share: their arguments, and settings as cards of weights hold them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from train_easyocr.common.command_line import CommandParser, minutes_of

PLACES = ("dataset", "output", "saved_models", "train_data", "val_data", "train_list", "val_list")
"""Settings that name folders and files of the machine that trained."""


def without_places(config: BaseModel) -> dict[str, Any]:
    """Return all settings, those of `PLACES` as they are by default, and of `continue_from` the file's name alone."""
    fields, settings = type(config).model_fields, config.model_dump()
    places = {key: fields[key].default for key in PLACES if key in fields}
    return settings | places | {"continue_from": Path(settings["continue_from"]).name}


def parser_of(module: str, description: str | None, output: Path, work: str) -> argparse.ArgumentParser:
    """Return the parser of a command that makes weights, to which it adds what it renders.

    Args:
        module: The command's module, as `python3 -m` takes it.
        description: Its docstring.
        output: Where the weights go by default.
        work: What the working folder is for.
    """
    parser = CommandParser(prog=f"python3 -m {module}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help=work)
    parser.add_argument("--minutes", type=minutes_of, metavar="N", help="stop after it; the same command goes on")
    parser.add_argument("--output", type=Path, default=output, metavar="FILE", help="the .pth")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings that override the file's")
    return parser
