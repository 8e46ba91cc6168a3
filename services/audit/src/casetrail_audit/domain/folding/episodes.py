"""Which stretch of a conversation belongs to which case, and what it counts."""

from collections.abc import Iterable
from typing import Any, Final

from casetrail_audit.domain.folding.draft import Draft, View
from casetrail_audit.domain.folding.entry import Entry, Loose, Origin

COUNTED: Final = {
    "message.received": "inbound",
    "message.sent": "outbound",
    "message.status_changed": "statuses",
}

_BESIDE: Final = ("access.", "review.")
"""About the case, and nothing that happened in it."""


def begin(draft: Draft, conversation: View, case: View, entry: Entry, origin: Origin) -> None:
    """A new episode of the case, from the message that caused it; the one before ends there."""
    start = entry.seq if origin.cause_seq is None else origin.cause_seq
    last = conversation["last_episode"]
    if last is not None and start <= last["from_seq"]:
        start = last["from_seq"] + 1
    gained = [item for item in origin.loose if item.seq >= start]
    if last is not None and (last["to_seq"] is None or last["to_seq"] >= start):
        end = last["to_seq"]
        before = draft.edit("cases", f"{entry.workspace}:{last['case_id']}")
        if before is not None:
            count(before, [i for i in gained if end is None or i.seq <= end], -1)
            _cut(before, conversation["conversation_id"], last["from_seq"], start - 1)
    count(case, gained, 1)
    case["episodes"] = [
        *case["episodes"],
        {"conversation_id": conversation["conversation_id"], "from_seq": start, "to_seq": None},
    ]
    case["first_seq"] = min(case["first_seq"], start)
    conversation["open_case"] = case["case_id"]
    conversation["last_episode"] = {"case_id": case["case_id"], "from_seq": start, "to_seq": None}
    if case["case_id"] not in conversation["case_ids"]:
        conversation["case_ids"] = [*conversation["case_ids"], case["case_id"]]


def begin_late(conversation: View, case: View, entry: Entry, origin: Origin) -> None:
    """An episode whose beginning is told of after later versions: it fits between the others."""
    start = entry.seq if origin.cause_seq is None else origin.cause_seq
    until: int | None = case["closed_seq"] if case["status"] == "closed" else None
    last = conversation["last_episode"]
    if last is not None and last["from_seq"] > start:
        until = last["from_seq"] - 1 if until is None else min(until, last["from_seq"] - 1)
    elif last is not None:
        if last["to_seq"] is None:
            return
        start = max(start, last["to_seq"] + 1)
    if until is not None and until < start:
        return
    gained = [i for i in origin.loose if i.seq >= start and (until is None or i.seq <= until)]
    count(case, gained, 1)
    episode = {"from_seq": start, "to_seq": until}
    named = {"conversation_id": conversation["conversation_id"], **episode}
    case["episodes"] = [*case["episodes"], named]
    case["first_seq"] = min(case["first_seq"], start)
    if until is None:
        conversation["open_case"] = case["case_id"]
        conversation["last_episode"] = {"case_id": case["case_id"], **episode}


def end(draft: Draft, case: View, entry: Entry) -> None:
    """Ends every open episode of the case at this record."""
    for episode in case["episodes"]:
        if episode["to_seq"] is None:
            _leave(draft, case, episode["conversation_id"], entry)
    case["episodes"] = [
        {**item, "to_seq": entry.seq} if item["to_seq"] is None else item
        for item in case["episodes"]
    ]


def count(case: View, items: Iterable[Loose], sign: int) -> None:
    """Adds the messages to what the case counts, or takes them away; a look moves no time."""
    messages = dict(case["messages"])
    for item in items:
        if (name := COUNTED.get(item.action)) is not None:
            messages[name] += sign
        if sign > 0 and not item.action.startswith(_BESIDE):
            case["last_event_at"] = latest(case["last_event_at"], item.at)
    case["messages"] = messages


def latest(one: Any, other: Any) -> Any:
    """The later of two times; None is before every time."""
    return other if one is None or one < other else one


def _leave(draft: Draft, case: View, conversation_id: str, entry: Entry) -> None:
    conversation = draft.edit("conversations", f"{entry.workspace}:{conversation_id}")
    if conversation is None or conversation["open_case"] != case["case_id"]:
        return
    conversation["open_case"] = None
    conversation["last_episode"] = {**conversation["last_episode"], "to_seq": entry.seq}


def _cut(case: View, conversation_id: str, from_seq: int, to_seq: int) -> None:
    case["episodes"] = [
        {**item, "to_seq": to_seq}
        if (item["conversation_id"], item["from_seq"]) == (conversation_id, from_seq)
        else item
        for item in case["episodes"]
    ]
