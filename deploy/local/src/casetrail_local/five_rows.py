"""Whether a timeline tells the story: its five rows, each with what makes it worth reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from casetrail_local.gateway import Json

NOTE_BEGINS: Final = "Courier found the parcel"
COURIER_REFERENCE: Final = "TCS-88121"
COMPLAINT_WORDS: Final = ("nahi aya", "jawab nahi", "ghalat", "5 din")


def missing_rows(timeline: Json, ticket_id: str) -> list[str]:
    """What the timeline lacks of the story, a sentence each; empty when the story is all there."""
    entries: list[Json] = timeline["entries"]
    checks: Sequence[tuple[str, Callable[[Json], bool]]] = (
        ("ownership assigned to Agent A, naming the rule that chose", _assigned),
        ("escalation flagged, naming the rule and the words that matched", _escalated),
        (f"ticket {ticket_id} created", lambda entry: _created(entry, ticket_id)),
        ("status In Progress → Awaiting Courier", _awaiting_courier),
        ("the hand-off with the courier's reference", _handed_off),
        ("the resolution note", _resolved),
        ("the ticket closed", lambda entry: entry["action"] == "ticket.closed"),
    )
    lacking = [what for what, found in checks if not any(map(found, entries))]
    if timeline.get("holes"):
        lacking.append(f"no holes (there are: {timeline['holes']})")
    return lacking


def _assigned(entry: Json) -> bool:
    owner = any(
        change["field"] == "owner" and change["new"] == "agent:a"
        for change in entry.get("changes") or ()
    )
    return entry["action"] == "conversation.assigned" and owner and bool(_rule(entry))


def _escalated(entry: Json) -> bool:
    text = _text(entry).lower()
    named = bool(_rule(entry)) and any(word in text for word in COMPLAINT_WORDS)
    return entry["action"] == "conversation.escalated" and named


def _created(entry: Json, ticket_id: str) -> bool:
    return entry["action"] == "ticket.created" and ticket_id in _text(entry)


def _awaiting_courier(entry: Json) -> bool:
    return any(
        change["field"] == "status"
        and (change["old"], change["new"]) == ("in_progress", "awaiting_courier")
        for change in entry.get("changes") or ()
    )


def _handed_off(entry: Json) -> bool:
    return entry["action"] == "ticket.handed_off" and COURIER_REFERENCE in _text(entry)


def _resolved(entry: Json) -> bool:
    return entry["action"] == "ticket.resolved" and NOTE_BEGINS in _text(entry)


def _rule(entry: Json) -> str:
    return str((entry.get("actor") or {}).get("rule") or "")


def _text(entry: Json) -> str:
    return json.dumps(entry, ensure_ascii=False)
