"""The view of a case."""

from typing import Final

from casetrail_audit.domain.envelope import time_of
from casetrail_audit.domain.folding import custody, episodes
from casetrail_audit.domain.folding.draft import Draft, View
from casetrail_audit.domain.folding.entry import Entry

HOLDING: Final = frozenset(
    {"conversation.assigned", "conversation.transferred", "conversation.accepted"}
)
"""What makes somebody a holder; an assignment with `accept_by` is only an offer."""
LEAVING: Final = frozenset({"conversation.unassigned", "conversation.declined"})


def fresh(entry: Entry) -> View:
    """A case of which this is the first record that names it."""
    return {
        "workspace": entry.workspace,
        "case_id": entry.case_id,
        "conversation_id": entry.text("linked_to") or entry.conversation_id,
        "conversation_ids": [],
        "phone_number_id": None,
        "channel": None,
        "status": "open",
        "queue": None,
        "owner": None,
        "owner_name": None,
        "offered_until": None,
        "holders": [],
        "escalated": False,
        "escalations": [],
        "ticket_ids": [],
        "tags": [],
        "opened_at": None,
        "closed_at": None,
        "closed_seq": None,
        "last_event_at": None,
        "opened_seq": entry.seq,
        "first_seq": entry.seq,
        "last_seq": entry.seq,
        "messages": {"inbound": 0, "outbound": 0, "statuses": 0},
        "episodes": [],
        "custody": [],
        "outside": [],
        "merged_into": None,
        "merged_case_ids": [],
        "versions": {},
        "holes": [],
        "late": [],
        "repeated": [],
    }


def fold_conversation(draft: Draft, case: View, entry: Entry, *, current: bool) -> None:
    """A `conversation.*` event of the case.

    One that is not `current` came late: it adds to what is known, and the present state, which
    later versions decided, stays.
    """
    _remember(case, entry)
    if not current:
        return
    match entry.action:
        case "conversation.opened" | "conversation.reopened":
            case["status"], case["closed_at"], case["closed_seq"] = "open", None, None
            case["merged_into"] = None
        case "conversation.queued":
            case["queue"] = entry.text("queue")
        case action if action in HOLDING | LEAVING:
            _hold(case, entry)
        case "conversation.escalated":
            case["escalated"] = True
        case "conversation.deescalated":
            case["escalated"] = False
        case "conversation.tagged" | "conversation.untagged":
            _tag(case, entry)
        case "conversation.closed":
            case["status"], case["closed_at"] = "closed", entry.happened_at
            case["queue"], case["closed_seq"] = None, entry.seq
            case["offered_until"] = None
            case["merged_into"] = entry.text("merged_into")
            episodes.end(draft, case, entry)
        case _:
            return
    custody.settle(case, entry.happened_at, entry.seq)


def _remember(case: View, entry: Entry) -> None:
    """What stays true whatever comes before or after it."""
    if entry.conversation_id is not None:
        if entry.conversation_id not in case["conversation_ids"]:
            case["conversation_ids"] = [*case["conversation_ids"], entry.conversation_id]
        case["conversation_id"] = entry.conversation_id
    if entry.action == "conversation.opened":
        case["opened_at"], case["opened_seq"] = entry.happened_at, entry.seq
        case["phone_number_id"] = entry.text("phone_number_id")
        case["channel"] = entry.text("channel")
    elif entry.action in HOLDING:
        owner = entry.text("owner") if entry.value("accept_by") is None else None
        if owner is not None and owner not in case["holders"]:
            case["holders"] = [*case["holders"], owner]
    elif entry.action == "conversation.escalated":
        escalation = {
            "seq": entry.seq,
            "at": entry.happened_at,
            "trigger": entry.text("trigger"),
            "rule": entry.text("rule"),
            "rule_version": entry.text("rule_version"),
        }
        case["escalations"] = [*case["escalations"], escalation]


def _hold(case: View, entry: Entry) -> None:
    """Who owns it, or is asked to; acceptance changes the latter only."""
    case["offered_until"] = time_of(entry.value("accept_by"))
    if entry.action in LEAVING:
        case["owner"], case["owner_name"] = None, None
    elif entry.action != "conversation.accepted":
        case["owner"], case["owner_name"] = entry.text("owner"), entry.text("owner_name")
        case["queue"] = None


def _tag(case: View, entry: Entry) -> None:
    others = [tag for tag in case["tags"] if tag != entry.text("tag")]
    if entry.action == "conversation.tagged" and entry.text("tag") is not None:
        others = sorted([*others, entry.text("tag")])
    case["tags"] = others
