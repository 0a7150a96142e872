"""Figures of the service in Prometheus' form."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from train_easyocr.documents.images import ImageError
from train_easyocr.serving.documents import Pages

if TYPE_CHECKING:
    from train_easyocr.serving.service import Service

PACED = 0.2
"""Share of the newest page in the mean time of a page."""


class Metrics:
    """Counts what is done.

    Args:
        service: Whose.

    Attributes:
        page_seconds: That a page takes a thread, mean of the last ones.
    """

    def __init__(self, service: Service) -> None:
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
        jobs = Gauge("ocr_jobs", "Jobs that are kept", ["state"], registry=registry)
        for state in service.jobs.counts():
            jobs.labels(state).set_function(partial(_jobs, service, state))
        for name, said, value in (
            ("ocr_requests_in_line", "Requests that are read or wait", lambda: service.in_line),
            ("ocr_pages_waiting", "Pages that are not begun", lambda: service.crew.waiting),
            ("ocr_upload_bytes", "Bytes of uploads in memory", lambda: service.held.bytes),
            ("ocr_model_loaded_seconds", "When the model was loaded", lambda: service.loaded),
        ):
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


def _jobs(service: Service, state: str) -> int:
    return service.jobs.counts()[state]
