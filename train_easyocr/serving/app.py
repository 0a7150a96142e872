"""The application: routes together, one form of errors, a line of log a request, headers that keep browsers strict."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from train_easyocr.common.errors import UserError
from train_easyocr.reading.xml_formats import software
from train_easyocr.serving import paddlex
from train_easyocr.serving.errors import STATUSES, Refusal, Stopped
from train_easyocr.serving.metrics import Metrics
from train_easyocr.serving.routes import api_router, health_router
from train_easyocr.serving.service import Service
from train_easyocr.serving.web_page import page_router

log = logging.getLogger("train_easyocr.serve")
CLIENT_GONE = 499
"""As nginx calls it; only the log sees it."""
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
"""Of all answers that do not say otherwise."""


def make_app(service: Service) -> FastAPI:
    """Return the application over a service, which it closes when it ends."""
    # The pages for trying out an API load scripts from other hosts; /openapi.json is there for one's own.
    app = FastAPI(
        title="Korean documents, read", version=software().rpartition(" ")[2], docs_url=None, redoc_url=None,
        lifespan=_lifespan, description="Words, lines and boxes of scans, PDF and TIFF.",
    )  # fmt: skip
    app.state.service = service
    app.include_router(health_router)
    app.include_router(api_router)
    app.include_router(page_router())
    for kind, answer in (
        (Refusal, _refused),
        (Stopped, _gone),
        (HTTPException, _by_status),
        (RequestValidationError, _invalid),
        (Exception, _bug),
    ):
        app.add_exception_handler(kind, answer)
    app.add_middleware(Watched, metrics=service.metrics)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError):  # on Windows, and beside the main thread
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, _reload, service))
    yield
    await asyncio.to_thread(service.close)


def _reload(service: Service) -> None:
    try:
        service.reload()
    except UserError as error:
        log.error("not reloaded, the model before stays: %s", error)


def _error(request: Request, status: int, code: str, message: str, headers: Mapping[str, str] | None) -> Response:
    """Return an answer that is an error, in the form that the address has."""
    paddle = request.url.path == paddlex.PATH
    body = paddlex.failed(status, message) if paddle else {"error": {"code": code, "message": message}}
    return JSONResponse(body, status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _error(request, error.status, error.code, error.message, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _by_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = next((code for code, status in STATUSES.items() if status == error.status_code), "malformed")
    return _error(request, error.status_code, code, str(error.detail), error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    return _error(request, STATUSES["invalid"], "invalid", said, None)


async def _bug(request: Request, error: Exception) -> Response:
    return _error(request, 500, "internal", "a fault of the service, which its log tells more of", None)


class Watched:
    """Adds `HEADERS` to answers, counts them, and writes a line of log for each.

    Args:
        app: What answers.
        metrics: What counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [(name, value) for name, value in HEADERS.items() if name not in given]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - start
            route = scope.get("route")
            self._metrics.answered(getattr(route, "path", "other"), status, seconds)
            user = scope.get("state", {}).get("user", "-")
            level = logging.DEBUG if scope["path"] in ("/healthz", "/readyz") else logging.INFO
            log.log(level, "%s %s %s %d %.0f ms", user, scope["method"], scope["path"], status, 1000 * seconds)
