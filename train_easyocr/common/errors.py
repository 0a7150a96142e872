"""What ends a command with a sentence in place of a traceback: see `command_line.command`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class UserError(Exception):
    """The data, files or the machine are not as they have to be; the message says what is wrong and what to do.

    All errors that are meant for a user derive from it. What is wrong and told is said once: the processes that
    torchrun starts all find what is wrong before they join, and agree who tells what is found later.

    Attributes:
        status: The exit status of a command that ends with it.
        agreed: The processes of a training have agreed that this one tells it.
    """

    status = 1
    agreed = False


class UsageError(UserError):
    """The command or its settings are wrong; the message lists everything that is, a line each."""

    status = 2


class WeightsError(UserError):
    """Weights, their card or the settings beside them can't be used; the message names the file and what is wrong."""


class MissingWeightsError(WeightsError):
    """Weights are not there and can't be downloaded; the message says which file goes where."""


class Interrupted(Exception):  # noqa: N818 - no error: the state is saved
    """A signal asked the work to stop, and its state is saved; the message says how to go on."""


class OtherProcessError(Exception):
    """Another process of a training failed or is gone; that one says why."""


@contextlib.contextmanager
def consequence(text: str) -> Iterator[None]:
    """Add to the message of a `UserError` what follows from it, such as "nothing was installed"."""
    try:
        yield
    except UserError as error:
        message = str(error)
        error.args = (f"{message}\n{text}" if "\n" in message else f"{message}; {text}",)
        raise
