"""The page at `/`: a document goes in, its pages with boxes and texts come out; all its files are here.

`page/` holds what only it has; what it shares with the evaluation's report lies in `common/`. Nothing is asked of any
other address: the content security policy forbids it, and every script or style that is not one of these files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Request, Response

from train_easyocr import common

_OWN = Path(__file__).with_name("page")
_SHARED = Path(common.__file__).parent
FILES = {
    "": _OWN / "index.html",
    "page/page.css": _OWN / "page.css",
    "page/page.js": _OWN / "page.js",
    "page/texts.json": _OWN / "texts.json",
    "page/look.css": _SHARED / "look.css",
    "page/elements.js": _SHARED / "elements.js",
    "page/wording.js": _SHARED / "wording.js",
}
"""By address."""
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def page_router() -> APIRouter:
    """Return the routes of the page's files; they need no token, and are no part of the API's description."""
    router = APIRouter(include_in_schema=False)
    for address, file in FILES.items():
        router.add_api_route(f"/{address}", _sender(file), methods=["GET", "HEAD"])
    return router


def _sender(file: Path) -> Callable[[Request], Awaitable[Response]]:
    content = file.read_bytes()
    headers = HEADERS | {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}

    async def send(request: Request) -> Response:
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=f"{TYPES[file.suffix]}; charset=utf-8")

    return send
