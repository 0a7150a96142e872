"""Text files as people have them: UTF-8 with or without a mark, UTF-16, and CP949 as Korean Windows writes it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from train_easyocr.common.errors import UserError

UTF_8, UTF_16, UTF_32, CP949 = "UTF-8", "UTF-16", "UTF-32", "CP949"

_MARKS = (
    (codecs.BOM_UTF8, UTF_8, "utf-8"),
    (codecs.BOM_UTF32_LE, UTF_32, "utf-32-le"),  # before UTF-16's, which it starts with
    (codecs.BOM_UTF32_BE, UTF_32, "utf-32-be"),
    (codecs.BOM_UTF16_LE, UTF_16, "utf-16-le"),
    (codecs.BOM_UTF16_BE, UTF_16, "utf-16-be"),
)
_HANGUL = re.compile("[가-힣]")
_HANJA = re.compile("[\u4e00-\u9fff\uf900-\ufaff]")
_USUAL = re.compile("[ -~\\r\\n가-힣]")
_FOREIGN = re.compile("[\u0100-\u036f]")
"""What two bytes of a CP949 syllable read as UTF-8 can be, and no Korean document holds: ǰ is 품."""
_NO_TEXT = frozenset({"Cn", "Co", "Cs", "Cc"})
_CONTROLS = frozenset("\t\n\r\f")


class Decoded(NamedTuple):
    """A text without its byte order mark, the encoding that it was in, as people call it, and as Python does."""

    text: str
    encoding: str
    codec: str


class EncodingError(UserError, ValueError):
    """Bytes are no text in any of the encodings; the message says so."""


def decode_text(content: bytes, *, cut: bool = False) -> Decoded:
    """Return the text that bytes hold.

    A byte order mark decides. Without one UTF-8 is tried first, which other text seldom passes for; UTF-16 is taken
    where the zero bytes of its ASCII characters show it and all of it is text, and CP949 where it gives more Hangul
    than damaged UTF-8 would, or signs alone.

    Args:
        content: The bytes.
        cut: They may end within a character, as the start of a file can.

    Raises:
        EncodingError: They are none of these.
    """
    for mark, name, codec in _MARKS:
        if content.startswith(mark):
            text = _decoded(content[len(mark) :], codec, cut=cut)
            if text is None:
                raise EncodingError(f"is not {name} text, though its byte order mark says so")
            return Decoded(text, name, codec)
    if b"\0" in content and (found := _utf_16(content, cut=cut)):
        return found
    text, korean = _decoded(content, "utf-8", cut=cut), None
    if text is None or (_FOREIGN.search(text) and not _HANGUL.search(text)):
        korean = _korean(content, cut=cut)
    if korean is not None:
        return Decoded(korean, CP949, "cp949")
    if text is None:
        raise EncodingError("is not text in UTF-8, CP949 or UTF-16")
    return Decoded(text, UTF_8, "utf-8")


def _decoded(content: bytes, codec: str, *, cut: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(content, final=not cut)
    except UnicodeDecodeError:
        return None


def _utf_16(content: bytes, *, cut: bool) -> Decoded | None:
    """Decode UTF-16 without a mark, in the order of bytes that gives more ASCII and Hangul, where all of it is text."""
    found = [(_decoded(content, codec, cut=cut), codec) for codec in ("utf-16-le", "utf-16-be")]
    texts = [Decoded(text, UTF_16, codec) for text, codec in found if text is not None and _all_text(text)]
    return max(texts, key=lambda decoded: len(_USUAL.findall(decoded.text)), default=None)


def _all_text(text: str) -> bool:
    return all(character in _CONTROLS or _is_text(character) for character in set(text))


def _is_text(character: str) -> bool:
    return unicodedata.category(character) not in _NO_TEXT


def _korean(content: bytes, *, cut: bool) -> str | None:
    """Decode CP949, unless damaged UTF-8 is more likely: nearly any two bytes above 127 are a character of CP949."""
    text = _decoded(content, "cp949", cut=cut)
    if text is None:
        return None
    damaged = content.decode("utf-8", errors="ignore")
    found, others = len(_HANGUL.findall(text)), len(_HANGUL.findall(damaged))
    return text if found > others or (found == others == 0 and not _HANJA.search(text)) else None
