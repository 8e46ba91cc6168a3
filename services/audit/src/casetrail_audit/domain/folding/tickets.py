"""The view of a ticket, and what it means for its case."""

from typing import Final

from casetrail_audit.domain.envelope import time_of
from casetrail_audit.domain.folding import chain, custody
from casetrail_audit.domain.folding.draft import Draft, View
from casetrail_audit.domain.folding.entry import Entry

AWAITING_COURIER: Final = "awaiting_courier"
"""Outside by its name; other life cycles say so in the event."""
MOVES: Final = frozenset(
    {
        "ticket.created",
        "ticket.status_changed",
        "ticket.resolved",
        "ticket.closed",
        "ticket.reopened",
    }
)
"""What changes the state of a ticket."""


def fresh(entry: Entry, ticket_id: str) -> View:
    """A ticket of which this is the first record."""
    return {
        "workspace": entry.workspace,
        "ticket_id": ticket_id,
        "case_id": entry.case_id,
        "conversation_id": entry.conversation_id,
        "status": None,
        "priority": None,
        "category": None,
        "owner": None,
        "links": [],
        "handoff": None,
        "outside": False,
        "created_at": None,
        "resolved_at": None,
        "closed_at": None,
        "first_seq": entry.seq,
        "last_seq": entry.seq,
        **chain.FRESH,
    }


def fold_ticket(draft: Draft, case: View, entry: Entry, *, current: bool) -> None:
    """A `ticket.*` event of the case; one that came late leaves the present state alone."""
    ticket_id = chain.subject_id(entry.target, "ticket") or entry.ticket_id
    if ticket_id is None:
        return
    ticket = draft.edit("tickets", f"{entry.workspace}:{ticket_id}", fresh(entry, ticket_id))
    if ticket is None:
        return
    if ticket_id not in case["ticket_ids"]:
        case["ticket_ids"] = [*case["ticket_ids"], ticket_id]
    ticket["last_seq"] = entry.seq
    if entry.action == "ticket.created":
        ticket["created_at"] = entry.happened_at
        ticket["category"] = entry.text("category")
        ticket["priority"] = ticket["priority"] or entry.text("priority")
    if entry.action == "ticket.linked":
        _tie(ticket, entry)
    if current:
        _present(ticket, entry)
        _where(case, ticket, entry)
        custody.settle(case, entry.happened_at, entry.seq)


def _present(ticket: View, entry: Entry) -> None:
    match entry.action:
        case "ticket.created":
            ticket["status"] = entry.text("status")
        case "ticket.status_changed":
            ticket["status"] = entry.text("new")
        case "ticket.resolved":
            ticket["status"] = entry.changed_to("status") or "resolved"
            ticket["resolved_at"] = entry.happened_at
        case "ticket.closed":
            ticket["status"] = entry.changed_to("status") or "closed"
            ticket["closed_at"] = entry.happened_at
        case "ticket.reopened":
            ticket["status"] = entry.changed_to("status") or "reopened"
            ticket["resolved_at"], ticket["closed_at"] = None, None
        case "ticket.assigned":
            ticket["owner"] = entry.text("owner")
        case "ticket.priority_changed":
            ticket["priority"] = entry.text("new") or ticket["priority"]
        case "ticket.handed_off":
            ticket["handoff"] = _handoff(ticket["handoff"], entry)


def _handoff(known: View | None, entry: Entry) -> View:
    """Who outside has it since when; asked again (`chased`) they have it as long as before."""
    chased = entry.value("chased")
    again = known is not None and isinstance(chased, int)
    return {
        "to": entry.text("to"),
        "reference": entry.text("reference"),
        "expected_at": time_of(entry.value("expected_at")),
        "chased": chased if again else 0,
        "chased_at": entry.happened_at if again else None,
        "at": known["at"] if again and known is not None else entry.happened_at,
        "seq": known["seq"] if again and known is not None else entry.seq,
    }


def _where(case: View, ticket: View, entry: Entry) -> None:
    """Outside custody from the hand-off until the ticket moves to a state that is not outside."""
    if entry.action == "ticket.handed_off":
        handoff = ticket["handoff"]
        custody.leave(case, ticket["ticket_id"], handoff["to"], handoff)
        ticket["outside"] = True
    elif entry.action not in MOVES:
        return
    elif entry.value("outside") is True or ticket["status"] == AWAITING_COURIER:
        custody.leave(case, ticket["ticket_id"], None, None)
        ticket["outside"] = True
    elif ticket["outside"]:
        custody.come_back(case, ticket["ticket_id"])
        ticket["outside"] = False


def _tie(ticket: View, entry: Entry) -> None:
    """The ticket knows what it is tied to, also when the event came late."""
    target, relation = entry.text("target"), entry.text("relation")
    if target is None or any(link["target"] == target for link in ticket["links"]):
        return
    link = {"target": target, "relation": relation, "seq": entry.seq}
    ticket["links"] = [*ticket["links"], link]
