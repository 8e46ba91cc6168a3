"""Figures of people's work, as a pure function of what happened and of who had what when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import Final

from casetrail_gateway.domain.log import Interval

ACTIONS: Final = (
    "command.rejected",
    "conversation.accepted",
    "conversation.assigned",
    "conversation.declined",
    "conversation.escalated",
    "conversation.opened",
    "conversation.reopened",
    "conversation.transferred",
    "conversation.unassigned",
    "message.sent",
    "review.scored",
    "ticket.reopened",
    "ticket.resolved",
    "ticket.sla_breached",
)
"""What figures are made of."""
NAMES: Final = (
    *("cases", "taken_over", "handed_on", "released", "declined", "expired"),
    *("replies", "first_response", "resolved", "reopened", "breaches", "escalations"),
    *("refused", "reviews"),
)
"""The figures of a person, in the order in which they are shown."""
WITH_NOBODY: Final = "with_nobody"
MOST_CASES: Final = 50
_PEOPLE: Final = frozenset({"agent", "lead", "admin"})
_UNOWNED: Final = frozenset({"queue", "nobody", "offered"})
_OF_THE_ACTOR: Final = {"command.rejected": "refused", "ticket.resolved": "resolved"}
_OF_THE_OWNER: Final = {
    "conversation.escalated": "escalations",
    "conversation.reopened": "reopened",
    "ticket.reopened": "reopened",
    "ticket.sla_breached": "breaches",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that happened, as figures see it."""

    seq: int
    at: datetime
    action: str
    actor_kind: str | None = None
    actor_id: str | None = None
    case_id: str | None = None
    owner: str | None = None
    previous_owner: str | None = None
    expired: bool = False
    about: str | None = None
    total: float | None = None

    @property
    def person(self) -> str | None:
        """The person who did it, `agent:<id>` whatever their role; None for a rule or customer."""
        if self.actor_kind not in _PEOPLE or self.actor_id is None:
            return None
        return f"agent:{self.actor_id}"


@dataclass(slots=True)
class Tally:
    """How often, in which cases, and what was measured each time."""

    count: int = 0
    cases: dict[str, None] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(
        self, case_id: str | None, *, seconds: float | None = None, score: float | None = None
    ) -> None:
        """One more."""
        self.count += 1
        if case_id is not None:
            self.cases.pop(case_id, None)
            self.cases[case_id] = None
        if seconds is not None:
            self.seconds.append(seconds)
        if score is not None:
            self.scores.append(score)

    @property
    def newest_cases(self) -> list[str]:
        """The cases behind it, the newest first."""
        return list(reversed(self.cases))[:MOST_CASES]

    @property
    def median_seconds(self) -> float | None:
        """The median of what was measured."""
        return round(median(self.seconds), 3) if self.seconds else None

    @property
    def mean(self) -> float | None:
        """The mean score."""
        return round(fmean(self.scores), 1) if self.scores else None


Tallies = dict[str, Tally]


def figures_of(
    acts: Iterable[Act],
    custody: Mapping[str, Sequence[Interval]],
    start: datetime,
    end: datetime,
) -> tuple[dict[str, Tallies], Tallies]:
    """The figures of each person, and of all of them together.

    `acts` in log order; `custody` of every case that they name.
    """
    count = _Counting(custody)
    for act in acts:
        count.take(act)
    count.unowned(start, end)
    return count.people, count.together


class _Counting:
    def __init__(self, custody: Mapping[str, Sequence[Interval]]) -> None:
        self.people: dict[str, Tallies] = {}
        self.together: Tallies = {}
        self._custody = custody
        self._opened: dict[str, datetime] = {}
        self._answered: set[str] = set()

    def take(self, act: Act) -> None:
        """Counts what an act means for whom."""
        case_id, action = act.case_id, act.action
        if action == "conversation.opened":
            self._opened[case_id or ""] = act.at
        elif action == "message.sent":
            self._sent(act)
        elif action == "review.scored":
            self._add("reviews", act.about, case_id, score=act.total)
        elif action in _OF_THE_ACTOR:
            self._add(_OF_THE_ACTOR[action], act.person, case_id)
        elif action in _OF_THE_OWNER:
            self._add(_OF_THE_OWNER[action], self._owner_at(case_id, act.at), case_id)
        else:
            self._moved(act)

    def _moved(self, act: Act) -> None:
        if act.owner is not None:
            self._had(act, act.owner)
        match act.action:
            case "conversation.transferred":
                self._add("taken_over", act.owner, act.case_id)
                self._add("handed_on", act.previous_owner, act.case_id)
            case "conversation.unassigned":
                name = "expired" if act.expired else "released"
                self._add(name, act.previous_owner, act.case_id)
            case "conversation.declined":
                self._add("declined", act.previous_owner, act.case_id)

    def _had(self, act: Act, owner: str) -> None:
        tally = self.people.get(owner, {}).get("cases")
        if tally is None or act.case_id not in tally.cases:
            self._add("cases", owner, act.case_id)

    def _sent(self, act: Act) -> None:
        if act.person is None:
            return
        self._add("replies", act.person, act.case_id)
        opened = self._opened.get(act.case_id or "")
        if act.case_id is None or opened is None or act.case_id in self._answered:
            return
        self._answered.add(act.case_id)
        seconds = max(0.0, (act.at - opened).total_seconds())
        self._add("first_response", act.person, act.case_id, seconds=seconds)

    def unowned(self, start: datetime, end: datetime) -> None:
        """Counts how long nobody had each case that was opened then, within the time."""
        tally = Tally()
        for case_id in self._opened:
            seconds = sum(
                max(0.0, (min(i.ends or end, end) - max(i.begins, start)).total_seconds())
                for i in self._custody.get(case_id, ())
                if i.kind in _UNOWNED
            )
            if seconds > 0:
                tally.add(case_id, seconds=seconds)
        self.together[WITH_NOBODY] = tally

    def _owner_at(self, case_id: str | None, at: datetime) -> str | None:
        """Who had the case then; who had it last, when nobody had."""
        owner: str | None = None
        for interval in self._custody.get(case_id or "", ()):
            if interval.begins > at:
                break
            if interval.kind == "owner":
                owner = interval.holder
        return owner

    def _add(
        self,
        name: str,
        person: str | None,
        case_id: str | None,
        *,
        seconds: float | None = None,
        score: float | None = None,
    ) -> None:
        if person is None:
            return
        for tallies in (self.people.setdefault(person, {}), self.together):
            tallies.setdefault(name, Tally()).add(case_id, seconds=seconds, score=score)
