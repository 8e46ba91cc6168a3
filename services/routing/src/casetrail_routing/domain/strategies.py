"""Strategies: the named ways to choose an owner, in the order that a plan gives them.

A strategy is words, parameters, and one choice (`Pick`) that the store makes in a single atomic
step (ADR 12, ADR 28). Its version is the hash of words and parameters, and events carry both.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

from casetrail_routing.domain.assignment import LEAST_LOADED, AssignmentRule
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.language import UNDERSTOOD_BY

First = Literal["least-loaded", "longest-idle"]
Kind = Literal["least-loaded", "round-robin", "last-owner", "match"]

_WHO: Final = (
    "Of the agents and leads on shift and available who hold fewer cases than their capacity, "
    "without the one who gave this case back if nobody had it since, "
)
WORDS: Final[Mapping[Kind, str]] = {
    "least-loaded": LEAST_LOADED.text,
    "round-robin": _WHO
    + "take the one whose last assignment is longest ago, never counting as longest; among equals "
    "the one whose user id sorts first. Cases that wait are served oldest first.",
    "last-owner": "Take the person who had this conversation last, in this case or in one before, "
    "if they are on shift and available, hold fewer cases than their capacity, and are not the one "
    "who gave this case back.",
    "match": _WHO
    + "take one who understands the language the customer writes in (if `language` is true) and "
    "has every skill that `skills` names for what the customer complains of and under `always`; "
    "among those, whom `first` says. A case that needs neither is left to the next strategy.",
}


@dataclass(frozen=True, slots=True)
class Pick:
    """One choice of the store: who may be chosen, and who of them is."""

    rule: RuleRef
    first: First = "least-loaded"
    only: str | None = None
    avoid: str | None = None
    languages: tuple[str, ...] = ()
    """Somebody who has one of these; empty: it does not matter."""
    skills: tuple[str, ...] = ()
    """Somebody who has all of these."""

    @property
    def anybody(self) -> bool:
        """True when everyone who is free can be chosen."""
        return self.only is self.avoid is None and not self.languages and not self.skills


@dataclass(frozen=True)
class Strategy:
    """One step of a plan. The parameters mean something to `match` only."""

    kind: Kind
    language: bool = False
    skills: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Skills by the name of a complaint rule; `always` for every case."""
    first: First = "least-loaded"

    @cached_property
    def rule(self) -> AssignmentRule:
        """The strategy as a rule: its words, and its parameters as canonical JSON."""
        if self.kind != "match":
            return AssignmentRule(self.kind, WORDS[self.kind])
        parameters = {
            "language": self.language,
            "skills": {name: list(skills) for name, skills in self.skills.items()},
            "first": self.first,
        }
        plain = json.dumps(parameters, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return AssignmentRule(self.kind, f"{WORDS[self.kind]}\n{plain}")

    def pick(self, case: Conversation, avoid: str | None) -> Pick | None:
        """What it chooses for a case that waits, never `avoid`; None: it has nothing to say."""
        rule = self.rule.ref
        match self.kind:
            case "least-loaded":
                return Pick(rule, avoid=avoid)
            case "round-robin":
                return Pick(rule, "longest-idle", avoid=avoid)
            case "last-owner":
                last = case.last_owner
                return None if last is None or last == avoid else Pick(rule, only=last)
            case "match":
                return self._matching(case, rule, avoid)

    def _matching(self, case: Conversation, rule: RuleRef, avoid: str | None) -> Pick | None:
        known = self.language and case.language is not None
        languages = UNDERSTOOD_BY.get(case.language or "", ()) if known else ()
        skills = self.skills.get("always", ()) + self.skills.get(case.topic or "", ())
        if not languages and not skills:
            return None
        return Pick(
            rule,
            self.first,
            avoid=avoid,
            languages=languages,
            skills=tuple(dict.fromkeys(skills)),
        )


@dataclass(frozen=True)
class Plan:
    """The strategies for the cases of a workspace and queue, in order; None means any."""

    workspace: str | None
    queue: str | None
    steps: tuple[Strategy, ...]

    def covers(self, workspace: str, queue: str | None) -> bool:
        """Whether a case of this workspace that waits in this queue is chosen for by this plan."""
        return self.workspace in {None, workspace} and self.queue in {None, queue}


@dataclass(frozen=True)
class Plans:
    """Every plan of a file; the first that covers a case is its plan."""

    plans: tuple[Plan, ...]

    def picks(self, workspace: str, case: Conversation, at: datetime) -> list[Pick]:
        """The choices to try for a case that waits then, in order; empty when no plan covers it."""
        avoid = case.passed_over(at)
        for plan in self.plans:
            if plan.covers(workspace, case.queue):
                found = [step.pick(case, avoid) for step in plan.steps]
                return [pick for pick in found if pick is not None]
        return []


DEFAULT_PLANS: Final = Plans((Plan(None, None, (Strategy("least-loaded"),)),))
"""Without a file: whoever has the least to do."""


def serves_anybody(picks: Sequence[Pick]) -> bool:
    """Whether nobody found for these choices means that nobody is free for anyone."""
    return any(pick.anybody for pick in picks)
