"""From events to the history of a ticket: the same fold over a stream, a document and the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from casetrail_contracts.clocks.history import History, Promise, Said, Standing, whole
from casetrail_contracts.clocks.policy import CLOCKS, Policy

STAFF: Final = frozenset({"agent", "lead", "admin"})
"""Whose messages answer a customer; what a rule sends by itself does not."""
_ENDS: Final = {"ticket.resolved": "resolved", "ticket.closed": "closed"}
TICKET_STEPS: Final = frozenset(
    {"ticket.created", "ticket.status_changed", "ticket.reopened", "ticket.sla_started", *_ENDS}
)
MESSAGE_STEPS: Final = frozenset({"message.received", "message.sent"})


@dataclass(frozen=True)
class Step:
    """As much of an event as clocks need."""

    action: str
    event_id: str
    at: datetime
    actor_kind: str | None = None
    version: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[Mapping[str, Any]] = ()
    seq: int | None = None


def taken(history: History | None, step: Step) -> History | None:
    """The history after an event; one that says nothing to the clocks leaves it as it is."""
    if step.action == "ticket.created":
        state = str(step.data.get("status", "new"))
        created = Standing(whole(step.at), state, False, step.version or 1, step.event_id)
        return History((created,))
    if history is None:
        return None
    if step.action in MESSAGE_STEPS:
        return _heard(history, step)
    if step.action == "ticket.sla_started":
        promise = promise_of(step)
        return history if promise is None else history.promise([promise])
    if step.action in TICKET_STEPS:
        ended = step.action in _ENDS
        default = _ENDS.get(step.action, "reopened")
        state = str(step.data.get("new") or _changed(step) or default)
        return history.stand(step.at, state, step.version or 0, step.event_id, ended=ended)
    return history


def promise_of(step: Step) -> Promise | None:
    """What a `ticket.sla_started` promises; None when its policy cannot be read."""
    try:
        clock = next(each for each in CLOCKS if each == step.data["clock"])
        policy = Policy.from_plain(step.data["policy"]["text"])
        return Promise(clock, str(step.data["begun_by"]), whole(step.at), policy)
    except (KeyError, TypeError, ValueError, StopIteration):
        return None


def _heard(history: History, step: Step) -> History:
    if step.action == "message.received" and step.actor_kind == "customer":
        return history.say(Said(step.at, step.event_id, "customer"))
    if step.action == "message.sent" and step.actor_kind in STAFF:
        return history.say(Said(step.at, step.event_id, "staff"))
    return history


def _changed(step: Step) -> Any:
    return next((each.get("new") for each in step.changes if each.get("field") == "status"), None)
