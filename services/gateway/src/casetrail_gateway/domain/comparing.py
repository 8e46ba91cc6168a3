"""What of a case's history can be compared with that of another: facts by name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_gateway.domain.log import Case, Interval, Record

Value = int | float | str | bool | None
Facts = dict[str, Value]
SECONDS: Final = frozenset(
    {"first_response", "with_nobody", "with_people", "outside", "open_for", "longest_silence"}
)
"""Facts that are durations."""
_PEOPLE: Final = frozenset({"agent", "lead", "admin", "reviewer"})
_UNOWNED: Final = frozenset({"queue", "nobody", "offered"})
_OUTSIDE: Final = frozenset({"courier", "outside"})
_COUNTED: Final = {
    "message.received": "messages_in",
    "message.sent": "messages_out",
    "conversation.assigned": "assignments",
    "conversation.transferred": "transfers",
    "conversation.declined": "declined",
    "conversation.escalated": "escalations",
    "conversation.reopened": "reopened",
    "ticket.created": "tickets",
    "ticket.handed_off": "hand_offs",
    "ticket.sla_breached": "breaches",
    "command.rejected": "refused_attempts",
}


def facts_of(case: Case, records: Sequence[Record], until: datetime) -> Facts:
    """The facts of a case by its timeline so far, in order of the log; open things end `until`."""
    counted = Counter(
        name for record in records if (name := _COUNTED.get(record.action or "")) is not None
    )
    custody = _custody(case.custody, until)
    opened = case.opened_at
    ends = case.closed_at if case.closed_at is not None and case.closed_at <= until else until
    facts: Facts = {
        "status": _status(records),
        "owner": _last_owner(case.custody, until),
        "open_for": None if opened is None else _between(opened, ends),
        "first_response": _first_response(records, opened),
        "longest_silence": _silence(records, ends),
        "with_nobody": custody["nobody"],
        "with_people": custody["people"],
        "outside": custody["outside"],
        "holders": len({i.holder for i in case.custody if i.kind == "owner" and i.begins <= until}),
    }
    return {**facts, **{name: counted.get(name, 0) for name in _COUNTED.values()}}


def actors_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """The people who did something, each once, in order of their first act."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        actor = dict(record.actor or {})
        if actor.get("kind") in _PEOPLE and isinstance(actor.get("id"), str):
            seen.setdefault((actor["kind"], actor["id"]), actor)
    return list(seen.values())


def _status(records: Sequence[Record]) -> str:
    status = "open"
    for record in records:
        if record.action == "conversation.closed":
            status = "closed"
        elif record.action == "conversation.reopened":
            status = "open"
    return status


def _custody(custody: Sequence[Interval], until: datetime) -> dict[str, float]:
    sums = {"nobody": 0.0, "people": 0.0, "outside": 0.0}
    for interval in custody:
        if interval.begins > until:
            continue
        seconds = _between(interval.begins, min(interval.ends or until, until))
        if interval.kind in _UNOWNED:
            sums["nobody"] += seconds
        elif interval.kind in _OUTSIDE:
            sums["outside"] += seconds
        else:
            sums["people"] += seconds
    return {name: round(seconds, 3) for name, seconds in sums.items()}


def _last_owner(custody: Sequence[Interval], until: datetime) -> str | None:
    owner: str | None = None
    for interval in custody:
        if interval.begins <= until and interval.kind == "owner":
            owner = interval.holder
    return owner


def _first_response(records: Sequence[Record], opened: datetime | None) -> float | None:
    if opened is None:
        return None
    for record in records:
        if record.action == "message.sent" and (record.actor or {}).get("kind") in _PEOPLE:
            return _between(opened, record.at)
    return None


def _silence(records: Sequence[Record], ends: datetime) -> float | None:
    """The longest time in which a customer waited for an answer."""
    waiting: datetime | None = None
    longest: float | None = None
    for record in records:
        if record.action == "message.received" and waiting is None:
            waiting = record.at
        elif record.action == "message.sent" and waiting is not None:
            longest = max(longest or 0.0, _between(waiting, record.at))
            waiting = None
    if waiting is not None:
        longest = max(longest or 0.0, _between(waiting, ends))
    return longest


def _between(start: datetime, end: datetime) -> float:
    return round(max(0.0, (end - start).total_seconds()), 3)
