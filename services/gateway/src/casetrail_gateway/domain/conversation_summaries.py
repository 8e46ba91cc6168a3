"""Sentences about a case and who has it."""

from collections.abc import Mapping
from typing import Any, Final

from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import (
    because,
    clock,
    count_of,
    part_of,
    person,
    plural,
    quoted,
    text_of,
    words,
)


def _conversation_opened(_: Told) -> str:
    return "Case opened by a customer's message"


def _conversation_queued(told: Told) -> str:
    return f"Waiting in the {words(text_of(told.data, 'queue') or 'shared inbox')} queue"


def _conversation_assigned(told: Told) -> str:
    owner = person(text_of(told.data, "owner"), text_of(told.data, "owner_name"))
    queue, previous = text_of(told.data, "queue"), text_of(told.data, "previous_owner")
    reason = told.reason
    given = "Assigned" if told.data.get("accept_by") is None else "Offered"
    if queue is not None:
        origin = f" from {words(queue)} queue"
    elif previous is not None:
        origin = f" from {previous}"
    else:
        origin = ""
    if reason is not None and reason.startswith("from "):
        return f"{given} to {owner} {reason}"
    return because(f"{given} to {owner}{origin}", reason)


def _conversation_unassigned(told: Told) -> str:
    previous = text_of(told.data, "previous_owner") or "the owner"
    if told.data.get("released") is True:
        return because(f"Given back to the queue by {previous}", told.reason)
    if told.data.get("expired") is True:
        return because(f"No longer offered to {previous}", told.reason)
    return because(f"No longer with {previous}, nobody owns the case", told.reason)


def _conversation_accepted(told: Told) -> str:
    return f"Accepted by {person(text_of(told.data, 'owner'), text_of(told.data, 'owner_name'))}"


def _conversation_declined(told: Told) -> str:
    return because(
        f"Declined by {text_of(told.data, 'previous_owner') or 'somebody unknown'}", told.reason
    )


def _conversation_escalated(told: Told) -> str:
    if text_of(told.data, "trigger") == "person":
        return because("Escalation flagged by hand", told.reason)
    rule = text_of(told.data, "rule") or "a rule"
    found = told.data.get("matched")
    phrases = [
        phrase
        for match in (found if isinstance(found, list) else [])
        if isinstance(match, Mapping) and (phrase := text_of(match, "phrase")) is not None
    ]
    observed = part_of(told.data, "observed")
    if not phrases and observed:
        return f"Escalation flagged: {rule}, {_unanswered(observed)}"
    if not phrases:
        return because(f"Escalation flagged: {rule}", told.reason)
    return f"Escalation flagged: {rule} matched {', '.join(quoted(p) for p in phrases[:5])}"


def _unanswered(observed: Mapping[str, Any]) -> str:
    count, since = count_of(observed, "messages"), clock(text_of(observed, "since"))
    messages = "a message" if count is None else plural(count, "message")
    return f"{messages} without an answer" + ("" if since is None else f" since {since}")


def _conversation_closed(told: Told) -> str:
    into = text_of(told.data, "merged_into")
    if into is not None:
        return because(f"Case merged into {into}", told.reason)
    return because("Case closed", told.reason)


def _conversation_linked(told: Told) -> str:
    merged = text_of(told.data, "merged_case_id")
    case = text_of(told.data, "linked_case_id") or "another case"
    what = "Another conversation of the customer" if merged is None else merged
    sentence = f"{what} goes on in {case}"
    return because(sentence, told.reason)


def _conversation_reopened(told: Told) -> str:
    if told.data.get("message_event_id", "") is None:
        return because("Case reopened by hand", told.reason)
    return "Case reopened by a new message"


def _conversation_transferred(told: Told) -> str:
    owner = person(text_of(told.data, "owner"), text_of(told.data, "owner_name"))
    previous = text_of(told.data, "previous_owner") or "the owner before"
    sentence = because(f"Transferred from {previous} to {owner}", told.reason)
    note = text_of(told.record.private, "note") if told.reads_text else None
    return sentence if note is None else f"{sentence}, with a note: {quoted(note)}"


def _conversation_deescalated(told: Told) -> str:
    return because("Escalation taken back", told.reason)


def _conversation_tagged(told: Told) -> str:
    return f"Tagged {quoted(text_of(told.data, 'tag') or 'unknown')}"


def _conversation_untagged(told: Told) -> str:
    return f"Tag {quoted(text_of(told.data, 'tag') or 'unknown')} taken off"


def _conversation_note_added(told: Told) -> str:
    return "Note added" + told.quote("note", empty="its text is not kept")


CONVERSATION_SENTENCES: Final[dict[str, Sentence]] = {
    "conversation.opened": _conversation_opened,
    "conversation.queued": _conversation_queued,
    "conversation.assigned": _conversation_assigned,
    "conversation.accepted": _conversation_accepted,
    "conversation.declined": _conversation_declined,
    "conversation.transferred": _conversation_transferred,
    "conversation.unassigned": _conversation_unassigned,
    "conversation.escalated": _conversation_escalated,
    "conversation.deescalated": _conversation_deescalated,
    "conversation.tagged": _conversation_tagged,
    "conversation.untagged": _conversation_untagged,
    "conversation.note_added": _conversation_note_added,
    "conversation.closed": _conversation_closed,
    "conversation.reopened": _conversation_reopened,
    "conversation.linked": _conversation_linked,
}
