"""POST /ocr as clients of PaddleX's serving send it (`paddlex/inference/serving/schemas/ocr.py`), and its answer.

A text is a line here, as PaddleOCR's detectors find them, with the mean of its words' confidences. All pages of a PDF
are read, not the first ten; nothing is fetched from a URL; pictures of the pages are not sent back.
"""

from __future__ import annotations

import threading
import uuid
from statistics import fmean
from typing import Any

from pydantic import BaseModel, ConfigDict

from train_easyocr.documents.images import ImageError
from train_easyocr.reading.formats import line_text
from train_easyocr.reading.pipeline import ReadPage
from train_easyocr.serving.documents import Upload, options_of, refusal_of
from train_easyocr.serving.errors import Refusal
from train_easyocr.serving.service import Service

PATH = "/ocr"
BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "description": "base64; URLs are not fetched"},
                    "fileType": {
                        "type": "integer",
                        "enum": [0, 1],
                        "description": "0: PDF, 1: image; not looked at",
                    },
                    "useDocOrientationClassify": {"type": "boolean", "nullable": True},
                },
                "example": {"file": "iVBORw0KGgo...", "fileType": 1, "useDocOrientationClassify": False},
            }
        }
    },
}


class Answer(BaseModel):
    """An answer, or an error."""

    model_config = ConfigDict(json_schema_extra={"example": {"logId": "0", "errorCode": 0, "errorMsg": "Success"}})
    logId: str  # noqa: N815 - PaddleX's names
    errorCode: int  # noqa: N815
    errorMsg: str  # noqa: N815
    result: dict[str, Any] | None = None


ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Answer} for status in (200, 400, 401, 408, 413, 415, 422, 429, 504)
}
PDF = b"%PDF-"
SETTINGS = {"use_doc_preprocessor": False, "use_textline_orientation": False}


def upload_of(name: str, content: bytes, given: dict[str, Any]) -> Upload:
    """Return what is asked for; of PaddleX's options only the one that turns pages upright counts."""
    turn = given.get("useDocOrientationClassify")
    if not isinstance(turn, bool | None):
        raise Refusal("invalid", "useDocOrientationClassify: should be true, false or null")
    return Upload(name, content, options_of({"orientation": "auto" if turn else "off"}))


def failed(status: int, message: str) -> dict[str, Any]:
    """Return the body of an answer that is an error."""
    return {"logId": str(uuid.uuid4()), "errorCode": status, "errorMsg": message}


def answer(service: Service, upload: Upload, stop: threading.Event) -> dict[str, Any]:
    """Read a document; return the body of the answer.

    Raises:
        Refusal: None of its pages can be read.
    """
    results: list[dict[str, Any]] = []
    sizes: list[dict[str, int]] = []
    faults: list[ImageError] = []
    opened = service.opened(upload, service.config.pages)
    for number, result in service.pages(opened, stop):
        if isinstance(result, ImageError):
            faults.append(ImageError(f"page {number} {result}"))
            if len(opened.numbers) == 1:
                raise refusal_of(result)
        read = None if isinstance(result, ImageError) else result[0]
        results.append({"prunedResult": pruned_result(read), "ocrImage": None})
        sizes.append({"width": read.width if read else 0, "height": read.height if read else 0})
    if len(faults) == len(results):
        raise Refusal("unreadable", f"no page can be read; {faults[0]}")
    is_pdf = PDF in upload.content[:1024]
    info = {"numPages": len(sizes), "pages": sizes, "type": "pdf"} if is_pdf else {**sizes[0], "type": "image"}
    said = "; ".join(["Success", *map(str, faults)])
    return {**failed(0, said), "result": {"ocrResults": results, "dataInfo": info}}


def pruned_result(page: ReadPage | None) -> dict[str, Any]:
    """Return a page's lines as PaddleX's pipeline tells them; none for a page that can't be read."""
    lines = page.lines if page else ()
    boxes = [list(line.box) for line in lines]
    corners = [[[left, top], [right, top], [right, bottom], [left, bottom]] for left, top, right, bottom in boxes]
    return {
        "model_settings": SETTINGS,
        "dt_polys": corners,
        "text_type": "general",
        "text_rec_score_thresh": 0.0,
        "rec_texts": [line_text(page, line) for line in lines] if page else [],
        "rec_scores": [round(fmean(page.words[word].confidence for word in line.words), 4) for line in lines]
        if page
        else [],
        "rec_polys": corners,
        "rec_boxes": boxes,
    }
