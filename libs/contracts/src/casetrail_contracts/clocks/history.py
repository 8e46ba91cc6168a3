"""What of the log the clocks of a ticket depend on, and the runs that follow from it."""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

from casetrail_contracts.clocks.policy import ClockName, Policy

Side = Literal["customer", "staff"]

LONGEST_RUN: Final = 50
"""Messages of one side in a row that are kept; what follows them says nothing new to a clock."""


@dataclass(frozen=True)
class Standing:
    """The state of the ticket from a moment on, by the event of this version."""

    at: datetime
    state: str
    ended: bool
    version: int
    event_id: str


@dataclass(frozen=True, order=True)
class Said:
    """A message of the conversation."""

    at: datetime
    event_id: str
    side: Side = field(compare=False)


@dataclass(frozen=True)
class Promise:
    """A `ticket.sla_started`: from `at` on, this run of a clock is measured by this policy."""

    clock: ClockName
    begun_by: str
    at: datetime
    policy: Policy


@dataclass(frozen=True)
class Run:
    """One stretch of waiting: since when, by which event; and what ended it."""

    clock: ClockName
    begun_by: str
    began_at: datetime
    stopped_at: datetime | None = None
    stopped_by: str | None = None

    @property
    def key(self) -> tuple[ClockName, str]:
        """What it is known by."""
        return self.clock, self.begun_by


@dataclass(frozen=True)
class History:
    """The past of one ticket as its clocks see it.

    It is the same in whatever order messages came: they are kept in the order in which they were
    said. States follow the versions of the ticket.
    """

    standings: tuple[Standing, ...]
    said: tuple[Said, ...] = ()
    promises: tuple[Promise, ...] = ()

    @property
    def created(self) -> Standing:
        """The beginning of the ticket."""
        return self.standings[0]

    def stand(
        self, at: datetime, state: str, version: int, event_id: str, *, ended: bool
    ) -> "History":
        """The history with one more state; times of two machines never run backwards here."""
        standing = Standing(max(whole(at), self.standings[-1].at), state, ended, version, event_id)
        return replace(self, standings=(*self.standings, standing)).pruned()

    def say(self, message: Said) -> "History":
        """The history with one more message, if it can matter to a clock; again is harmless."""
        message = replace(message, at=whole(message.at))
        if message in self.said:
            return self
        said = list(self.said)
        insort(said, message)
        return replace(self, said=tuple(said)).pruned()

    def promise(self, promises: Iterable[Promise]) -> "History":
        """The history with more promises."""
        return replace(self, promises=(*self.promises, *promises))

    def pruned(self) -> "History":
        """Without messages from before the ticket, from after its end, and from overlong runs."""
        kept: list[Said] = []
        row = 0
        for message in self.said:
            if message.at < self.created.at or self.ended_at(message.at):
                continue
            row = row + 1 if kept and kept[-1].side == message.side else 1
            if row <= LONGEST_RUN:
                kept.append(message)
        return self if len(kept) == len(self.said) else replace(self, said=tuple(kept))

    def ended_at(self, at: datetime) -> bool:
        """True when the ticket was resolved or closed then."""
        standing = None
        for each in self.standings:
            if each.at > at:
                break
            standing = each
        return standing is not None and standing.ended

    def first_end(self, after: datetime) -> Standing | None:
        """The first end of the ticket from a moment on."""
        return next((each for each in self.standings if each.ended and each.at >= after), None)

    def promised(self, run: Run) -> tuple[Promise, ...]:
        """What was promised for a run, in order."""
        return tuple(each for each in self.promises if (each.clock, each.begun_by) == run.key)


def whole(at: datetime) -> datetime:
    """The time in UTC in whole milliseconds, as the log keeps it."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def runs(history: History, clocks: frozenset[ClockName]) -> Iterator[Run]:
    """The runs of these clocks, as the history has them.

    The first response is owed from the ticket's creation to the first message of staff; the next
    one from the customer's first unanswered message on, when no first one is owed; the resolution
    from the creation to the end, going on when the ticket is reopened. The end of the ticket ends
    every wait.
    """
    created = history.created
    answered_from = created.at
    if "first_response" in clocks:
        first = Run("first_response", created.event_id, created.at)
        reply = next((each for each in history.said if each.side == "staff"), None)
        first = _stopped(first, reply, history.first_end(created.at))
        yield first
        if first.stopped_at is not None:
            answered_from = first.stopped_at
    else:
        first = None
    if "resolution" in clocks:
        last = history.standings[-1]
        run = Run("resolution", created.event_id, created.at)
        if last.ended:
            begun = _beginning_of_the_end(history)
            run = replace(run, stopped_at=begun.at, stopped_by=begun.event_id)
        yield run
    if "next_response" in clocks and (first is None or first.stopped_at is not None):
        yield from _next_responses(history, answered_from, after=None if first is None else first)


def _next_responses(history: History, since: datetime, *, after: Run | None) -> Iterator[Run]:
    waiting: Run | None = None
    for message in history.said:
        if message.at < since or (after is not None and message.event_id == after.stopped_by):
            continue
        if waiting is not None:
            waiting = _stopped(waiting, None, history.first_end(waiting.began_at))
            if waiting.stopped_at is not None and waiting.stopped_at <= message.at:
                yield waiting
                waiting = None
            elif message.side == "staff":
                yield replace(waiting, stopped_at=message.at, stopped_by=message.event_id)
                waiting = None
                continue
            else:
                waiting = replace(waiting, stopped_at=None, stopped_by=None)
        if waiting is None and message.side == "customer":
            waiting = Run("next_response", message.event_id, message.at)
    if waiting is not None:
        yield _stopped(waiting, None, history.first_end(waiting.began_at))


def _stopped(run: Run, reply: Said | None, end: Standing | None) -> Run:
    """The run, stopped by whichever came first."""
    if reply is not None and (end is None or reply.at <= end.at):
        return replace(run, stopped_at=reply.at, stopped_by=reply.event_id)
    if end is not None:
        return replace(run, stopped_at=end.at, stopped_by=end.event_id)
    return run


def _beginning_of_the_end(history: History) -> Standing:
    """What ended the ticket: resolved, when it was closed after that."""
    ending = history.standings[-1]
    for each in reversed(history.standings):
        if not each.ended:
            break
        ending = each
    return ending
