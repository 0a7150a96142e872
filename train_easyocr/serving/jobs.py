"""Documents that are read while nobody waits: their pages can be had as they are read, all of it when it is done."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from train_easyocr.reading.formats import Format
from train_easyocr.serving.documents import Each, OpenedUpload
from train_easyocr.serving.errors import Refusal, Stopped

log = logging.getLogger("train_easyocr.serve")
AT_ONCE = 2
"""Jobs that are read at once; the others wait."""
JobState = Literal["queued", "running", "done", "failed"]


@dataclass(eq=False)
class Job:
    """A document.

    Attributes:
        owner: Whose token it was sent with.
        format: That was asked for.
        pages: Of it, that are read.
        size: Bytes that are kept for it.
        id: What it is asked for by; nobody guesses it.
        state: What is being done about it.
        lines: What JSON says about each page that was read, a line each.
        warnings: What is not as it should be.
        result: All of it, in the format that was asked for.
        error: Why it could not be read.
        ended: When that was, by `time.monotonic`.
        stop: Set where nobody wants it any more.
    """

    owner: str
    format: Format
    pages: int
    size: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: JobState = "queued"
    lines: list[bytes] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    result: bytes = b""
    error: Refusal | None = None
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def status(self) -> dict[str, Any]:
        """Return what a client is told about it."""
        error = {"error": {"code": self.error.code, "message": self.error.message}} if self.error else {}
        numbers = {"done": len(self.lines), "pages": self.pages}
        return {"id": self.id, "state": self.state, **numbers, "warnings": self.warnings, **error}


ReadJob = Callable[[OpenedUpload, threading.Event, Each], bytes]


class Jobs:
    """All jobs: a bounded number of them, in bounded memory, for a bounded time.

    Args:
        read: Reads a document, hands over what JSON says about each page with its warnings, and returns all of it.
        most: Jobs.
        most_bytes: That all of them keep.
        seconds: That they are kept after their end.
    """

    def __init__(self, read: ReadJob, most: int, most_bytes: int, seconds: float) -> None:
        self._read, self._most, self._most_bytes, self._seconds = read, most, most_bytes, seconds
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._readers = ThreadPoolExecutor(AT_ONCE, "job")

    def add(self, opened: OpenedUpload, size: int, owner: str) -> Job:
        """Put a document into the line.

        Args:
            opened: The document; it is closed.
            size: Its bytes.
            owner: Who may ask for it.

        Raises:
            Refusal: There is no room for it.
        """
        job = Job(owner, opened.options.format, len(opened.numbers), size)
        try:
            with self._lock:
                self._make_room(job.size)
                self._jobs[job.id] = job
        except Refusal:
            opened.close()
            raise
        self._readers.submit(self._do, job, opened)
        return job

    def find(self, number: str, owner: str) -> Job:
        """Return a job.

        Raises:
            Refusal: There is none of that number, or it is somebody else's.
        """
        with self._lock:
            self._forget_old()
            job = self._jobs.get(number)
        if job is None or job.owner != owner:
            raise Refusal("not_found", f"there is no job {number}; what is done is kept for {self._seconds / 60:g} min")
        return job

    def delete(self, job: Job) -> None:
        """Stop a job, and forget it."""
        job.stop.set()
        with self._lock:
            self._jobs.pop(job.id, None)

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are of each state."""
        with self._lock:
            states = [job.state for job in self._jobs.values()]
        return {state: states.count(state) for state in ("queued", "running", "done", "failed")}

    def close(self) -> None:
        """Stop all of them: what they have read could be asked for no more."""
        with self._lock:
            for job in self._jobs.values():
                job.stop.set()
        self._readers.shutdown(cancel_futures=True)

    def _do(self, job: Job, opened: OpenedUpload) -> None:
        if job.stop.is_set():
            opened.close()
            return
        job.state = "running"
        try:
            result = self._read(opened, job.stop, partial(self._add, job))
            self._grow(job, len(result))
            job.result, job.state = result, "done"
        except Stopped:
            job.state = "failed"
        except Refusal as error:
            job.error, job.state = error, "failed"
        except Exception:
            log.exception("a job failed")
            job.error, job.state = Refusal("internal", "a fault of the service, which its log tells more of"), "failed"
        finally:
            job.ended = time.monotonic()

    def _add(self, job: Job, page: dict[str, Any], warnings: list[str]) -> None:
        line = json.dumps(page, ensure_ascii=False).encode() + b"\n"
        self._grow(job, len(line))
        job.warnings += warnings
        job.lines.append(line)

    def _grow(self, job: Job, size: int) -> None:
        with self._lock:
            self._make_room(size, job)
            job.size += size

    def _make_room(self, size: int, own: Job | None = None) -> None:
        """Forget jobs that are done, the oldest first, until there is room for one more.

        Args:
            size: Bytes that are wanted.
            own: A job that stays.

        Raises:
            Refusal: There is not enough.
        """
        self._forget_old()
        done = [job for job in self._jobs.values() if job.ended is not None and job is not own]
        while len(self._jobs) >= self._most + (own is not None) or self._bytes() + size > self._most_bytes:
            if not done:
                raise Refusal(
                    "busy",
                    f"{len(self._jobs)} jobs are kept (jobs) with {self._bytes():,} bytes (jobs_mb); delete some, or "
                    "try again",
                    {"Retry-After": "30"},
                )
            del self._jobs[done.pop(0).id]

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._seconds
        for job in list(self._jobs.values()):
            if job.ended is not None and job.ended < oldest:
                del self._jobs[job.id]

    def _bytes(self) -> int:
        return sum(job.size for job in self._jobs.values())
