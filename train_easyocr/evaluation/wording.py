"""The report's texts in Korean and English: one table, a text a key.

    wording = Wording.load(path)          # {"found": {"en": "{count} pages", "ko": "페이지 {count}개"}, ...}
    wording.text("found", count=3)        # 3 pages
    wording.element("found", count=3)     # <span data-say="found" data-values='{"count": 3}'>3 pages</span>

A text holds values, `{count}`, and names that have texts of their own: of `{verdict:verdict}` the table says under
`verdict.` and the value what it is called; where it says nothing, the value stands. Elements are written in English and
name their text, so that `common/wording.js` can put the Korean one in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

LANGUAGES = ("en", "ko")
_VALUE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_ATTRIBUTES = {"title": "title", "label": "aria-label"}


@dataclass(frozen=True)
class Wording:
    """A table of texts.

    Attributes:
        table: By key, the text in each of `LANGUAGES`.
        language: The one that is written.
    """

    table: Mapping[str, Mapping[str, str]]
    language: str = "en"

    @classmethod
    def load(cls, path: Path) -> Wording:
        """Read a table, JSON."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def text(self, key: str, /, **values: object) -> str:
        """Return a text; the values are put into it as they are.

        Raises:
            KeyError: There is no such text, or a value is missing.
        """
        return _VALUE.sub(lambda found: self._value(found[1], found[2], values), self.table[key][self.language])

    def term(self, kind: str, name: str) -> str:
        """Return what something is called: a class, a figure, ...; its name, where the table has no word for it."""
        return self.text(f"{kind}.{name}") if f"{kind}.{name}" in self.table else name

    def _value(self, name: str, kind: str | None, values: Mapping[str, object]) -> str:
        return self.term(kind, str(values[name])) if kind else str(values[name])

    def element(self, key: str, tag: str = "span", /, **values: object) -> Markup:
        """Return an element that holds a text."""
        named = Markup(' data-say="{}"{}').format(key, _data(values))
        return Markup("<{}{}>{}</{}>").format(Markup(tag), named, self.text(key, **values), Markup(tag))

    def called(self, kind: str, name: str, tag: str = "span", /) -> Markup:
        """Return an element that holds what something is called; see `term`."""
        key = f"{kind}.{name}"
        return self.element(key, tag) if key in self.table else Markup("<{0}>{1}</{0}>").format(Markup(tag), name)

    def attribute(self, where: str, key: str, /, **values: object) -> Markup:
        """Return an attribute that holds a text, with what names it.

        Args:
            where: `title`, or `label` for `aria-label`.
            key: The text's key.
            values: Its values; an element has one set of them, for all its texts.
        """
        held = Markup('{}="{}"').format(Markup(_ATTRIBUTES[where]), self.text(key, **values))
        return Markup('{} data-say-{}="{}"{}').format(held, Markup(where), key, _data(values))


def _data(values: Mapping[str, Any]) -> Markup:
    if not values:
        return Markup("")
    return Markup(' data-values="{}"').format(json.dumps(values, ensure_ascii=False, default=str))
