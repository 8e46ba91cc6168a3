"""Complaint rules: which phrases flag a message, found in it with the place where they stand.

A rule is explainable: it matches a listed phrase as whole words, in the comparable spelling of
`spelling`, unless the words stand inside a phrase of its `unless` list ("koi masla nahi"). What a
phrase tolerates is stated here and in docs/reference/escalation-rules.md, nothing is guessed.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from casetrail_routing.domain.facts import Match, RuleRef
from casetrail_routing.domain.spelling import spelled

LANGUAGES: Final = ("en", "ur", "ur-Latn")
MATCHES_REPORTED: Final = 20


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in one language; `spellings` lists, word by word, how else each may be written."""

    text: str
    language: str
    spellings: Mapping[str, tuple[str, ...]]

    def pattern(self) -> str:
        """A regular expression over comparable text that matches this phrase as whole words."""
        words = []
        for word in spelled(self.text).text.split(" "):
            forms = self.spellings.get(word, (word,))
            patterns = {self._letters(spelled(form).text) for form in (word, *forms)}
            words.append(
                "(?:" + "|".join(sorted(patterns, key=lambda form: (-len(form), form))) + ")"
            )
        return r"(?<![^ ])" + " ".join(words) + r"(?![^ ])"

    def _letters(self, word: str) -> str:
        """The word, with letters held down: "laaate", "refunddd", and in Roman Urdu "aaya".

        In English a letter may stand three times or more where one is right, never twice: "latte"
        is not "late". Roman Urdu has no fixed spelling, so there any repetition is the same letter.
        """
        parts = []
        for letter, run in groupby(word):
            written = re.escape(letter)
            if not letter.isascii() or not letter.isalpha():
                parts.append(written * len(list(run)))
            elif self.language == "ur-Latn":
                parts.append(written + "+")
            else:
                doubled = len(list(run)) > 1
                parts.append(written + ("{2,}" if doubled else f"(?:{written}{{2,}})?"))
        return "".join(parts)


@dataclass(frozen=True)
class ComplaintRule:
    """One rule: its name, what it means, the phrases that match and those that do not count."""

    name: str
    means: str
    phrases: tuple[Phrase, ...]
    unless: tuple[Phrase, ...] = ()

    @cached_property
    def text(self) -> str:
        """The whole rule as canonical JSON: what its version is the hash of."""
        return json.dumps(
            {
                "name": self.name,
                "means": self.means,
                "phrases": _by_language(self.phrases),
                "unless": _by_language(self.unless),
                "spellings": _spellings(self.phrases + self.unless),
            },
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )

    @cached_property
    def ref(self) -> RuleRef:
        """The rule as events name it: `sha256:` of its text."""
        version = "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()
        return RuleRef(self.name, version, self.text)

    def matches(self, message: str) -> tuple[Match, ...]:
        """Every phrase of this rule in the message, in the order in which they stand there."""
        found = spelled(message)
        excused = [hit.span() for pattern in self._excuses for hit in pattern.finditer(found.text)]
        hits = []
        for phrase, pattern in self._patterns:
            for hit in pattern.finditer(found.text):
                if not any(hit.start() < end and start < hit.end() for start, end in excused):
                    start, end = found.span(*hit.span())
                    hits.append(Match(phrase.text, phrase.language, start, end))
        hits.sort(key=lambda match: (match.start, -match.end, match.phrase))
        return tuple(hits[:MATCHES_REPORTED])

    @cached_property
    def _patterns(self) -> list[tuple[Phrase, re.Pattern[str]]]:
        return [(phrase, re.compile(phrase.pattern())) for phrase in self.phrases]

    @cached_property
    def _excuses(self) -> list[re.Pattern[str]]:
        return [re.compile(phrase.pattern()) for phrase in self.unless]


@dataclass(frozen=True, slots=True)
class Complaint:
    """The rule that flags a message, and what of it matched."""

    rule: RuleRef
    matched: tuple[Match, ...]


def find_complaint(rules: Sequence[ComplaintRule], message: str | None) -> Complaint | None:
    """The first rule, in the order of the file, that matches the message; None when none does."""
    if message is None:
        return None
    for rule in rules:
        matched = rule.matches(message)
        if matched:
            return Complaint(rule.ref, matched)
    return None


def _by_language(phrases: Iterable[Phrase]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for phrase in phrases:
        listed.setdefault(phrase.language, []).append(phrase.text)
    return listed


def _spellings(phrases: Iterable[Phrase]) -> dict[str, dict[str, list[str]]]:
    used: dict[str, dict[str, list[str]]] = {}
    for phrase in phrases:
        for word in spelled(phrase.text).text.split(" "):
            if word in phrase.spellings:
                used.setdefault(phrase.language, {})[word] = list(phrase.spellings[word])
    return used
