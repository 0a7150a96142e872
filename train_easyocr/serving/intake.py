"""Uploads: multipart, or base64 in JSON, counted while they come in, and kept in memory, never on a disk."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from train_easyocr.serving.config import MB, ServingConfig
from train_easyocr.serving.documents import Upload, options_of
from train_easyocr.serving.errors import Refusal, Stopped

FIELDS = 16
"""Of a form."""
LINGER = 1.0
"""Seconds for which a body that is too large is still taken in, and thrown away."""
AROUND = 64 * 1024
"""Bytes of a body beside the file."""


class Held:
    """The bytes of uploads that are in memory.

    Args:
        most: Bytes of all together.
    """

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0


class Intake:
    """Reads a request's body.

    Args:
        request: The request.
        config: Limits.
        held: What all requests hold; what this one does is given back by `release`.
    """

    def __init__(self, request: Request, config: ServingConfig, held: Held) -> None:
        self._request, self._config, self._held = request, config, held
        self._own = 0

    async def upload(self) -> Upload:
        """Read a file and the options beside it.

        Raises:
            Refusal: It is too large, comes too slowly, or is no form and no JSON with a file.
            Stopped: The client is gone.
        """
        kind = self._request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return await self._form()
        if kind == "application/json":
            name, content, values = await self.json()
            return Upload(name, content, options_of(values))
        raise Refusal("unknown_type", f"content-type {kind or 'none'}: send multipart/form-data or application/json")

    async def json(self) -> tuple[str, bytes, dict[str, Any]]:
        """Read JSON with a file in base64; return the file's name, the file, and what stands beside it."""
        body = bytearray()
        async for chunk in self._chunks(self._config.body_mb * MB * 4 // 3):
            body += chunk
        # A hundred megabytes are long to decode: not where all other requests are waited for.
        return await asyncio.to_thread(_from_json, bytes(body), self._config.body_mb)

    def release(self) -> None:
        """Give back what this request holds."""
        self._held.bytes -= self._own
        self._own = 0

    async def _form(self) -> Upload:
        parser = _InMemory(
            self._request.headers, self._chunks(self._config.body_mb * MB), max_files=1, max_fields=FIELDS
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise Refusal("malformed", f"the form can't be read: {error.message}") from None
        fields = {key: value for key, value in form.multi_items() if key != "file"}
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal("invalid", "file: is missing; send it as a file of the form, with a name")
        return Upload(file.filename or "upload", await file.read(), options_of(fields))

    async def _chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes.

        Args:
            limit: Bytes, beside `AROUND`.
        """
        limit += AROUND
        stream = self._request.stream()
        stated = self._request.headers.get("content-length", "")
        if stated.isdigit() and int(stated) > limit:
            raise await self._too_large(stream)
        seen, end = 0, time.monotonic() + self._config.body_seconds
        while True:
            left = min(self._config.stall_seconds, end - time.monotonic())
            try:
                chunk = await asyncio.wait_for(anext(stream), left)
            except StopAsyncIteration:
                return
            except TimeoutError:
                slow = f"nothing has come for {self._config.stall_seconds:g} seconds (stall_seconds)"
                long = f"the body has not come within {self._config.body_seconds:g} seconds (body_seconds)"
                said = slow if left == self._config.stall_seconds else long
                raise Refusal("timeout", said, {"Connection": "close"}) from None
            except ClientDisconnect:
                raise Stopped from None
            seen += len(chunk)
            if seen > limit:
                raise await self._too_large(stream)
            self._hold(len(chunk))
            yield chunk

    async def _too_large(self, stream: AsyncGenerator[bytes, None]) -> Refusal:
        # A connection that is closed while its client still sends is reset, and the client never sees why.
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(LINGER):
                async for _ in stream:
                    pass
        return Refusal(
            "too_large", f"the body is larger than {self._config.body_mb} MB (body_mb)", {"Connection": "close"}
        )

    def _hold(self, count: int) -> None:
        if self._held.bytes + count > self._held.most:
            most = self._held.most // MB
            raise Refusal("busy", f"uploads hold {most} MB (uploads_mb) already; try again", {"Retry-After": "5"})
        self._held.bytes += count
        self._own += count


class _InMemory(MultiPartParser):
    """Starlette's parser, which writes nothing to the disk: sizes are limited while the body comes in."""

    spool_max_size = 1 << 40


def _from_json(body: bytes, limit: int) -> tuple[str, bytes, dict[str, Any]]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal("malformed", f"the JSON can't be read: {str(error)[:200]}") from None
    if not isinstance(values, dict) or not isinstance(values.get("file"), str):
        raise Refusal("invalid", "file: is missing; send an object with the file in base64")
    name = values.pop("name", "upload")
    if not isinstance(name, str) or len(name) > 1_000:
        raise Refusal("invalid", "name: should be a text of 1,000 characters at most")
    content = _from_base64(values.pop("file"))
    if len(content) > limit * MB:
        raise Refusal("too_large", f"the file has {len(content):,} bytes, more than {limit} MB (body_mb)")
    return name, content, values


def _from_base64(text: str) -> bytes:
    """Decode base64, be it after the head of a data URL. Other URLs are no base64: nothing is fetched."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("invalid", "file: is no base64; URLs are not fetched, send the file itself") from None
