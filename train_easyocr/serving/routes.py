"""What is asked for by HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST

from train_easyocr.common.errors import UserError
from train_easyocr.reading.formats import model_of
from train_easyocr.serving import paddlex
from train_easyocr.serving.errors import Refusal
from train_easyocr.serving.intake import Intake
from train_easyocr.serving.schemas import Document, JobStatus, Model, refusals, request_body
from train_easyocr.serving.service import Service

MEDIA_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "hocr": "application/xhtml+xml",
    "alto": "application/xml",
    "pdf": "application/pdf",
}
LINES = "application/x-ndjson"
bearer = HTTPBearer(auto_error=False, description="A token that --new_token made, where the service has tokens.")


async def service_of(request: Request) -> Service:
    """Return what answers. As a coroutine, like `authorized`: others are called in a thread, twice a request."""
    service: Service = request.app.state.service
    return service


async def authorized(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None
) -> str:
    """Return who asks.

    Raises:
        Refusal: Nobody that may.
    """
    name = (await service_of(request)).tokens.name_of(shown.credentials if shown else None)
    if name is None:
        raise Refusal("unauthorized", "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
    request.state.user = name
    return name


ServiceOf = Annotated[Service, Depends(service_of)]
User = Annotated[str, Depends(authorized)]
UPLOAD = {"requestBody": request_body()}
UPLOAD_REFUSALS = refusals(
    "malformed", "unauthorized", "timeout", "too_large", "unknown_type", "invalid", "unreadable", "busy", "too_slow"
)
DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Document,
        "description": "The document, in the format that is asked for",
        "content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()},
    }
}
NO_TOKEN, NO_JOB = refusals("unauthorized"), refusals("unauthorized", "not_found")
health_router = APIRouter(tags=["health"])
api_router = APIRouter(dependencies=[Depends(authorized)])


@health_router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process is alive."""
    return {"status": "ok"}


@health_router.get("/readyz", responses=refusals("not_ready"))
async def readyz(service: ServiceOf) -> dict[str, str]:
    """Whether a word can be read now: one is."""
    if not await service.ready():
        raise Refusal("not_ready", "no word could be read in time")
    return {"status": "ready"}


@contextlib.asynccontextmanager
async def intake_of(request: Request, service: Service) -> AsyncIterator[Intake]:
    """Take a place in the line, and give it back with what the request holds in memory."""
    async with service.place():
        intake = Intake(request, service.config, service.held)
        try:
            yield intake
        finally:
            intake.release()


@api_router.post("/v1/ocr", tags=["reading"], openapi_extra=UPLOAD, responses=DOCUMENT | UPLOAD_REFUSALS)
async def ocr(request: Request, service: ServiceOf) -> Response:
    """Read a document, and answer with all of it."""
    async with intake_of(request, service) as intake:
        upload = await intake.upload()
        content = await service.while_wanted(
            request, lambda stop: service.read(service.opened(upload, service.config.pages), stop)
        )
    return Response(content, media_type=MEDIA_TYPES[upload.options.format])


@api_router.post(
    "/v1/jobs", tags=["jobs"], status_code=202, openapi_extra=UPLOAD,
    responses={202: {"model": JobStatus, "description": "It waits to be read"}, **UPLOAD_REFUSALS},
)  # fmt: skip
async def new_job(request: Request, service: ServiceOf, user: User) -> Response:
    """Have a document read while nobody waits."""
    async with intake_of(request, service) as intake:
        upload = await intake.upload()
        opened = await asyncio.to_thread(service.opened, upload, service.config.job_pages)
        job = service.jobs.add(opened, len(upload.content), user)
    return JSONResponse(job.status(), 202, {"Location": f"/v1/jobs/{job.id}"})


@api_router.get("/v1/jobs/{job}", tags=["jobs"], responses={200: {"model": JobStatus}, **NO_JOB})
async def job_status(job: str, service: ServiceOf, user: User) -> Response:
    """Say how far a job is."""
    return JSONResponse(service.jobs.find(job, user).status())


@api_router.get(
    "/v1/jobs/{job}/pages", tags=["jobs"], response_class=Response,
    responses={200: {"content": {LINES: {}}, "description": "A page a line"}, **NO_JOB, **refusals("invalid")},
)  # fmt: skip
async def job_pages(
    job: str, service: ServiceOf, user: User, start: Annotated[int, Query(alias="from", ge=0, le=10_000)] = 0
) -> Response:
    """Return the pages that are read, from one on, counted from 0, in JSON, a line each."""
    return Response(b"".join(service.jobs.find(job, user).lines[start:]), media_type=LINES)


@api_router.get(
    "/v1/jobs/{job}/result", tags=["jobs"], response_class=Response, responses=DOCUMENT | NO_JOB | refusals("not_done")
)
async def job_result(job: str, service: ServiceOf, user: User) -> Response:
    """Return all of a document, in the format that was asked for."""
    found = service.jobs.find(job, user)
    if found.error:
        raise found.error
    if found.state != "done":
        raise Refusal("not_done", f"{len(found.lines)} of {found.pages} pages are read; ask again later")
    return Response(found.result, media_type=MEDIA_TYPES[found.format])


@api_router.delete("/v1/jobs/{job}", tags=["jobs"], status_code=204, response_class=Response, responses=NO_JOB)
async def delete_job(job: str, service: ServiceOf, user: User) -> Response:
    """Stop a job, and forget what it has read."""
    service.jobs.delete(service.jobs.find(job, user))
    return Response(status_code=204)


@api_router.get("/v1/model", tags=["model"], responses={200: {"model": Model}, **NO_TOKEN})
async def model(service: ServiceOf) -> Response:
    """What reads."""
    return JSONResponse(model_of(service.engine.identity))


@api_router.post(
    "/v1/model/reload", tags=["model"], responses={200: {"model": Model}, **refusals("unauthorized", "unusable")}
)
async def reload(service: ServiceOf) -> Response:
    """Open the package and the tokens anew; what can't be used changes nothing."""
    try:
        await asyncio.to_thread(service.reload)
    except UserError as error:
        raise Refusal("unusable", f"the model before stays: {error}") from None
    return JSONResponse(model_of(service.engine.identity))


@api_router.get("/metrics", tags=["health"], response_class=PlainTextResponse, responses=NO_TOKEN)
async def metrics(service: ServiceOf) -> Response:
    """Figures in Prometheus' form."""
    return Response(await asyncio.to_thread(service.metrics.text), media_type=CONTENT_TYPE_LATEST)


@api_router.post(paddlex.PATH, tags=["PaddleX"], openapi_extra={"requestBody": paddlex.BODY}, responses=paddlex.ANSWERS)
async def paddlex_ocr(request: Request, service: ServiceOf) -> Response:
    """Read a document as PaddleX's serving does."""
    async with intake_of(request, service) as intake:
        upload = paddlex.upload_of(*await intake.json())
        answer = await service.while_wanted(request, lambda stop: paddlex.answer(service, upload, stop))
    return JSONResponse(answer)
