"""Sentences about a ticket."""

from typing import Final

from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import (
    because,
    clock,
    count_of,
    day,
    part_of,
    person,
    plural,
    quoted,
    span,
    status,
    text_of,
)


def _ticket_created(told: Told) -> str:
    ticket = text_of(told.data, "ticket_id") or told.record.ticket_id or ""
    title = text_of(told.record.private, "title") if told.reads_text else None
    count = count_of(part_of(told.data, "context"), "message_count")
    context = "" if count is None else f", context of {plural(count, 'message')} attached"
    named = f"Ticket {ticket} created".replace("  ", " ")
    return f"{named}{context}" if title is None else f"{named}: {quoted(title)}{context}"


def _ticket_status_changed(told: Told) -> str:
    old, new = text_of(told.data, "old"), text_of(told.data, "new")
    return because(f"Status changed from {status(old)} to {status(new)}", told.reason)


def _ticket_assigned(told: Told) -> str:
    previous = text_of(told.data, "previous_owner")
    owner = text_of(told.data, "owner")
    if owner is None:
        return because(f"{told.ticket} is no longer with {previous or 'anybody'}", told.reason)
    who = person(owner, text_of(told.data, "owner_name"))
    origin = "" if previous is None else f" from {previous}"
    return because(f"{told.ticket} assigned to {who}{origin}", told.reason)


def _ticket_priority_changed(told: Told) -> str:
    old, new = text_of(told.data, "old"), text_of(told.data, "new")
    return because(f"Priority changed from {old or 'unknown'} to {new or 'unknown'}", told.reason)


_RELATIONS: Final = {
    "concerns": "also concerns",
    "duplicate_of": "is a duplicate of",
    "follows": "follows",
}


def _ticket_linked(told: Told) -> str:
    target = (text_of(told.data, "target") or "").partition("/")[2] or "something else"
    relation = _RELATIONS.get(text_of(told.data, "relation") or "", "is related to")
    return because(f"{told.ticket} {relation} {target}", told.reason)


def _ticket_handed_off(told: Told) -> str:
    whom, times = text_of(told.data, "to") or "somebody outside", count_of(told.data, "chased")
    sentence = f"Handed off to {whom}"
    if times is not None:
        often = "" if times == 1 else f", {times} times by now"
        sentence = f"Asked {whom} again where it stays{often}"
    reference, expected = text_of(told.data, "reference"), day(text_of(told.data, "expected_at"))
    if reference is not None:
        sentence += f", reference {reference}"
    if expected is not None:
        sentence += f", expected {expected}"
    return because(sentence, told.reason)


def _ticket_note_added(told: Told) -> str:
    return "Note added" + told.quote("note", empty="its text is not kept")


def _ticket_resolved(told: Told) -> str:
    return f"{told.ticket} resolved" + told.quote("resolution_note", empty="its note is not kept")


def _ticket_closed(told: Told) -> str:
    return f"{told.ticket} closed"


def _ticket_reopened(told: Told) -> str:
    return because(f"{told.ticket} reopened", told.reason)


_CLOCKS: Final = {
    "first_response": "First response",
    "next_response": "Next response",
    "resolution": "Resolution",
}


def _sla_started(told: Told) -> str:
    what = _CLOCKS.get(text_of(told.data, "clock") or "", "A service level")
    due = clock(text_of(told.data, "due_at"))
    when = "paused, no due time yet" if due is None else f"due {due}"
    policy = text_of(part_of(told.data, "policy"), "name") or "unknown"
    before = text_of(part_of(told.data, "replaces"), "name")
    instead = "" if before is None else f", instead of {quoted(before)}"
    return f"{what} {when}, by policy {quoted(policy)}{instead}"


def _sla_breached(told: Told) -> str:
    what = _CLOCKS.get(text_of(told.data, "clock") or "", "A service level")
    due = clock(text_of(told.data, "due_at")) or "an unknown time"
    policy = text_of(part_of(told.data, "policy"), "name") or "unknown"
    late = count_of(told.data, "late_seconds")
    noticed = "" if late is None else f", noticed {span(late)} late"
    return f"{what} overdue since {due}, by policy {quoted(policy)}{noticed}"


TICKET_SENTENCES: Final[dict[str, Sentence]] = {
    "ticket.created": _ticket_created,
    "ticket.status_changed": _ticket_status_changed,
    "ticket.assigned": _ticket_assigned,
    "ticket.priority_changed": _ticket_priority_changed,
    "ticket.linked": _ticket_linked,
    "ticket.handed_off": _ticket_handed_off,
    "ticket.note_added": _ticket_note_added,
    "ticket.resolved": _ticket_resolved,
    "ticket.closed": _ticket_closed,
    "ticket.reopened": _ticket_reopened,
    "ticket.sla_started": _sla_started,
    "ticket.sla_breached": _sla_breached,
}
