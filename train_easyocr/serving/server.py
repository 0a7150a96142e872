"""The process: a socket, uvicorn, and clients that are cut off where they send nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from train_easyocr.common.errors import UserError

GRACE_SECONDS = 60
"""That requests have to be finished in when the service is told to end."""
KEPT_SECONDS = 75
"""That a connection is kept for a next request: longer than clients keep theirs, which would meet a closed one."""
CONNECTIONS = 1_000


class ImpatientProtocol(H11Protocol):
    """HTTP with clients that have to begin a request soon after they have connected.

    Args:
        seconds: That they have.
        *args: See `H11Protocol`.
        **kwargs: See `H11Protocol`.
    """

    def __init__(self, seconds: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seconds = seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time; see `asyncio.Protocol`."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self._seconds, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the time; see `asyncio.Protocol`."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _cut_off(self) -> None:
        begun: object = self.scope  # which uvicorn gives another type than it has at first
        if begun is None:
            self.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UserError: It can't.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise UserError(f"{host}, port {port}: can't be listened at: {error.strerror or error}") from None
    # Connections inherit it. asyncio sets it for sockets made with IPPROTO_TCP alone, and without it an answer's body
    # waits until the client has acknowledged the head, 40 ms.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(app: FastAPI, opened: socket.socket, stall_seconds: float) -> None:
    """Answer requests until a signal comes; what is being read then is finished."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http=partial(ImpatientProtocol, stall_seconds),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _heard)  # uvicorn raises again what has ended it
    uvicorn.Server(config).run(sockets=[opened])


def _heard(number: int, frame: FrameType | None) -> None:
    """Do nothing more about a signal."""
