"""What a ticket is, of its events alone: for making it again of the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from casetrail_contracts.clocks import Step, taken
from casetrail_contracts.clocks.steps import promise_of

from casetrail_tickets.domain.levels import Levels
from casetrail_tickets.domain.ticket import HandOff, Link, Ticket


class HistoryBroken(ValueError):
    """An event that cannot follow what came before it, or that this version does not know."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which ticket it is, and where it was made."""

    ticket_id: str
    conversation_id: str
    case_id: str


def apply(ticket: Ticket | None, step: Step, place: Place) -> Ticket:
    """The ticket after one more of its events.

    The clocks are followed whether or not there are service levels; the policy is the one of the
    last promise.

    Raises:
        HistoryBroken: it was not created before, or the event is of no kind known here.
    """
    if step.action == "ticket.created":
        ticket = Ticket(
            place.ticket_id,
            place.conversation_id,
            place.case_id,
            status=step.data["status"],
            priority=step.data["priority"],
            category=step.data.get("category"),
        )
    elif ticket is None:
        raise HistoryBroken(f"{step.action} before the ticket was created")
    elif step.action in _CHANGES:
        ticket = _CHANGES[step.action](ticket, step)
    else:
        raise HistoryBroken(f"{step.action} is not known to this version of tickets")
    return _timed(ticket, step)


def _timed(ticket: Ticket, step: Step) -> Ticket:
    history = taken(None if ticket.levels is None else ticket.levels.history, step)
    if history is None:
        return ticket
    levels = Levels(history) if ticket.levels is None else replace(ticket.levels, history=history)
    if step.action == "ticket.sla_started":
        promise = promise_of(step)
        if promise is not None:
            levels = replace(levels, policy=promise.policy, since=promise.at)
    elif step.action == "ticket.sla_breached":
        told = levels.told | {(step.data["clock"], str(step.data["begun_by"]))}
        levels = replace(levels, told=told)
    last = history.standings[-1]
    return replace(ticket, levels=levels, ended_at=last.at if last.ended else None)


def _handed_off(ticket: Ticket, step: Step) -> Ticket:
    given = {name: step.data.get(name) for name in ("reference", "expected_at", "chased")}
    return replace(ticket, hand_off=HandOff(step.data["to"], **given))


def _resolved(ticket: Ticket, step: Step) -> Ticket:
    return replace(ticket, status=_status(step), resolved_by=step.data["actor"]["id"])


def _reopened(ticket: Ticket, step: Step) -> Ticket:
    return replace(ticket, status=_status(step), resolved_by=None, reopened=ticket.reopened + 1)


def _linked(ticket: Ticket, step: Step) -> Ticket:
    link = Link(step.data["target"], step.data["relation"])
    return replace(ticket, links=(*ticket.links, link))


def _status(step: Step) -> str:
    return str(next(each["new"] for each in step.changes if each["field"] == "status"))


def _as_it_is(ticket: Ticket, _: Step) -> Ticket:
    return ticket


_CHANGES: Final[Mapping[str, Callable[[Ticket, Step], Ticket]]] = {
    "ticket.status_changed": lambda ticket, step: replace(ticket, status=step.data["new"]),
    "ticket.handed_off": _handed_off,
    "ticket.note_added": lambda ticket, _: replace(ticket, notes=ticket.notes + 1),
    "ticket.assigned": lambda ticket, step: replace(ticket, owner=step.data.get("owner")),
    "ticket.priority_changed": lambda ticket, step: replace(ticket, priority=step.data["new"]),
    "ticket.linked": _linked,
    "ticket.resolved": _resolved,
    "ticket.closed": lambda ticket, step: replace(ticket, status=_status(step)),
    "ticket.reopened": _reopened,
    "ticket.sla_started": _as_it_is,
    "ticket.sla_breached": _as_it_is,
}
