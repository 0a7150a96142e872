"""PDF rendered in processes of their own: a page that never ends or that breaks PDFium costs nothing but itself.

A PDF of a thousand bytes can ask for years of drawing, which no thread can be stopped from, and PDFium must not be used
by two threads at once. A process can be ended, is bounded in memory, and several of them render at the same time.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import queue
import resource
import signal
from multiprocessing.connection import Connection
from typing import Any

from train_easyocr.documents.images import ImageError
from train_easyocr.reading.sources import PdfDocument, SourcePage

MEMORY = 4 * 2**30
"""Bytes of address space of a process; a page of 80 million pixels takes less than 1 GiB."""
OPENING_SECONDS = 20
"""That opening a PDF may take, the start of a process among them."""


class Renderers:
    """Processes that render PDF: the first one is there from the start, the others when they are first wanted.

    Args:
        count: How many.
        seconds: That a page may take.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.seconds = seconds
        self._free: queue.LifoQueue[_Renderer] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(first := _Renderer())
        if count:
            first.start()

    def ask(self, document: RenderedPdf, number: int, seconds: float) -> Any:
        """Return what a process makes of a page of a document, or the number of its pages where it is 0.

        Raises:
            ImageError: It can't be opened or rendered, or not in time.
        """
        renderer = self._free.get()
        try:
            answer = renderer.ask(document, number, seconds)
        finally:
            self._free.put(renderer)
        if isinstance(answer, ImageError):
            raise answer
        return answer

    def close(self) -> None:
        """End the processes."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._free.get_nowait().end()


class RenderedPdf:
    """A `Document` whose pages other processes render.

    Args:
        renderers: They.
        content: The file's bytes.
        dpi: See `PdfDocument`.

    Raises:
        ImageError: See `PdfDocument`.
    """

    _numbers = itertools.count()

    def __init__(self, renderers: Renderers, content: bytes, dpi: int) -> None:
        self.content, self.dpi, self.id = content, dpi, next(self._numbers)
        self._renderers = renderers
        self.count: int = renderers.ask(self, 0, OPENING_SECONDS)

    def page(self, number: int) -> SourcePage:
        """Render a page, from 1; see `Document`."""
        page: SourcePage = self._renderers.ask(self, number, self._renderers.seconds)
        return page

    def close(self) -> None:
        """Nothing is to be let go of: a process keeps the document that it was last asked for."""


class _Renderer:
    """A process that renders one page at a time."""

    def __init__(self) -> None:
        self._process: Any = None
        self._connection: Connection | None = None
        self._holds = -1

    def ask(self, document: RenderedPdf, number: int, seconds: float) -> Any:
        try:
            connection = self.start()
            known = self._holds == document.id
            connection.send((number, None if known else (document.content, document.dpi)))
            self._holds = document.id
            if connection.poll(seconds):
                return connection.recv()
        except (OSError, EOFError):
            self.end()
            return ImageError("can't be rendered: it broke what reads PDF")
        self.end()
        return ImageError(f"can't be rendered in {seconds:g} seconds")

    def start(self) -> Connection:
        """Start the process, unless it runs; return what connects to it."""
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_render, args=(theirs,), name="PDF", daemon=True)
            self._process.start()
            theirs.close()
        return self._connection

    def end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._process, self._connection, self._holds = None, None, -1


def _render(connection: Connection) -> None:
    """Answer until the other end is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):  # which a terminal sends to all; the service ends what it started
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    document: PdfDocument | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            number, given = connection.recv()
            try:
                if given is not None:
                    if document:
                        document.close()
                    document = None
                    document = PdfDocument(*given)
                if document is None:
                    raise ImageError("can't be read as a PDF")
                connection.send(document.page(number) if number else document.count)
            except ImageError as error:
                connection.send(error)
            except MemoryError:
                connection.send(ImageError("can't be rendered: it wants too much memory"))
