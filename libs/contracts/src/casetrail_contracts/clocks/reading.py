"""How a run stands at a moment: a pure function of the history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from casetrail_contracts.clocks.history import History, Promise, Run, runs
from casetrail_contracts.clocks.policy import ClockName, Policy

State = Literal["running", "paused", "met", "breached"]

_NONE: Final = timedelta(0)
Active = tuple[datetime, datetime | None]
"""A stretch in which the clock is not paused; None: until further notice."""


@dataclass(frozen=True)
class Reading:
    """One run of a clock at a moment."""

    run: Run
    promise: Promise
    """The last one made for it."""
    state: State
    due_at: datetime | None
    """When it falls or fell due; None while it is paused, and when it was met."""
    breached_at: datetime | None
    """When it fell due unmet."""
    broken: Promise | None
    """The promise that was in force then."""
    used: timedelta
    """Working time until now, or until it was stopped."""


def readings(history: History, now: datetime) -> Iterator[Reading]:
    """The promised runs of a ticket, as they stand at `now`."""
    for run in runs(history, frozenset(each.clock for each in history.promises)):
        promises = history.promised(run)
        if promises:
            yield read(history, run, promises, now)


def read(history: History, run: Run, promises: tuple[Promise, ...], now: datetime) -> Reading:
    """How a run stands at `now` under what was promised for it, the last promise last.

    A promise that is replaced binds no longer. A new one that would have fallen due before it was
    made falls due when it was made: nobody owes anything in the past.
    """
    last = promises[-1]
    breached_at, broken = None, None
    for number, promise in enumerate(promises):
        ends = promises[number + 1].at if number + 1 < len(promises) else None
        due = due_at(history, run, promise.policy)
        fell = None if due is None else max(due, promise.at)
        if fell is None or fell > now or (ends is not None and fell >= ends):
            continue
        if run.stopped_at is not None and fell >= run.stopped_at:
            continue
        breached_at, broken = fell, promise
        break
    due = None if run.stopped_at is not None else due_at(history, run, last.policy)
    if breached_at is not None:
        state: State = "breached"
    elif run.stopped_at is not None:
        state = "met"
    else:
        state = "paused" if _paused(history, run, last.policy) else "running"
    if due is not None:
        due = max(due, last.at)
    return Reading(
        run=run,
        promise=last,
        state=state,
        due_at=due if breached_at is None else breached_at,
        breached_at=breached_at,
        broken=broken,
        used=used(history, run, last.policy, now),
    )


def due_at(history: History, run: Run, policy: Policy) -> datetime | None:
    """When the target is used up, as far as is known; None while the run is paused before that."""
    left = policy.targets.get(run.clock)
    if left is None:
        return None
    for begin, end in active(history, run.clock, run.began_at, policy):
        due = policy.calendar.after(begin, left)
        if end is None or (due is not None and due < end):
            return due
        left -= policy.calendar.worked(begin, end)
    return None


def used(history: History, run: Run, policy: Policy, now: datetime) -> timedelta:
    """The working time a run has taken until now, or until it was stopped."""
    until = now if run.stopped_at is None else min(now, run.stopped_at)
    return sum(
        (
            policy.calendar.worked(begin, until if end is None else min(end, until))
            for begin, end in active(history, run.clock, run.began_at, policy)
            if begin < until
        ),
        _NONE,
    )


def active(history: History, clock: ClockName, since: datetime, policy: Policy) -> Iterator[Active]:
    """The stretches since a moment in which a clock is neither paused nor the ticket ended."""
    pausing = policy.pauses.get(clock, frozenset())
    ends: list[datetime | None] = [each.at for each in history.standings[1:]]
    for standing, end in zip(history.standings, [*ends, None], strict=True):
        begin = max(standing.at, since)
        if standing.ended or standing.state in pausing or (end is not None and end <= begin):
            continue
        yield begin, end


def _paused(history: History, run: Run, policy: Policy) -> bool:
    return history.standings[-1].state in policy.pauses.get(run.clock, frozenset())
