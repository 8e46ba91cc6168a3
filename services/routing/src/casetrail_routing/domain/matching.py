"""Words of a phrase found among the words of a message, with the slips that are tolerated.

All texts here are in the comparable form of `spelling`. What is tolerated is stated, word for word,
in docs/reference/escalation-rules.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from casetrail_routing.domain.spelling import spelled

GAP: Final = 3
"""Other words that may stand where a phrase has `…`."""
LONG: Final = 6
"""Letters from which a Latin word may have one slip."""
LONG_ARABIC: Final = 5
"""Letters from which an Arabic-script word may have one slip."""
_VOWELS: Final = frozenset("aeiou")
_DOTS: Final = re.compile(r"…|\.\.\.")
_REMEMBERED: Final = 20_000

Token = tuple[str, int, int]
"""A word of a message, and where it stands in the comparable text."""


def tokens_of(text: str) -> list[Token]:
    """The words of a comparable text."""
    return [(found.group(), *found.span()) for found in re.finditer(r"[^ ]+", text)]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in one language; `spellings` lists, word by word, how else each may be written."""

    text: str
    language: str
    spellings: Mapping[str, tuple[str, ...]]

    def segments(self) -> list[list[str]]:
        """The words, apart where the phrase has `…`."""
        parts = [spelled(part).text.split() for part in _DOTS.split(self.text)]
        return [part for part in parts if part]


@dataclass(frozen=True)
class Word:
    """One word of a phrase, in every way it may be written."""

    forms: tuple[str, ...]
    language: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(_letters(form, self.language) for form in self.forms))

    def fits(self, token: str) -> bool:
        """Whether a word of a message is this one."""
        if self._pattern.fullmatch(token) is not None:
            return True
        return any(one_slip(form, token) for form in self.forms)


class Finder:
    """Finds phrases; remembers of each word it met which words of the phrases it is."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._words: list[Word] = []
        numbers: dict[tuple[str, str], int] = {}
        self._phrases: list[tuple[Phrase, list[list[int]]]] = []
        for phrase in phrases:
            segments = []
            for segment in phrase.segments():
                for word in segment:
                    if (phrase.language, word) not in numbers:
                        numbers[phrase.language, word] = len(self._words)
                        self._words.append(_word(word, phrase))
                segments.append([numbers[phrase.language, word] for word in segment])
            self._phrases.append((phrase, segments))
        self._met: dict[str, frozenset[int]] = {}
        self._by_letter: dict[str, list[tuple[int, Word]]] = {}
        for number, known in enumerate(self._words):
            for letter in {form[:1] for form in known.forms}:
                self._by_letter.setdefault(letter, []).append((number, known))

    def find(self, tokens: Sequence[Token]) -> list[tuple[Phrase, int, int]]:
        """Every phrase with where it stands in the comparable text; none overlaps itself."""
        are = [self._is(token) for token, _, _ in tokens]
        present = frozenset().union(*are)
        if not present:
            return []
        found = []
        for phrase, segments in self._phrases:
            if segments[0][0] not in present:
                continue
            at = 0
            while at < len(are):
                end = _stands(segments, are, at)
                if end is not None:
                    found.append((phrase, tokens[at][1], tokens[end - 1][2]))
                at = at + 1 if end is None else end
        return found

    def _is(self, token: str) -> frozenset[int]:
        known = self._met.get(token)
        if known is None:
            alike = self._by_letter.get(token[:1], ())  # no slip is in the first letter
            known = frozenset(n for n, word in alike if word.fits(token))
            if len(self._met) >= _REMEMBERED:
                self._met.clear()
            self._met[token] = known
        return known


def _word(word: str, phrase: Phrase) -> Word:
    others = (spelled(form).text for form in phrase.spellings.get(word, ()))
    return Word(tuple(dict.fromkeys((word, *others))), phrase.language)


def _stands(segments: list[list[int]], are: list[frozenset[int]], at: int) -> int | None:
    """Where the phrase ends if it begins here; None when it does not."""
    first, *rest = segments
    end = at + len(first)
    if end > len(are) or any(word not in are[at + n] for n, word in enumerate(first)):
        return None
    if not rest:
        return end
    for skipped in range(GAP + 1):
        found = _stands(rest, are, end + skipped)
        if found is not None:
            return found
    return None


def _letters(word: str, language: str) -> str:
    """The word, with letters held down: "laaate", "refunddd", and in Roman Urdu "aaya".

    In English a letter may stand three times or more where one is right, never twice: "latte" is
    not "late". Roman Urdu has no fixed spelling, so there any repetition is the same letter.
    """
    parts = []
    for letter, run in groupby(word):
        written = re.escape(letter)
        count = len(list(run))
        if not letter.isascii() or not letter.isalpha():
            parts.append(written * count)
        elif language == "ur-Latn":
            parts.append(written + "+")
        else:
            parts.append(written + ("{2,}" if count > 1 else f"(?:{written}{{2,}})?"))
    return "".join(parts)


def one_slip(word: str, token: str) -> bool:
    """Whether the token is the word with one slip of a hand that knows how it is written.

    Two neighbouring letters swapped, one letter missing, one too many, or (Latin) one vowel for
    another; in words of six letters or more (Arabic script: five), never in the first letter.
    """
    latin = word.isascii()
    if len(word) < (LONG if latin else LONG_ARABIC) or word[0] != token[:1]:
        return False
    if len(token) == len(word):
        wrong = [n for n, letter in enumerate(word) if token[n] != letter]
        if len(wrong) == 1:
            (place,) = wrong
            return latin and word[place] in _VOWELS and token[place] in _VOWELS
        if len(wrong) != 2:  # noqa: PLR2004 - a swap
            return False
        one, two = wrong
        return two == one + 1 and word[one] == token[two] and word[two] == token[one]
    longer, shorter = (token, word) if len(token) > len(word) else (word, token)
    if len(longer) != len(shorter) + 1:
        return False
    return any(longer[:n] + longer[n + 1 :] == shorter for n in range(1, len(longer)))
