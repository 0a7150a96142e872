"""Who may use the service: a file of names and the SHA-256 of each one's token, a line each.

Tokens are random, 256 bits, so that their hashes can't be guessed back and need no salt.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from train_easyocr.common.errors import UsageError
from train_easyocr.common.files import write_text

_NAME = re.compile(r"[^\s:]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


class Tokens:
    """Who may use the service.

    Args:
        hashes: SHA-256 of each token, in hexadecimal, by name; None for anybody.
    """

    def __init__(self, hashes: dict[str, str] | None = None) -> None:
        self._hashes = hashes

    @property
    def needed(self) -> bool:
        """Whether a token has to be shown."""
        return self._hashes is not None

    def name_of(self, token: str | None) -> str | None:
        """Return whose token it is, "-" where none is needed; None for nobody's. Takes as long for any token."""
        if self._hashes is None:
            return "-"
        digest = _digest(token or "")
        names = [name for name, known in self._hashes.items() if hmac.compare_digest(known, digest)]
        return names[0] if names and token else None


def read_tokens(path: Path) -> Tokens:
    """Read a file of tokens.

    Raises:
        UsageError: It can't be read, is empty, or a line is no `name:sha256`.
    """
    hashes: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: can't be read ({error}); `python3 -m train_easyocr.serve --new_token NAME --token_file {path}` "
            "makes one"
        ) from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, digest = line.strip().partition(":")
        if not (_NAME.fullmatch(name) and _HASH.fullmatch(digest)) or name in hashes:
            raise UsageError(f"{path}, line {number}: is no name:sha256 of its own, as --new_token writes it")
        hashes[name] = digest
    if not hashes:
        raise UsageError(f"{path}: holds no token; --new_token NAME makes one")
    return Tokens(hashes)


def add_token(path: Path, name: str) -> str:
    """Add a token to a file, which may not be there yet; return the token, which is kept nowhere.

    Raises:
        UsageError: The name is none, or taken, or the file can't be used.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--new_token {name!r}: a name has 1 to 64 characters, neither spaces nor colons")
    before = path.read_text(encoding="utf-8") if path.exists() and path.stat().st_size else ""
    if before and name in (read_tokens(path)._hashes or {}):
        raise UsageError(f"{path}: has a token of {name}; remove its line first to replace it")
    token = secrets.token_urlsafe(32)
    start = before if not before or before.endswith("\n") else f"{before}\n"
    write_text(path, f"{start}{name}:{_digest(token)}\n")
    path.chmod(0o600)
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
