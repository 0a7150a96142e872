"""How a training ends before its last iteration: asked to by a signal, out of time, or because it went wrong."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from train_easyocr.common.errors import Interrupted
from train_easyocr.engine.state import STATE


def interrupted(experiment: Path, iteration: int, n_iter: int) -> Interrupted:
    """Return what to raise when an experiment, its state saved, stops after `iteration` of `n_iter` iterations."""
    return Interrupted(
        f"Stopped after iteration {iteration:,} of {n_iter:,}; {experiment / STATE} is saved, "
        "and running the same command again goes on from there"
    )


def end_after(minutes: float | None) -> float:
    """Return when that time will be over, as `time.monotonic` counts; never, where there is no limit."""
    return math.inf if minutes is None else time.monotonic() + 60 * minutes


class StopRequest:
    """Ctrl-C or SIGTERM, remembered until the trainer has a moment for it.

    Args:
        patient: A second signal changes nothing. torchrun repeats signals by itself, and kills after 30 seconds.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.made = False
        self._patient = patient

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen within the block; unless patient, a second signal ends the process as it would without us."""
        signals = (signal.SIGINT, signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread():
            yield  # Python hands signals to its main thread only
            return
        before = {number: signal.getsignal(number) for number in signals}

        def remember(number: int, frame: FrameType | None) -> None:
            self.made = True
            for each, handler in ({} if self._patient else before).items():
                signal.signal(each, handler)

        for number in signals:
            signal.signal(number, remember)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
