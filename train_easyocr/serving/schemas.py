"""The forms of requests and answers, for the API's description (OpenAPI); answers are written by `reading.formats`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from train_easyocr.serving.documents import Options
from train_easyocr.serving.errors import STATUSES

Box = tuple[int, int, int, int]


class ErrorBody(BaseModel):
    """What is wrong.

    Attributes:
        code: For programs.
        message: For people.
    """

    code: str = Field(description=", ".join(STATUSES))
    message: str


class Error(BaseModel):
    """An answer that is an error."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"error": {"code": "too_large", "message": "the body is larger than 50 MB"}}}
    )
    error: ErrorBody


class Word(BaseModel):
    """A word; pixels of the upright page."""

    id: int
    text: str
    confidence: float = Field(ge=0, le=1)
    box: Box = Field(description="xmin, ymin, xmax, ymax")
    polygon: list[tuple[float, float]] = Field(description="clockwise from the top left")
    line: int


class Line(BaseModel):
    """A line of words."""

    box: Box
    text: str
    block: int
    words: list[int]


class Page(BaseModel):
    """A page, or why it can't be read."""

    number: int
    error: str | None = None
    width: int | None = None
    height: int | None = None
    orientation: Literal[0, 90, 180, 270] | None = Field(None, description="turned clockwise by so many degrees")
    lines: list[Line] | None = None
    words: list[Word] | None = None
    milliseconds: dict[str, float] | None = None


class Model(BaseModel):
    """What reads."""

    name: str
    sha256: str
    detector_sha256: str
    characters: int


class Document(BaseModel):
    """A document that was read."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "file": "허가증.pdf",
                "model": {"name": "starter", "sha256": "ab" * 32, "detector_sha256": "cd" * 32, "characters": 2601},
                "pages": [
                    {
                        "number": 1, "width": 2480, "height": 3508, "orientation": 0,
                        "lines": [{"box": [300, 200, 640, 250], "text": "건축 허가증", "block": 0, "words": [0, 1]}],
                        "words": [
                            {"id": 0, "text": "건축", "confidence": 0.998, "box": [300, 200, 420, 250],
                             "polygon": [[300, 200], [420, 200], [420, 250], [300, 250]], "line": 0},
                            {"id": 1, "text": "허가증", "confidence": 0.9971, "box": [450, 200, 640, 250],
                             "polygon": [[450, 200], [640, 200], [640, 250], [450, 250]], "line": 0},
                        ],
                        "milliseconds": {"decode": 40.1, "detect": 310.5, "recognize": 402.2, "order": 20.3},
                    }
                ],
                "warnings": [],
            }
        }
    )  # fmt: skip
    file: str
    model: Model
    pages: list[Page]
    warnings: list[str]


class JobStatus(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "Zk3v0w", "state": "running", "done": 12, "pages": 300, "warnings": []}}
    )
    id: str
    state: Literal["queued", "running", "done", "failed"]
    done: int
    pages: int
    warnings: list[str]
    error: ErrorBody | None = None


FIELDS = Options.model_json_schema()["properties"]


def request_body() -> dict[str, Any]:
    """Return OpenAPI's description of an upload."""
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": {"type": "string", "format": "binary"}, **FIELDS},
    }
    coded = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {"type": "string", "description": "base64, with the head of a data URL or without; no other URL"},
            "name": {"type": "string", "maxLength": 1000},
            **FIELDS,
        },
        "example": {"file": "iVBORw0KGgo...", "name": "허가증.png", "orientation": "auto", "pages": "1-3"},
    }
    return {
        "required": True,
        "content": {"multipart/form-data": {"schema": form}, "application/json": {"schema": coded}},
    }


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of errors, by their statuses."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        before = found.get(STATUSES[code], {}).get("description", "")
        said = ", ".join(filter(None, [before, code]))
        found[STATUSES[code]] = {"model": Error, "description": said}
    return found
