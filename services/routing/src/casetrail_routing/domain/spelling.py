"""Text in the form in which it is compared, with the way back to the original characters.

NFKD and casefold, combining marks and tatweel removed, one form for the Arabic-script letters that
keyboards mix up, punctuation as spaces. Latin repetitions ("laaate") are left to the patterns of
`complaints`, because which of them is a misspelling depends on the word.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

VARIANTS: Final = str.maketrans(
    {
        "ي": "ی",  # Arabic yeh
        "ى": "ی",  # alef maksura
        "ې": "ی",
        "ك": "ک",  # Arabic kaf
        "ڪ": "ک",
        "ه": "ہ",  # Arabic heh
        "ھ": "ہ",  # do-chashmi he, often typed for the plain one
        "ۃ": "ہ",
        "ة": "ہ",
        "ە": "ہ",
        "ں": "ن",  # noon ghunna, often typed as plain noon
        "ٱ": "ا",
    }
)
_DROPPED: Final = frozenset("ـ'’‘ʼ`´")
_ZERO_WIDTH_SPACES: Final = frozenset("\u200b\u200c")  # between Urdu words; the joiner is dropped


@dataclass(frozen=True, slots=True)
class Spelled:
    """Comparable text; character `i` of it comes from character `origin[i]` of the original."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in the original (end exclusive); not for an empty span."""
        return self.origin[start], self.origin[end - 1] + 1


def spelled(original: str) -> Spelled:
    """The comparable form: words of letters and digits, separated by single spaces."""
    characters: list[str] = []
    origin: list[int] = []
    for index, raw in enumerate(original):
        for character in _forms(raw):
            if character == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(character)
            origin.append(index)
    if characters and characters[-1] == " ":
        characters.pop()
        origin.pop()
    return Spelled("".join(characters), tuple(origin))


def _forms(raw: str) -> str:
    if raw in _DROPPED:
        return ""
    if raw in _ZERO_WIDTH_SPACES:
        return " "
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", raw).casefold())
    return "".join(_kept(character) for character in folded.translate(VARIANTS))


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Mn", "Me", "Cf"} or character in _DROPPED:
        return ""
    return character if category[0] in "LN" else " "
