"""Figures of the service in Prometheus' form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from train_easyocr.documents.images import ImageError
from train_easyocr.serving.documents import Pages

State = tuple[str, str, Callable[[], float]]
"""A figure that goes up and down: its name, what it is, and how to get it."""

PACED = 0.2
"""Share of the newest page in the mean time of a page."""


class Metrics:
    """Counts what is done.

    Args:
        jobs: Returns how many jobs are kept in each state.
        states: What else the service knows of itself.

    Attributes:
        page_seconds: That a page takes a thread, mean of the last ones.
    """

    def __init__(self, jobs: Callable[[], Mapping[str, int]], states: Sequence[State]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("ocr_requests", "Answers", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "ocr_request_seconds", "Time to an answer", ["route"], registry=registry,
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
        )  # fmt: skip
        self._pages = Counter("ocr_pages", "Pages", ["result"], registry=registry)
        self._words = Counter("ocr_words", "Words that were read", registry=registry)
        self._steps = Counter("ocr_step_seconds", "Time that pages took", ["step"], registry=registry)
        kept = Gauge("ocr_jobs", "Jobs that are kept", ["state"], registry=registry)
        for state in jobs():
            kept.labels(state).set_function(partial(_count_of, jobs, state))
        for name, said, value in states:
            Gauge(name, said, registry=registry).set_function(value)
        self.page_seconds = 1.0

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def counted(self, pages: Pages) -> Pages:
        """Count pages that pass."""
        for number, result in pages:
            self._pages.labels("failed" if isinstance(result, ImageError) else "read").inc()
            if not isinstance(result, ImageError):
                took = result[0].milliseconds
                for step, milliseconds in took.items():
                    self._steps.labels(step).inc(milliseconds / 1000)
                self._words.inc(len(result[0].words))
                self.page_seconds += PACED * (sum(took.values()) / 1000 - self.page_seconds)
            yield number, result

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)


def _count_of(jobs: Callable[[], Mapping[str, int]], state: str) -> int:
    return jobs()[state]
