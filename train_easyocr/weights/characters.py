"""The characters that a recognizer can write, and their numbers.

Importing this module does not load torch; step 2 counts characters outside the set and needs nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from train_easyocr.common.encodings import EncodingError, decode_text
from train_easyocr.common.errors import UsageError
from train_easyocr.weights.easyocr_weights import did_you_mean, recognition_entries

if TYPE_CHECKING:
    import torch

MODEL_NAME = re.compile(r"[a-z_]+_g\d", re.IGNORECASE)
"""What looks like the name of an EasyOCR model rather than like a list of characters."""
KOREAN_DOCUMENTS = "korean_documents"
"""The name of the set that public documents need: `korean_documents()`."""
DOCUMENT_SYMBOLS = (
    "·ㆍ•○●◎□■◇◆△▲▽▼☆★※"
    "「」『』《》〈〉【】〔〕“”‘’′″"
    "∼～―…→←↑↓↔⇒"
    "×÷±≤≥≠≒∞√∑∴"
    "°℃‰㎡㎥㎢㎜㎝㎞㎏㎎㎖ℓ㏊￦€£¥"
    "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
    "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅰⅱⅲⅳⅴ"
    "㉠㉡㉢㉣㉤㉥㉦㉮㉯㉰㉱㉲㉳㈜"
    "ⓐⓑⓒⓓⓔ☎☏☞✓§½¼¾²³αβμΩ"
    "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
    "〃₩¦⊙㎦▶▷◀◁◈▣⓪㎾㏄㎠"
)
"""What public documents print beside syllables and ASCII: bullets, brackets, quotes, units, numbers in circles.

New ones come last: the others keep their classes, so a run that was begun before can go on.
"""


@dataclass(frozen=True)
class CharacterSet:
    """The characters of a recognizer, in the order of its classes.

    EasyOCR's tables of Arabic and Devanagari hold some characters twice. Their weights have a class for each, so such
    tables are kept as they are; a character is then written by its last class, as EasyOCR's own converter does.
    """

    characters: str

    @classmethod
    def from_setting(cls, setting: str) -> CharacterSet:
        """Read the setting `character`.

        Args:
            setting: `korean_documents`, the name of an EasyOCR model, the path of a text file (.txt, UTF-8; line ends
                don't count), else the characters themselves.

        Characters are brought to NFC, as labels are; decomposed Hangul would match no label.

        Raises:
            UsageError: No characters, one of them twice, a control character, a misspelt name, or no such file.
        """
        entries = recognition_entries()
        if setting in entries:
            return cls(entries[setting]["characters"])
        if setting == KOREAN_DOCUMENTS:
            return cls(korean_documents())
        if MODEL_NAME.fullmatch(setting) or did_you_mean(setting, [KOREAN_DOCUMENTS]):
            near = did_you_mean(setting, [*entries, KOREAN_DOCUMENTS])
            raise UsageError(f"character: there is no set of the name {setting}{near}")
        characters = unicodedata.normalize("NFC", _read_file(setting) if setting.endswith(".txt") else setting)
        faults = []
        if not characters:
            faults.append("is empty")
        repeated = [character for character, count in Counter(characters).items() if count > 1]
        if repeated:
            faults.append(f"holds {_named(repeated)} more than once")
        control = [character for character in dict.fromkeys(characters) if unicodedata.category(character) == "Cc"]
        if control:
            faults.append(f"holds control characters: {_named(control)}")
        if faults:
            raise UsageError(f"character: {'; '.join(faults)}")
        return cls(characters)

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.characters)

    def unknown(self, text: str) -> set[str]:
        """Return the characters of `text` that are not in the set."""
        return set(text) - self._known


def korean_documents() -> str:
    """Return the characters of Korean public documents.

    First korean_g2's 1,008 in its order, so that its weights serve on; then the other syllables of KS X 1001's 2,350,
    by code point; then `DOCUMENT_SYMBOLS`. On public documents every tenth word holds a character that korean_g2 lacks.
    """
    known = recognition_entries()["korean_g2"]["characters"]
    return "".join(dict.fromkeys((*known, *ks_x_1001_syllables(), *DOCUMENT_SYMBOLS)))


def ks_x_1001_syllables() -> str:
    """Return the 2,350 Hangul syllables of KS X 1001, by code point."""
    every = map(chr, range(ord("가"), ord("힣") + 1))
    # Python's EUC-KR writes a syllable outside the standard as a row of jamo, eight bytes long.
    return "".join(syllable for syllable in every if len(syllable.encode("euc_kr")) == 2)


def _read_file(setting: str) -> str:
    try:
        return "".join(decode_text(Path(setting).read_bytes()).text.splitlines())
    except (OSError, EncodingError) as error:
        raise UsageError(f"character: {setting}: can't be read as text: {error}") from None


def _named(characters: Iterable[str]) -> str:
    return ", ".join(f"{character!r} (U+{ord(character):04X})" for character in characters)


class _Converter:
    """Between texts and class numbers; `reserved` classes come before those of the characters."""

    reserved: int

    def __init__(self, character_set: CharacterSet) -> None:
        self.character_set = character_set
        self._class_of = {
            character: number for number, character in enumerate(character_set.characters, start=self.reserved)
        }

    @property
    def num_class(self) -> int:
        """The number of classes: the characters and the reserved ones."""
        return len(self.character_set) + self.reserved

    def _classes(self, label: str, skip_unknown: bool) -> list[int]:
        if skip_unknown:
            return [self._class_of[character] for character in label if character in self._class_of]
        try:
            return [self._class_of[character] for character in label]
        except KeyError:
            unknown = sorted(self.character_set.unknown(label))
            raise ValueError(f"{label!r}: outside the character set: {_named(unknown)}") from None

    def _text(self, classes: Iterable[int]) -> str:
        return "".join(self.character_set.characters[number - self.reserved] for number in classes)


class CtcConverter(_Converter):
    """Texts and classes of a CTC head: class 0 is the blank, the characters follow in the set's order, as EasyOCR."""

    reserved = 1

    def encode(self, labels: Sequence[str], skip_unknown: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn labels into what CTC's loss takes.

        Args:
            labels: Texts in NFC.
            skip_unknown: Leave characters outside the set out of the target instead of refusing them.

        Returns:
            targets: int32 [sum of lengths], the labels' classes one after the other.
            lengths: int32 [B].

        Raises:
            ValueError: A label holds a character outside the set.
        """
        import torch  # noqa: PLC0415 - keeps the import of this module light

        classes = [self._classes(label, skip_unknown) for label in labels]
        targets = torch.tensor([number for label in classes for number in label], dtype=torch.int32)
        return targets, torch.tensor([len(label) for label in classes], dtype=torch.int32)

    def decode(self, indices: Iterable[int]) -> str:
        """Turn classes into text.

        Args:
            indices: Classes of characters as `decoding.greedy` and `decoding.prefix_beam_search` return them: repeats
                merged and blanks removed.

        Raises:
            ValueError: A blank is among them: this is the network's path, not yet a label.
        """
        classes = [int(number) for number in indices]
        if classes and min(classes) < self.reserved:
            raise ValueError("blanks among the classes to be decoded; merge repeats and remove blanks first")
        return self._text(classes)


class AttnConverter(_Converter):
    """Texts and classes of an attention head: 0 is [GO], the start; 1 is [s], the end; then the characters.

    The order is that of deep-text-recognition-benchmark, so that weights move both ways.
    """

    reserved = 2
    go = 0
    end = 1

    def encode(
        self, labels: Sequence[str], batch_max_length: int, skip_unknown: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn labels into what the attention head is taught with.

        Args:
            labels: Texts in NFC.
            batch_max_length: The most characters that the head writes.
            skip_unknown: Leave characters outside the set out of the target instead of refusing them.

        Returns:
            text: int64 [B, batch_max_length + 2]: [GO], the label's classes, [s], filled up with [GO]. Its columns
                but the last are the head's input; its columns but the first are its target, where [GO] is ignored.
            lengths: int32 [B], characters and [s].

        Raises:
            ValueError: A label holds a character outside the set, or more than `batch_max_length` characters.
        """
        import torch  # noqa: PLC0415 - keeps the import of this module light

        text = torch.full((len(labels), batch_max_length + 2), self.go, dtype=torch.int64)
        lengths = torch.empty(len(labels), dtype=torch.int32)
        for row, label in enumerate(labels):
            classes = [*self._classes(label, skip_unknown), self.end]
            if len(classes) > batch_max_length + 1:
                raise ValueError(f"{label!r}: {len(classes) - 1} characters, batch_max_length is {batch_max_length}")
            text[row, 1 : 1 + len(classes)] = torch.tensor(classes)
            lengths[row] = len(classes)
        return text, lengths

    def decode(self, indices: Iterable[int]) -> str:
        """Turn the head's classes into text: what stands before the first [s]; a [GO] writes nothing."""
        written = []
        for number in indices:
            if number == self.end:
                break
            if number != self.go:
                written.append(int(number))
        return self._text(written)
