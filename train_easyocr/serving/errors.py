"""What a request is refused with: a status, a code that programs can tell apart, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818 - no error of the service: it answers the request
    """A request can't be answered; the message names the limit and the value, or what is wrong and what to do.

    Args:
        code: A key of `STATUSES`.
        message: A sentence.
        headers: Of the answer.
    """

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.headers = code, message, dict(headers or {})

    @property
    def status(self) -> int:
        """The status of the answer."""
        return STATUSES[self.code]


class Stopped(Exception):  # noqa: N818 - nobody waits for what was stopped
    """The client is gone, or the job was deleted."""


STATUSES = {
    "malformed": 400,
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "timeout": 408,
    "not_done": 409,
    "unusable": 409,
    "too_large": 413,
    "unknown_type": 415,
    "invalid": 422,
    "unreadable": 422,
    "busy": 429,
    "internal": 500,
    "not_ready": 503,
    "too_slow": 504,
}
