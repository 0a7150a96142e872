"""What is asked for by HTTP."""

from __future__ import annotations

import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from train_easyocr.reading.formats import model_of
from train_easyocr.serving.documents import OpenedUpload, Upload, write_document
from train_easyocr.serving.errors import Refusal
from train_easyocr.serving.intake import Intake
from train_easyocr.serving.service import Service

MEDIA_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "hocr": "application/xhtml+xml",
    "alto": "application/xml",
    "pdf": "application/pdf",
}
bearer = HTTPBearer(auto_error=False, description="A token that --new_token made, where the service has tokens.")


def service_of(request: Request) -> Service:
    """Return what answers."""
    service: Service = request.app.state.service
    return service


def authorized(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None) -> str:
    """Return who asks.

    Raises:
        Refusal: Nobody that may.
    """
    name = service_of(request).tokens.name_of(shown.credentials if shown else None)
    if name is None:
        raise Refusal("unauthorized", "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
    request.state.user = name
    return name


ServiceOf = Annotated[Service, Depends(service_of)]
health_router = APIRouter(tags=["health"])
v1_router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)], tags=["reading"])


@health_router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process is alive."""
    return {"status": "ok"}


@health_router.get("/readyz")
async def readyz(service: ServiceOf) -> dict[str, str]:
    """Whether a word can be read now: one is."""
    if not await service.ready():
        raise Refusal("not_ready", "no word could be read in time")
    return {"status": "ready"}


@v1_router.post("/ocr")
async def ocr(request: Request, service: ServiceOf) -> Response:
    """Read a document, and answer with all of it."""
    async with service.place():
        intake = Intake(request, service.config, service.held)
        try:
            upload = await intake.upload()
            content = await service.while_wanted(request, lambda stop: read_upload(service, upload, stop))
        finally:
            intake.release()
    return Response(content, media_type=MEDIA_TYPES[upload.options.format])


def read_upload(service: Service, upload: Upload, stop: threading.Event) -> bytes:
    """Read a document; return it in the format that is asked for."""
    opened = OpenedUpload(upload, service.config.pages)
    start = time.perf_counter()
    engine = service.engine
    pages = opened.read(service.crew, engine, service.config.page_seconds, stop)
    written = write_document(opened, engine.identity, pages)
    service.took((time.perf_counter() - start) / len(opened.numbers))
    return written


@v1_router.get("/model")
async def model(service: ServiceOf) -> dict[str, Any]:
    """What reads."""
    return model_of(service.engine.identity)
