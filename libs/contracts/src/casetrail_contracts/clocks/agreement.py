"""Whether the clock events of a ticket are those that follow from its other records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from casetrail_contracts.clocks.history import History, Run, runs, whole
from casetrail_contracts.clocks.reading import Reading, due_at, read
from casetrail_contracts.clocks.steps import Step, promise_of, taken

GRACE: Final = timedelta(seconds=30)
"""A breach younger than this may be on its way into the log."""


@dataclass(frozen=True)
class ClockFinding:
    """One promised wait, recomputed, beside what the events say of it."""

    reading: Reading
    policy_version: str
    started_seq: int | None
    breached_seq: int | None
    noticed_at: datetime | None
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True when the events say what follows from the records."""
        return not self.differences


def agreement(steps: Iterable[Step], now: datetime) -> tuple[list[ClockFinding], list[str]]:
    """Each promised wait of a ticket with what differs, and what belongs to no wait at all.

    `steps` are the events of the ticket and the messages of its conversation, in any order: those
    of the ticket are taken by their version.
    """
    known = list(steps)
    own = sorted((each for each in known if each.version is not None), key=_version)
    history: History | None = None
    for step in own:
        history = taken(history, step)
    for step in known:
        if step.version is None:
            history = taken(history, step)
    if history is None:
        return [], []
    started = [each for each in own if each.action == "ticket.sla_started"]
    breached = {_key(each): each for each in own if each.action == "ticket.sla_breached"}
    strays = [
        f"record {each.seq}: its policy cannot be read"
        for each in started
        if promise_of(each) is None
    ]
    findings = []
    for run in runs(history, frozenset(each.clock for each in history.promises)):
        promises = history.promised(run)
        theirs = [each for each in started if _key(each) == run.key]
        breach = breached.pop(run.key, None)
        if not promises:
            owed = f"{run.clock} since {run.began_at.isoformat()}: it has no ticket.sla_started"
            if run.stopped_at is None and now - run.began_at > GRACE:
                strays.append(owed)
            continue
        reading = read(history, run, promises, now)
        differences = [
            *(fault for each in theirs for fault in _start_faults(history, run, each)),
            *_breach_faults(reading, breach, now),
        ]
        findings.append(
            ClockFinding(
                reading=reading,
                policy_version=reading.promise.policy.version,
                started_seq=theirs[0].seq if theirs else None,
                breached_seq=None if breach is None else breach.seq,
                noticed_at=None if breach is None else _moment(breach.data, "noticed_at"),
                differences=tuple(differences),
            )
        )
    found = {each.reading.run.key for each in findings}
    lost = [each for each in started if promise_of(each) is not None and _key(each) not in found]
    strays += [
        f"record {each.seq}: by the records, no {each.data.get('clock')} began with "
        f"{each.data.get('begun_by')}; a message that was recorded later changed what came before"
        for each in [*lost, *breached.values()]
    ]
    return findings, strays


def _start_faults(history: History, run: Run, started: Step) -> Iterable[str]:
    promise = promise_of(started)
    if promise is None:
        return
    if promise.policy.version != started.data["policy"].get("version"):
        yield f"record {started.seq}: the policy's text does not have the hash it is said to have"
    if _moment(started.data, "started_at") != run.began_at:
        yield f"record {started.seq}: it began at {run.began_at.isoformat()}"
    standings = tuple(each for each in history.standings if each.version < (started.version or 0))
    due = due_at(replace(history, standings=standings), run, promise.policy)
    due = None if due is None else whole(max(due, promise.at))
    if _moment(started.data, "due_at") != due:
        said = "it was paused" if due is None else f"it was due at {due.isoformat()}"
        yield f"record {started.seq}: {said}"


def _breach_faults(reading: Reading, breach: Step | None, now: datetime) -> Iterable[str]:
    fell = reading.breached_at
    if breach is None:
        if fell is not None and now - fell > GRACE:
            yield f"it fell due at {fell.isoformat()}, and there is no ticket.sla_breached"
        return
    if fell is None:
        stopped = reading.run.stopped_at
        how = "is not due yet" if stopped is None else f"was met at {stopped.isoformat()}"
        yield (
            f"record {breach.seq} says it is overdue; by the records it {how}: "
            "what met it was recorded after the breach"
        )
    elif _moment(breach.data, "due_at") != whole(fell):
        yield f"record {breach.seq}: it fell due at {fell.isoformat()}"


def _version(step: Step) -> int:
    return step.version or 0


def _key(step: Step) -> tuple[Any, Any]:
    return step.data.get("clock"), step.data.get("begun_by")


def _moment(data: Mapping[str, Any], name: str) -> datetime | None:
    value = data.get(name)
    if isinstance(value, datetime):
        return whole(value)
    try:
        return None if value is None else whole(datetime.fromisoformat(str(value)))
    except ValueError:
        return None
