"""What all requests share: the engine and its replacement, the threads that read, the place in the line, the jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from starlette.requests import Request

from train_easyocr.common.errors import UserError
from train_easyocr.common.workers import available_cores
from train_easyocr.documents.page import Box
from train_easyocr.reading.onnx_engine import CARD, OnnxEngine
from train_easyocr.reading.pipeline import Engine
from train_easyocr.serving.config import MB, ServingConfig
from train_easyocr.serving.crew import FIRST, LATER, Crew
from train_easyocr.serving.documents import Each, OpenedUpload, Pages, Upload, write_document
from train_easyocr.serving.errors import Refusal, Stopped
from train_easyocr.serving.intake import Held
from train_easyocr.serving.jobs import Jobs
from train_easyocr.serving.metrics import Metrics
from train_easyocr.serving.pdf_process import Renderers
from train_easyocr.serving.tokens import Tokens, read_tokens

R = TypeVar("R")
log = logging.getLogger("train_easyocr.serve")
TRIED_SECONDS = 1
READY_SECONDS = 5
"""That the word of `Service.ready` may take, behind the words of pages."""


def model_folder(package: Path) -> Path:
    """Return where the model is: in a package of `train_easyocr.package` below it, in an export the folder itself."""
    return package / "model" if (package / "model" / CARD).is_file() else package


class Service:
    """Reads documents for whoever asks.

    Args:
        package: A package of `train_easyocr.package`, or a folder of `train_easyocr.export`.
        config: Limits.
        threads: That read; default: a core each.
        token_file: Who may ask; None for anybody.

    Raises:
        UserError: The package can't be used.
        UsageError: The file of tokens can't.
    """

    def __init__(
        self, package: Path, config: ServingConfig, threads: int | None = None, token_file: Path | None = None
    ) -> None:
        self.config = config
        self._package, self._token_file = package, token_file
        self.tokens = self._read_tokens()
        self.crew = Crew(threads or available_cores())
        self.engine = self._open()
        self._renderers = Renderers(self.crew.threads, config.page_seconds)
        self.held = Held(config.uploads_mb * MB)
        self.in_line, self.loaded, self.ended = 0, time.time(), True
        self.jobs = Jobs(self._read_job, config.jobs, config.jobs_mb * MB, 60 * config.job_minutes)
        self.metrics = Metrics(
            self.jobs.counts,
            [
                ("ocr_requests_in_line", "Requests that are read or wait", lambda: self.in_line),
                ("ocr_pages_waiting", "Pages that are not begun", lambda: self.crew.waiting),
                ("ocr_upload_bytes", "Bytes of uploads in memory", lambda: self.held.bytes),
                ("ocr_model_loaded_seconds", "When the model was loaded", lambda: self.loaded),
            ],
        )
        self._waiters = ThreadPoolExecutor(config.queue, "request")
        self._reloading = threading.Lock()
        self._tried = -math.inf
        self._try: asyncio.Future[None]

    def _read_tokens(self) -> Tokens:
        return read_tokens(self._token_file) if self._token_file else Tokens()

    def _open(self) -> OnnxEngine:
        """Open the package and read a word with it.

        Raises:
            UserError: It can't be used.
        """
        folder = model_folder(self._package)
        try:
            # A page is found by one thread: several pages are faster so, and as many are found at once.
            engine = OnnxEngine(folder, threads=1, spread=self.crew.spread)
            read_a_word(engine)
        except UserError:
            raise
        except Exception as error:  # of ONNX Runtime, which has a class for each kind of fault
            raise UserError(f"{folder}: can't be used: {' '.join(str(error).split())[:300]}") from error
        return engine

    def reload(self) -> None:
        """Take the package and the file of tokens as they are now; what is being read is finished with the old ones.

        Raises:
            UserError: They can't be used; the old ones stay.
        """
        with self._reloading:
            tokens, engine = self._read_tokens(), self._open()
            self.tokens, self.engine, self.loaded = tokens, engine, time.time()
        log.info("reloaded: %s, %s", engine.identity.name, engine.identity.recognizer_sha256[:12])

    async def ready(self) -> bool:
        """Whether a word can be read now; who asks often is told what was found within the last second."""
        if time.monotonic() - self._tried > TRIED_SECONDS:
            self._tried = time.monotonic()
            self._try = asyncio.ensure_future(asyncio.to_thread(read_a_word, self.engine))
        try:
            await asyncio.wait_for(asyncio.shield(self._try), READY_SECONDS)
        except TimeoutError:
            return False
        return True

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take a place in the line.

        Raises:
            Refusal: There is none.
        """
        if self.in_line >= self.config.queue:
            wait = min(60, math.ceil(self.in_line * self.metrics.page_seconds / self.crew.threads))
            raise Refusal(
                "busy",
                f"{self.in_line} requests are read or wait, as many as may (queue); try again in {wait} s",
                {"Retry-After": str(wait)},
            )
        self.in_line += 1
        try:
            yield
        finally:
            self.in_line -= 1

    def opened(self, upload: Upload, pages: int) -> OpenedUpload:
        """Open a document of so many pages at most; see `OpenedUpload`."""
        return OpenedUpload(upload, pages, self._renderers)

    def read(
        self,
        opened: OpenedUpload,
        stop: threading.Event,
        priority: int = FIRST,
        each: Each | None = None,
    ) -> bytes:
        """Read a document; return it in the format that is asked for; see `OpenedUpload.read` and `write_document`."""
        engine = self.engine
        return write_document(opened, engine.identity, self._pages(engine, opened, stop, priority), each)

    def pages(self, opened: OpenedUpload, stop: threading.Event) -> Pages:
        """Read a document; yield its pages; see `OpenedUpload.read`."""
        return self._pages(self.engine, opened, stop, FIRST)

    def _pages(self, engine: Engine, opened: OpenedUpload, stop: threading.Event, priority: int) -> Pages:
        return self.metrics.counted(opened.read(self.crew, engine, self.config.page_seconds, stop, priority))

    def _read_job(self, opened: OpenedUpload, stop: threading.Event, each: Each) -> bytes:
        return self.read(opened, stop, LATER, each)

    async def while_wanted(self, request: Request, work: Callable[[threading.Event], R]) -> R:
        """Do work in a thread, as long as the client is there.

        Args:
            request: The client's, whose body has been read.
            work: Is given what is set as soon as the client is gone.

        Raises:
            Stopped: The client is gone.
        """
        stop = threading.Event()
        done = asyncio.get_running_loop().run_in_executor(self._waiters, work, stop)
        gone = asyncio.ensure_future(_until_gone(request))
        either: set[asyncio.Future[Any]] = {done, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                return done.result()
            raise Stopped
        finally:
            gone.cancel()
            stop.set()
            done.add_done_callback(lambda future: future.cancelled() or future.exception())

    def close(self) -> None:
        """End the threads; `ended` is false where one is still in the middle of a page that was given up."""
        self.jobs.close()
        self._waiters.shutdown(cancel_futures=True)
        self.ended = self.crew.close()
        self._renderers.close()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def read_a_word(engine: OnnxEngine) -> None:
    """Find and read words on a small picture, whatever they are read as."""
    page = np.full((64, 192, 3), 255, np.uint8)
    cv2.putText(page, "2026", (24, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 3)
    engine.detect(page)
    [_] = engine.read(page[:, :, 0], [Box(16, 8, 176, 56)])
