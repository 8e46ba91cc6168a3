"""How long a customer has waited, and how often they have written: rules on facts, not on words.

A conversation's memory is two facts that may arrive in any order and any number of times: which
messages were heard, and up to when they are answered. What is unanswered follows from both.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casetrail_routing.domain.assignment import AssignmentRule
from casetrail_routing.domain.facts import Observed, RuleRef


@dataclass(slots=True)
class Heard:
    """A customer's message: when it was written, and the complaint rule that it matched.

    Never changed once it is made; not declared frozen: up to a hundred are made for each message.
    """

    event_id: str
    at: datetime
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a conversation, oldest message first.

    A message that is answered and matched no rule is forgotten: nothing asks for it again.
    """

    heard: tuple[Heard, ...] = ()
    answered_at: datetime | None = None

    @property
    def unanswered(self) -> tuple[Heard, ...]:
        """The messages written after the last answer."""
        since = self.answered_at
        return tuple(each for each in self.heard if since is None or each.at > since)

    def matched(self, topic: str) -> tuple[Heard, ...]:
        """The messages that matched this complaint rule, answered or not."""
        return tuple(each for each in self.heard if each.topic == topic)


@dataclass(frozen=True, slots=True)
class RepeatRule:
    """So many messages without an answer, the first and the last so far apart."""

    name: str
    means: str
    messages: int
    over: timedelta

    @property
    def ref(self) -> RuleRef:
        """The rule as events name it."""
        minutes = self.over / timedelta(minutes=1)
        return _ref(self.name, self.means, messages=self.messages, over_minutes=minutes)

    def observed(self, memory: Memory) -> Observed | None:
        """What it found, or None."""
        found = memory.unanswered
        if len(found) < self.messages or found[-1].at - found[0].at < self.over:
            return None
        return observed(found, found[-1].at)


@dataclass(frozen=True, slots=True)
class WaitingRule:
    """A message that has waited so long for an answer."""

    name: str
    means: str
    after: timedelta

    @property
    def ref(self) -> RuleRef:
        """The rule as events name it."""
        return _ref(self.name, self.means, minutes=self.after / timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Waits:
    """A conversation whose oldest unanswered message is older than a rule allows."""

    conversation_id: str
    workspace: str
    memory: Memory


def observed(messages: Sequence[Heard], until: datetime) -> Observed:
    """How many messages, since when, and for how long by that moment."""
    since = messages[0].at
    ids = tuple(each.event_id for each in messages)
    return Observed(len(messages), since, int((until - since).total_seconds()), ids)


def find_repeat(rules: Sequence[RepeatRule], memory: Memory) -> tuple[RuleRef, Observed] | None:
    """The first rule that holds, with what it found; None when none does."""
    for rule in rules:
        found = rule.observed(memory)
        if found is not None:
            return rule.ref, found
    return None


def _ref(name: str, means: str, **limits: float) -> RuleRef:
    rule = {"name": name, "means": means, **limits}
    text = json.dumps(rule, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return AssignmentRule(name, text).ref
