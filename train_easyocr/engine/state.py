"""What a run needs to go on exactly where it was: `last_state.pth`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from train_easyocr.common.errors import UsageError, UserError
from train_easyocr.common.files import replacing
from train_easyocr.settings.checking import CheckedSettings

STATE = "last_state.pth"
FORMAT = 2


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state whole or not at all."""
    with replacing(folder / STATE) as temporary:
        torch.save({"format": FORMAT, **state}, temporary)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state of an experiment, tensors on the CPU; None when it has none.

    Raises:
        UserError: The file is damaged or of another version.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of the unpickling
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: can't be read ({reason}); remove it to train this experiment from its start, "
            "or choose another experiment_name"
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise UserError(f"{path}: is no training state of this version; choose another experiment_name")
    return state


def check_same_settings(folder: Path, state: Mapping[str, Any], config: CheckedSettings, free: frozenset[str]) -> None:
    """Refuse to go on with settings under which the run would not be the same.

    Args:
        folder: The experiment's folder.
        state: Its state.
        config: The settings now.
        free: Settings that may change.

    Raises:
        UsageError: Settings differ; all that do are listed.
    """
    # A setting that came after the run began had its default value without a name.
    before, now = type(config)().model_dump() | state["config"], config.model_dump()
    differences = [
        f"  - {key}: {_short(before[key])} before, {_short(value)} now"
        for key, value in now.items()
        if key not in free and before[key] != value
    ]
    differences += [
        f"  - {key}: {_short(state['config'][key])} before; {fate}"
        for key, fate in config.missed(state["config"]).items()
        if key not in free
    ]
    if differences:
        raise UsageError(
            f"{folder}: was trained for {state['iteration']:,} iterations with other settings:\n"
            + "\n".join(differences)
            + "\nSet them back to go on, or choose another experiment_name for a new run"
            + " (continue_from takes this one's weights)."
        )


def check_same_data(folder: Path, state: Mapping[str, Any], data: list[str], names: Sequence[str], what: str) -> None:
    """Refuse to go on with other data sets, or to take a run on others for done.

    Args:
        folder: The experiment's folder.
        state: Its state.
        data: The sum of each data set's labels, training sets first; they say what is in a set, wherever it is.
        names: What each of them is called in the message.
        what: What the sums are of.

    Raises:
        UserError: The labels are not those that the run began with.
    """
    before = state["data"]
    changed = [name for name, old, new in zip_longest(names, before, data) if old != new]
    if changed:
        raise UserError(
            f"{folder}: was trained for {state['iteration']:,} iterations on other data: {what} have changed since:\n"
            + "\n".join(f"  - {name or 'a set that is not among them now'}" for name in changed)
            + "\nA new run on what is there now needs another experiment_name; its continue_from may take this one's "
            f"weights ({folder}/NAME.pth). Or remove {folder}, or give this run its data back (output, dataset)."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(text) - 2} characters)"
