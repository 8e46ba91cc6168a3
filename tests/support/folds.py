"""What the log says a ticket and a conversation are: the fold of their events, written anew here.

It knows the events and nothing of the services' code, so that a state can be checked against it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from casetrail_contracts import Event

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One event of an aggregate, from wherever it was read."""

    action: str
    version: int
    actor_id: str
    data: Mapping[str, Any]
    changes: Mapping[str, Any]
    """Field → its new value."""
    case_id: str | None = None

    @classmethod
    def of_event(cls, event: Event) -> Self:
        """From an event as it was published."""
        data = event.data.model_dump(mode="json")
        assert event.version is not None
        changes = {change["field"]: change.get("new") for change in data["changes"]}
        return cls(event.noun_verb, event.version, data["actor"]["id"], data, changes, event.caseid)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """From a record of the log."""
        changes = {each["field"]: each.get("new") for each in record.get("changes") or ()}
        return cls(
            record["action"],
            int(record["sequence"]),
            record["actor"]["id"],
            record["data"],
            changes,
            record.get("case_id"),
        )


def ticket_of(steps: Iterable[Step]) -> Json:  # noqa: C901 - one branch for each event
    """The ticket these events make; {} without any."""
    ticket: Json = {}
    for step in sorted(steps, key=lambda each: each.version):
        data = step.data
        match step.action:
            case "ticket.created":
                ticket = {
                    "status": data["status"],
                    "priority": data["priority"],
                    "category": data.get("category"),
                    "owner": None,
                    "hand_off": None,
                    "links": [],
                    "notes": 0,
                    "resolved_by": None,
                    "reopened": 0,
                }
            case "ticket.status_changed":
                ticket["status"] = data["new"]
            case "ticket.handed_off":
                ticket["hand_off"] = {
                    "to": data["to"],
                    "reference": data.get("reference"),
                    "expected_at": _moment(data.get("expected_at")),
                    "chased": data.get("chased"),
                }
            case "ticket.note_added":
                ticket["notes"] += 1
            case "ticket.assigned":
                ticket["owner"] = data.get("owner")
            case "ticket.priority_changed":
                ticket["priority"] = data["new"]
            case "ticket.linked":
                link = {"target": data["target"], "relation": data["relation"]}
                ticket["links"] = [*ticket["links"], link]
            case "ticket.resolved":
                ticket |= {"status": step.changes["status"], "resolved_by": step.actor_id}
            case "ticket.closed":
                ticket["status"] = step.changes["status"]
            case "ticket.reopened":
                ticket |= {
                    "status": step.changes["status"],
                    "resolved_by": None,
                    "reopened": ticket["reopened"] + 1,
                }
    return ticket


def ticket_state(state: Mapping[str, Any]) -> Json:
    """What of a stored ticket its events determine, in the form of `ticket_of`."""
    hand_off = state["hand_off"]
    return {
        "status": state["status"],
        "priority": state["priority"],
        "category": state["category"],
        "owner": state["owner"],
        "hand_off": None
        if hand_off is None
        else {**hand_off, "expected_at": _moment(hand_off["expected_at"])},
        "links": [dict(link) for link in state["links"]],
        "notes": state["notes"],
        "resolved_by": state["resolved_by"],
        "reopened": state["reopened"],
    }


def conversation_of(steps: Iterable[Step]) -> Json:  # noqa: C901 - one branch for each event
    """The conversation and its current case that these events make; {} without any."""
    found: Json = {}
    for step in sorted(steps, key=lambda each: each.version):
        match step.action:
            case "conversation.opened":
                found = {
                    "case_id": step.case_id,
                    "status": "open",
                    "owner": None,
                    "escalated": False,
                    "tags": [],
                }
            case "conversation.assigned" | "conversation.transferred":
                found["owner"] = str(step.data["owner"]).removeprefix("agent:")
            case "conversation.unassigned":
                found["owner"] = None
            case "conversation.escalated":
                found["escalated"] = True
            case "conversation.deescalated":
                found["escalated"] = False
            case "conversation.tagged":
                found["tags"] = sorted({*found["tags"], step.data["tag"]})
            case "conversation.untagged":
                found["tags"] = [tag for tag in found["tags"] if tag != step.data["tag"]]
            case "conversation.closed":
                found["status"] = "closed"
            case "conversation.reopened":
                found["status"] = "open"
    return found


def conversation_state(state: Mapping[str, Any]) -> Json:
    """What of a stored conversation its events determine, in the form of `conversation_of`."""
    kept = {name: state[name] for name in ("case_id", "status", "owner", "escalated")}
    return {**kept, "tags": sorted(state["tags"])}


def _moment(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value))
