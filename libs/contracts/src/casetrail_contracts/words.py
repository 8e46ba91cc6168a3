"""Words as they are compared in a search: the same form for what was written and what is asked.

Audit makes the index of these forms, the gateway makes its questions of them (ADR 33). Letters are
folded as routing's complaint rules fold them. Roman Urdu has no fixed spelling, so Latin words are
compared by how they sound: `nahi`, `nahin`, `nahee` and `nai` are one word, `aya` and `aaya`, and
so are `late` and `latte`: a search would rather show one message more than hide one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

MOST_TERMS: Final = 4_000
"""Of one record; what a message of 10,000 characters has at most, and more than any note."""
_VARIANTS: Final = str.maketrans(
    {
        **dict.fromkeys("يىې", "ی"),
        **dict.fromkeys("كڪ", "ک"),
        **dict.fromkeys("هھۃةە", "ہ"),
        "ں": "ن",
        "ٱ": "ا",
    }
)
_DROPPED: Final = frozenset("ـ'’‘ʼ`´")
_SPACES: Final = frozenset("\u200b\u200c")
_SAME: Final = {
    "nhi": "nahi",
    "ni": "nahi",
    "nai": "nahi",
    "ny": "ne",
    "kia": "kya",
    "kiya": "kya",
    "plz": "please",
    "pls": "please",
    "mje": "mujhe",
    "muje": "mujhe",
    "mjhe": "mujhe",
    "hy": "hai",
    "he": "hai",
    "h": "hai",
    "tk": "tak",
    "ab": "ab",
    "kb": "kab",
    "prcel": "parcel",
    "parsel": "parcel",
    "pasel": "parcel",
    "dlivery": "delivery",
    "delivry": "delivery",
    "rfund": "refund",
}
"""Short forms that people type, and the word they mean; whole words only."""
_SOUNDS: Final = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"ee|iy(?=[^aeiou]|$)"), "i"),
    (re.compile(r"oo"), "u"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"w"), "v"),
    (re.compile(r"q"), "k"),
    (re.compile(r"(?:ai|ay|ei|ey)(?=[^aeiou]|$)"), "e"),
    (re.compile(r"(?:au|ao)(?=[^aeiou]|$)"), "o"),
    (re.compile(r"(?<=[a-z][aeiou])[nh]$"), ""),
)


def folded(text: str) -> str:
    """Words of letters and digits with single spaces between: case, marks and variants gone."""
    characters: list[str] = []
    for raw in text:
        if raw in _DROPPED:
            continue
        if raw in _SPACES:
            characters.append(" ")
            continue
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", raw).casefold())
        for character in plain.translate(_VARIANTS):
            category = unicodedata.category(character)
            if category not in {"Mn", "Me", "Cf"} and character not in _DROPPED:
                characters.append(character if category[0] in "LN" else " ")
    return " ".join("".join(characters).split())


def sound(word: str) -> str:
    """A folded word as it is compared: Latin ones by their sound, all others as they are."""
    if not (word.isascii() and word.isalpha()):
        return word
    word = _SAME.get(word, word)
    for pattern, heard in _SOUNDS:
        word = pattern.sub(heard, word)
    return word


def words_of(text: str) -> list[str]:
    """The words of a text in order, as they are compared."""
    return [sound(word) for word in folded(text).split()]


def phrase_terms(words: list[str]) -> list[str]:
    """What a record has when it has these words one after the other: each neighbouring pair."""
    return words if len(words) == 1 else [f"{one} {other}" for one, other in pairwise(words)]


def indexed_terms(texts: Iterable[str]) -> list[str]:
    """What a record is found by: its words and its neighbouring pairs, sorted, each once."""
    found: set[str] = set()
    for term in _terms(texts):
        found.add(term)
        if len(found) == MOST_TERMS:
            break
    return sorted(found)


def _terms(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        words = words_of(text)
        yield from words
        yield from (f"{one} {other}" for one, other in pairwise(words))
