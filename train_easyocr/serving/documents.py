"""A document that was sent, read page by page: a few pages at a time, so that memory does not depend on its length."""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any, Literal

import cv2
import numpy as np
import simplejpeg
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from train_easyocr.documents.images import ImageError, TooLargeError
from train_easyocr.documents.page import Box, Shape
from train_easyocr.reading.formats import About, Format, JsonWriter, Writer, json_page
from train_easyocr.reading.orientation import Setting, read_upright, turned_page
from train_easyocr.reading.pipeline import Engine, Identity, ReadPage, read_page
from train_easyocr.reading.run import FORMATS
from train_easyocr.reading.sources import (
    DPI,
    ImageDocument,
    OpenDocument,
    PageRange,
    SourcePage,
    TooManyPagesError,
    UnknownTypeError,
    is_pdf,
)
from train_easyocr.reading.words import Pixels, Reading
from train_easyocr.serving.crew import FIRST, Crew, Work
from train_easyocr.serving.errors import Refusal, Stopped
from train_easyocr.serving.pdf_process import RenderedPdf, Renderers

GLANCE = 0.2
"""Seconds between looks at whether a page is still wanted."""
CODES: Mapping[type[ImageError], str] = {
    TooLargeError: "too_large",
    UnknownTypeError: "unknown_type",
    TooManyPagesError: "invalid",
}
"""Of what a document is refused for; others are unreadable."""
PICTURE_SIDE, PICTURE_QUALITY = 1_800, 80
"""Pixels at most of a picture's longer side, and its JPEG quality."""

Read = tuple[ReadPage, SourcePage]
"""What was read, and the picture that it is about."""
Pages = Iterator[tuple[int, Read | ImageError]]
"""Numbers of pages, and what was read on each or why it can't be."""
Each = Callable[[dict[str, Any], list[str]], None]
"""Is given what JSON says about a page, and warnings."""


class Options(BaseModel):
    """What a client can ask for, beside the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format = Field("json", description="What comes back.")
    pages: str = Field("", max_length=200, description="Pages of the document, such as 1-20, 3, 5- or 1,4-6; all.")
    orientation: Setting | Literal["0", "90", "180", "270"] = Field(
        "off", description="auto: turn pages upright, and straighten skewed ones; degrees: turn them so far, clockwise."
    )
    detect: bool = Field(True, description="false: the picture is one word or line, and is only read.")
    recognize: bool = Field(
        True, description="false: words are only found; texts are empty. In JSON, without orientation auto."
    )
    dpi: int = Field(DPI, ge=50, le=600, description="What PDF is rendered at.")
    picture: Literal["off", "jpeg"] = Field(
        "off", description=f"jpeg: JSON holds each page as it was read, {PICTURE_SIDE} pixels long at most."
    )


def options_of(given: Mapping[str, Any]) -> Options:
    """Check what a client asks for.

    Raises:
        Refusal: Something of it is unknown or out of range; all of it is told.
    """
    try:
        options = Options.model_validate(given)
        PageRange(options.pages)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        raise Refusal("invalid", "; ".join(faults)) from None
    except ValueError as error:
        raise Refusal("invalid", f"pages: {error}") from None
    if not options.recognize and not (options.format == "json" and options.orientation != "auto" and options.detect):
        raise Refusal("invalid", "recognize: false goes with format json and detect true, without orientation auto")
    return options


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that was sent.

    Attributes:
        name: What the client calls it.
        content: Its bytes.
        options: What the client asks for.
    """

    name: str
    content: bytes
    options: Options


def refusal_of(error: ImageError, where: str = "the file") -> Refusal:
    """Return how a document that can't be read is refused."""
    return Refusal(CODES.get(type(error), "unreadable"), f"{where} {error}")


class Stoppable:
    """An `Engine` that is told between two steps that a page is no longer wanted.

    Args:
        engine: What reads.
        stop: Set where it is not.
    """

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self._engine, self._stop = engine, stop

    @property
    def identity(self) -> Identity:
        """What reads."""
        return self._engine.identity

    def detect(self, image: Pixels) -> list[Shape]:
        """Find words; see `Engine`."""
        self.check()
        return self._engine.detect(image)

    def read(self, grey: Pixels, shapes: Sequence[Shape]) -> list[Reading]:
        """Read words; see `Engine`."""
        self.check()
        return self._engine.read(grey, shapes)

    def check(self) -> None:
        """Raise `Stopped` where the page is no longer wanted."""
        if self._stop.is_set():
            raise Stopped


class OpenedUpload:
    """A document that was sent, opened.

    Args:
        upload: The file.
        limit: Pages that may be read of it.
        renderers: What renders PDF.

    Raises:
        Refusal: It can't be read, or more pages are asked for.
    """

    def __init__(self, upload: Upload, limit: int, renderers: Renderers) -> None:
        self.name, self.options = upload.name, upload.options
        try:
            self._document: OpenDocument = (
                RenderedPdf(renderers, upload.content, self.options.dpi)
                if is_pdf(upload.content)
                else ImageDocument(upload.content)
            )
        except ImageError as error:
            raise refusal_of(error) from None
        try:
            self.numbers = PageRange(self.options.pages).of(self._document.count, limit)
        except ImageError as error:
            self._document.close()
            raise refusal_of(error) from None

    def close(self) -> None:
        """Let go of the document."""
        self._document.close()

    def read(self, crew: Crew, engine: Engine, seconds: float, stop: threading.Event, priority: int = FIRST) -> Pages:
        """Read its pages, and close it; a few are read at once, and come in their order.

        Args:
            crew: Who reads.
            engine: With what.
            seconds: That a page may take.
            stop: Set where they are no longer wanted.
            priority: See `Crew.submit`.

        Yields:
            A page's number, and what was read or why it can't be.

        Raises:
            Refusal: A page takes too long.
            Stopped: They are no longer wanted.
        """
        work = partial(self._read_page, Stoppable(engine, stop))
        numbers = iter(self.numbers)
        waiting: deque[tuple[int, Work[Read]]] = deque()
        try:
            while True:
                while len(waiting) <= crew.threads and (number := next(numbers, None)) is not None:
                    waiting.append((number, crew.submit(partial(work, number), priority)))
                if not waiting:
                    return
                number, task = waiting[0]
                result = _result_of(number, task, seconds, stop)
                waiting.popleft()
                yield number, result
        finally:
            _close_after(self._document, [task.future for _, task in waiting])

    def _read_page(self, engine: Stoppable, number: int) -> Read:
        engine.check()
        start = time.perf_counter()
        page, wanted = self._document.page(number), self.options.orientation
        if wanted.isdigit():
            page = turned_page(page, int(wanted))
        decoded = {"decode": 1000 * (time.perf_counter() - start)}
        if not self.options.recognize:
            read, picture = read_page(engine, page, recognize=False), page
        elif self.options.detect:
            read, picture = read_upright(engine, page, "auto" if wanted == "auto" else "off")
        else:
            height, width = page.grey.shape
            read, picture = read_page(engine, page, shapes=[Box(0, 0, width, height)]), page
        return replace(read, milliseconds=decoded | read.milliseconds), picture


def _result_of(number: int, task: Work[Read], seconds: float, stop: threading.Event) -> Read | ImageError:
    while True:
        wait([task.future], GLANCE)
        if stop.is_set():
            raise Stopped
        if task.future.done():
            error = task.future.exception()
            return error if isinstance(error, ImageError) else task.future.result()
        if task.started is not None and time.monotonic() - task.started > seconds:
            stop.set()
            raise Refusal("too_slow", f"page {number} takes longer than {seconds:g} seconds")


def _close_after(document: OpenDocument, reading: Sequence[Future[Any]]) -> None:
    """Close a document when none of its pages is read any more, without waiting for it."""
    running = [future for future in reading if not future.cancel()]
    if running:
        threading.Thread(target=_close_when_done, args=(document, running), name="closing", daemon=True).start()
    else:
        document.close()


def _close_when_done(document: OpenDocument, running: Sequence[Future[Any]]) -> None:
    wait(running)
    document.close()


def page_answer(page: ReadPage, picture: SourcePage, with_picture: bool) -> dict[str, Any]:
    """Return what JSON says about a page."""
    return json_page(page, with_times=True) | ({"picture": _jpeg(picture.colour)} if with_picture else {})


def _jpeg(colour: Pixels) -> dict[str, str]:
    scale = min(1.0, PICTURE_SIDE / max(colour.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in colour.shape[:2])
    small = cv2.resize(colour, (width, height), interpolation=cv2.INTER_AREA) if scale < 1 else colour
    content = simplejpeg.encode_jpeg(np.ascontiguousarray(small, np.uint8), PICTURE_QUALITY, "RGB")
    return {"type": "image/jpeg", "data": base64.b64encode(content).decode("ascii")}


def write_document(
    opened: OpenedUpload,
    identity: Identity,
    pages: Pages,
    each: Each | None = None,
) -> bytes:
    """Write a document's pages in the format that is asked for.

    Args:
        opened: The document.
        identity: What reads it.
        pages: As `OpenedUpload.read` yields them.
        each: Is given what JSON says about each page, and warnings, as soon as it is read.

    Raises:
        Refusal: None of the pages can be read.
    """
    output, about = BytesIO(), About(opened.name, identity)
    say = partial(page_answer, with_picture=opened.options.picture == "jpeg")
    is_json = opened.options.format == "json"
    writer: Writer = JsonWriter(output, about, say) if is_json else FORMATS[opened.options.format][1](output, about)
    read, first = 0, None
    for number, result in pages:
        if isinstance(result, ImageError):
            first = first or result
            writer.fault(number, str(result))
            if each:
                each({"number": number, "error": str(result)}, [f"page {number}: {result}"])
        else:
            read += 1
            writer.page(*result)
            if each:
                each(say(*result), [f"page {number}: {warning}" for warning in result[0].warnings])
    if first is not None and not read:
        raise refusal_of(first, "the page" if len(opened.numbers) == 1 else "no page can be read; the first one")
    writer.close()
    return output.getvalue()
