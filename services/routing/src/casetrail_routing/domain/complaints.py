"""Complaint rules: which phrases flag a message, found in it with the place where they stand.

A rule is explainable: it matches a listed phrase as whole words, in the comparable spelling of
`spelling`, unless the words stand inside a phrase of its `unless` list ("koi masla nahi"). What a
phrase tolerates is stated here and in docs/reference/escalation-rules.md, nothing is guessed.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

from casetrail_routing.domain.facts import Match, Observed, RuleRef
from casetrail_routing.domain.matching import Finder, Phrase, Token, tokens_of
from casetrail_routing.domain.patience import (
    Memory,
    RepeatRule,
    WaitingRule,
    find_repeat,
    observed,
)
from casetrail_routing.domain.spelling import Spelled, spelled

__all__ = [
    "LANGUAGES",
    "MATCHES_REPORTED",
    "Complaint",
    "ComplaintRule",
    "EscalationRules",
    "Phrase",
    "find_complaint",
    "find_topic",
]

LANGUAGES: Final = ("en", "ur", "ur-Latn")
MATCHES_REPORTED: Final = 20


@dataclass(frozen=True)
class ComplaintRule:
    """One rule: its name, what it means, the phrases that match and those that do not count."""

    name: str
    means: str
    phrases: tuple[Phrase, ...]
    unless: tuple[Phrase, ...] = ()
    times: int = 1
    """In how many messages it must match before it marks the case."""

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
                **({} if self.times == 1 else {"times": self.times}),
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
        found, tokens = _read(message)
        hits = self._phrases_in.find(tokens)
        if not hits:
            return ()
        excused = [(start, end) for _, start, end in self._excuses_in.find(tokens)]
        matches = [
            Match(phrase.text, phrase.language, *found.span(start, end))
            for phrase, start, end in hits
            if not any(start < until and since < end for since, until in excused)
        ]
        matches.sort(key=lambda match: (match.start, -match.end, match.phrase))
        return tuple(matches[:MATCHES_REPORTED])

    @cached_property
    def _phrases_in(self) -> Finder:
        return Finder(self.phrases)

    @cached_property
    def _excuses_in(self) -> Finder:
        return Finder(self.unless)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The rule that flags a message, and what of it matched."""

    rule: RuleRef
    matched: tuple[Match, ...]
    observed: Observed | None = None


@dataclass(frozen=True)
class EscalationRules:
    """Everything a file of rules says."""

    complaints: tuple[ComplaintRule, ...]
    repeats: tuple[RepeatRule, ...] = ()
    waiting: tuple[WaitingRule, ...] = ()


def find_topic(rules: Sequence[ComplaintRule], message: str | None) -> Complaint | None:
    """The first rule, in the order of the file, that matches the message; None when none does."""
    if message is None:
        return None
    for rule in rules:
        matched = rule.matches(message)
        if matched:
            return Complaint(rule.ref, matched)
    return None


def find_complaint(rules: EscalationRules, message: str | None, memory: Memory) -> Complaint | None:
    """Why this message marks its case, the memory being of the message too; None when it does not.

    Words come first, in the order of the file; a rule of several `times` counts the messages that
    matched it. Then repetition.
    """
    for rule in rules.complaints if message is not None else ():
        matched = rule.matches(message or "")
        earlier = memory.matched(rule.name)
        if matched and rule.times == 1:
            return Complaint(rule.ref, matched)
        if matched and len(earlier) >= rule.times:
            return Complaint(rule.ref, matched, observed(earlier, earlier[-1].at))
    repeat = find_repeat(rules.repeats, memory)
    return None if repeat is None else Complaint(repeat[0], (), repeat[1])


@lru_cache(maxsize=16)  # every rule reads the message, one after the other
def _read(message: str) -> tuple[Spelled, list[Token]]:
    found = spelled(message)
    return found, tokens_of(found.text)


def _by_language(phrases: Iterable[Phrase]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for phrase in phrases:
        listed.setdefault(phrase.language, []).append(phrase.text)
    return listed


def _spellings(phrases: Iterable[Phrase]) -> dict[str, dict[str, list[str]]]:
    used: dict[str, dict[str, list[str]]] = {}
    for phrase in phrases:
        for word in chain.from_iterable(phrase.segments()):
            if word in phrase.spellings:
                used.setdefault(phrase.language, {})[word] = list(phrase.spellings[word])
    return used
