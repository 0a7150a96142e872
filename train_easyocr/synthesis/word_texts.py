"""What word patches say: words of public documents, and words made up so that every character occurs often enough.

Of twenty words thirteen are such as documents hold: words of the package's sentences (or of a file), dates, sums,
figures of tables, numbers of laws, addresses, marks of lists, lone signs, Latin words, long words. Seven are made
around a target, a character whose turn it is: each round goes once through all characters in an order of its own, so
that none occurs more than once more often as a target than another.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

import numpy as np

from train_easyocr.common.text import normalize_label, unify_signs, unify_variants
from train_easyocr.synthesis import vocabulary
from train_easyocr.synthesis import word_templates as data
from train_easyocr.synthesis.sentences import SentenceWriter

Choice = TypeVar("Choice")
LONGEST = 25
"""Characters of a word at most; the default `batch_max_length` is 34."""
KINDS = "CSBCLMSEBCSWBCMSEBCK"
"""What the words of each score are: C corpus, S structured, L lone signs, E Latin letters, W long words, B made up, M
corpus word with a target put in, K a corpus word that holds the target."""
AIMED = "BMBMK"
"""Likewise, when words for certain characters are asked for."""
SLOT = re.compile(r"{(\w+)}")
SYLLABLES = re.compile("[가-힣]+")
STRUCTURES = tuple(templates.split() for _, templates in data.STRUCTURES)
STRUCTURE_BOUNDS = tuple(accumulate(share for share, _ in data.STRUCTURES))


def _model(random: np.random.Generator) -> str:
    """The number of a model, as on plates of machines: letters and digits in groups."""
    groups = []
    for _ in range(int(random.integers(1, 4))):
        letters, size = random.random() < 0.5, int(random.integers(1, 5))
        groups.append("".join(chr(65 + int(n)) for n in random.integers(26, size=size)) if letters
                      else f"{random.integers(10**size)}")  # fmt: skip
    return ("-" if random.random() < 0.5 else "").join(groups)


OTHER_SLOTS: dict[str, Callable[[np.random.Generator], str]] = {
    "circle": lambda random: chr(ord("①") + int(random.integers(20))),
    "roman": lambda random: chr(ord("Ⅰ") + int(random.integers(10))),
    "sum": lambda random: f"{int(10 ** random.uniform(0, 9)):,}",
    "long": lambda random: f"{int(10 ** random.uniform(0, 9))}",
    "share": lambda random: f"{int(random.integers(1, 1000)) / 10}",
    "lot": lambda random: f"{random.integers(1, 1300)}" + f"-{random.integers(1, 40)}" * int(random.integers(2)),
    "small": lambda random: chr(97 + int(random.integers(26))),
    "EXT": lambda random: data.CHOICE_SLOTS["ext"][int(random.integers(len(data.CHOICE_SLOTS["ext"])))].upper(),
    "model": _model,
    "name": lambda random: "".join(chr(97 + int(n)) for n in random.integers(26, size=int(random.integers(3, 9)))),
}
"""Slots of templates that are filled in another way."""


@lru_cache(maxsize=1)
def package_words() -> tuple[str, ...]:
    """The different words of many documents as the package's writers write them; always the same."""
    random = np.random.default_rng(20_101_115)
    found: dict[str, None] = {}
    for _ in range(90):
        for category in vocabulary.TOPICS:
            writer = SentenceWriter(random, category, int(random.integers(1996, 2026)))
            for write in (writer.title, writer.statement, writer.sentence, writer.request, writer.article):
                for _ in range(3):
                    found.update(dict.fromkeys(write().split()))
    lists = (vocabulary.TOWNS, vocabulary.VILLAGES, vocabulary.ROADS, vocabulary.POSITIONS, vocabulary.DEPARTMENTS,
            vocabulary.AGENCIES, vocabulary.MATERIALS, vocabulary.THINGS, vocabulary.REMARKS, vocabulary.FORM_FIELDS,
            tuple(vocabulary.PROVINCES.values()), *vocabulary.DISTRICTS.values())  # fmt: skip
    for texts in lists:
        for text in texts:
            found.update(dict.fromkeys(text.split()))
    return tuple(found)


def usable_words(words: Iterable[str], characters: frozenset[str]) -> tuple[str, ...]:
    """The different words that can be written with `characters`, in their order; signs in the form of labels."""
    unified = (unify_variants(normalize_label(word)) for word in words)
    return tuple(dict.fromkeys(word for word in unified if 0 < len(word) <= LONGEST and characters.issuperset(word)))


class WordTexts:
    """Texts of words by number.

    Args:
        characters: What may be written; signs that `text.VARIANTS` replaces by others are not.
        words: Words of documents; those that need another character are passed over.
        seed: Other seeds give other texts.
        weights: Characters that are wanted, and how much each; None for all characters alike.

    Raises:
        ValueError: None of the characters that are wanted may be written.
    """

    def __init__(
        self, characters: str, words: Sequence[str], seed: int, weights: Mapping[str, float] | None = None
    ) -> None:
        self.characters = "".join(c for c in characters if not c.isspace() and unify_signs(c) == c)
        self.known = frozenset(self.characters)
        self._spaces = " " in characters
        self._seed = seed
        self.words = usable_words(words, self.known) or tuple(self.characters)
        self._syllables = "".join(c for c in self.characters if "가" <= c <= "힣") or self.characters
        self._latin = "".join(c for c in self.characters if c.isascii() and c.isalpha())
        self._digits = "".join(c for c in self.characters if c.isascii() and c.isdigit())
        self._wanted = None if weights is None else {c: w for c, w in weights.items() if c in self.known and w > 0}
        if not self.characters or self._wanted == {}:
            raise ValueError("no character that is wanted can be written")
        self._targets = np.array(list(self.characters if self._wanted is None else self._shares(self._wanted)))
        self._kinds = KINDS if self._wanted is None else AIMED
        self._aimed_before = [0, *accumulate(kind in "BMK" for kind in self._kinds)]
        self._order: tuple[int, np.ndarray] = (-1, self._targets)
        self._plain = tuple(word for word in self.words if SYLLABLES.fullmatch(word)) or self.words
        self._lone = [sign for sign in unify_signs(data.LONE) if sign in self.known] or self.characters
        self._groups = [signs for signs in data.LONE_GROUPS if self.known.issuperset(signs)] or self.characters
        self._frequent = [word for word in data.FREQUENT if self.known.issuperset(word)] or self.words
        self._holding = self._index()

    @staticmethod
    def _shares(wanted: Mapping[str, float]) -> str:
        """Each wanted character as often in a round as its weight says, 1 to 20 times."""
        least = max(max(wanted.values()) / 20, 1e-9)
        return "".join(c * max(1, round(weight / least)) for c, weight in wanted.items())

    def _index(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(self.words):
            for character in set(word):
                places[character].append(number)
        return dict(places)

    def text(self, index: int, random: np.random.Generator) -> str:
        """The text of word `index`, 1 to `LONGEST` characters, all of them known, perhaps with one space inside.

        Args:
            index: From 0; decides on the kind of text and on the target.
            random: The word's random numbers; decide on the rest.
        """
        kind = self._kinds[index % len(self._kinds)]
        if kind == "C":
            text = self._corpus_word(random)
        elif kind == "S":
            text = self._structured(random)
        elif kind == "L":
            text = self._pick(random, self._groups if random.random() < 0.1 else self._lone)
        elif kind == "E":
            text = self._fill(self._pick(random, data.LATIN_WORDS), random)
        elif kind == "W":
            text = self._fill(self._pick(random, data.LONG_WORDS), random)[:LONGEST]
        else:
            text = self._aimed(kind, self.target(index), random)
        text, target = unify_variants(text), self.target(index)
        if target not in text:  # at its head the letter ㅇ became a bullet; a masked name shows it as a letter
            text = 3 * target
        if len(text) <= LONGEST and self.known.issuperset(text.replace(" ", "")):
            return text
        return self._made_up_of(random, target)

    def target(self, index: int) -> str:
        """The character around which word `index` is made; empty where there is none."""
        rounds, place = divmod(index, len(self._kinds))
        if self._kinds[place] not in "BMK":
            return ""
        ordinal = rounds * self._aimed_before[-1] + self._aimed_before[place]
        number, place = divmod(ordinal, len(self._targets))
        if self._order[0] != number:
            order = np.random.default_rng([self._seed, number, 1]).permutation(self._targets)
            self._order = (number, order)
        return str(self._order[1][place])

    def _fill(self, template: str, random: np.random.Generator) -> str:
        """Fill the slots of a template."""
        return SLOT.sub(lambda slot: self._slot(slot.group(1), random), template)

    def _slot(self, name: str, random: np.random.Generator) -> str:
        if name == "word":
            return self._word(random)
        if name == "plain":
            return self._pick(random, self._plain)
        if name == "pair":
            return self._in_brackets(random)
        if name in data.CHOICE_SLOTS:
            return self._pick(random, data.CHOICE_SLOTS[name])
        if name in data.NUMBER_SLOTS:
            low, high, form = data.NUMBER_SLOTS[name]
            return format(int(random.integers(low, high + 1)), form)
        return OTHER_SLOTS[name](random)

    # --- Words of documents ---

    def _pick(self, random: np.random.Generator, choices: Sequence[Choice]) -> Choice:
        return choices[int(random.integers(len(choices)))]

    def _word(self, random: np.random.Generator) -> str:
        return self.words[int(random.integers(len(self.words)))]

    def _corpus_word(self, random: np.random.Generator) -> str:
        """A word as it stands, or with what sticks to words: particles, commas, brackets, other words."""
        draw = random.random()
        if draw < 0.42:
            return self._word(random)
        if draw < 0.5:
            return self._pick(random, self._frequent)
        if draw < 0.84:
            spaced = self._spaces and draw > 0.8
            return self._fill(self._pick(random, data.SPACED if spaced else data.STICKING), random)
        word = self._word(random)
        if draw < 0.91:  # printed over two lines, a word is two labels
            cut = int(random.integers(1, max(2, len(word))))
            return word[:cut] if random.random() < 0.5 else word[-cut:]
        # A spaced title is a label a character.
        return word[int(random.integers(len(word)))]

    # --- Words around a character ---

    def _aimed(self, kind: str, target: str, random: np.random.Generator) -> str:
        if not "가" <= target <= "힣":
            return self._with_sign(target, random)
        holding = self._holding.get(target)
        if kind == "K" and holding:
            return self.words[self._pick(random, holding)]
        if kind == "B":
            return self._made_up_of(random, target)
        # A syllable of a document's word is replaced, so that the target stands among usual neighbours.
        word = self._word(random)
        places = [place for place, character in enumerate(word) if "가" <= character <= "힣"]
        if not places:
            return word + target
        place = self._pick(random, places)
        return word[:place] + target + word[place + 1 :]

    def _made_up_of(self, random: np.random.Generator, target: str) -> str:
        """A word of one to seven syllables drawn alike, `target` among them; at times with a number or in brackets."""
        length = int(random.choice(7, p=(0.06, 0.2, 0.26, 0.22, 0.14, 0.08, 0.04))) + 1
        numbers = random.integers(len(self._syllables), size=length)
        letters = [self._syllables[int(number)] for number in numbers]
        if target:
            letters[int(random.integers(length))] = target
        text, draw = "".join(letters), random.random()
        decorated = text
        if draw < 0.06:
            decorated = f"{random.integers(1, 100)}{text}"
        elif draw < 0.12:
            pair = self._pick(random, data.PAIRS)
            decorated = pair[0] + text + pair[1]
        elif draw < 0.22:
            decorated = text + self._pick(random, (",", ".", ")", ":", "%", "1", "2", "①", "·"))
        return decorated if self.known.issuperset(decorated) else text

    def _with_sign(self, sign: str, random: np.random.Generator) -> str:
        """A word in which a letter, digit or sign stands where documents have it."""
        if sign.isascii() and sign.isalpha():
            return self._latin_word(random, sign)
        if sign.isascii() and sign.isdigit():
            digits = "".join(self._pick(random, self._digits) for _ in range(int(random.integers(0, 6))))
            place = int(random.integers(len(digits) + 1))
            unit = self._pick(random, vocabulary.UNITS) if random.random() < 0.2 else ""
            return digits[:place] + sign + digits[place:] + unit
        pair = next((pair for pair in data.PAIRS if sign in pair), None)
        if pair is not None:
            alone = f"{sign}{{word}}" if sign == pair[0] else f"{{word}}{sign}"
            whole = f"{pair[0]}{{word}}{pair[1]}"
            template = self._pick(random, (whole, whole + "{particle}", alone, alone, sign))
        else:
            forms = next((forms for signs, forms in data.SIGNS if sign in signs), data.OTHER_SIGNS)
            template = self._pick(random, forms).replace("*", sign)
        return self._fill(template, random)

    def _in_brackets(self, random: np.random.Generator) -> str:
        pair = self._pick(random, data.PAIRS)
        return pair[0] + self._word(random) + pair[1]

    def _latin_word(self, random: np.random.Generator, letter: str) -> str:
        """A few Latin letters, `letter` among them: capitals, small letters or both, at times with digits."""
        length = int(random.integers(1, 9))
        letters = [self._latin[int(number)] for number in random.integers(len(self._latin), size=length)]
        draw = random.random()
        if letter.isupper() and draw < 0.7:
            letters = [one.upper() for one in letters]
        elif letter.islower() and draw < 0.8:
            letters = [one.lower() for one in letters]
            if draw < 0.2:
                letters[0] = letters[0].upper()
        letters[int(random.integers(length))] = letter
        text = "".join(letters)
        if draw < 0.15:
            return f"{text}-{random.integers(1, 1000)}"
        return f"({text})" if draw > 0.95 else text

    # --- Dates, sums, numbers ---

    def _structured(self, random: np.random.Generator) -> str:
        templates = STRUCTURES[bisect(STRUCTURE_BOUNDS, random.random() * STRUCTURE_BOUNDS[-1])]
        return self._fill(self._pick(random, templates), random)
