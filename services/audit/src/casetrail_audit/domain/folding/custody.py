"""Who has the case: intervals one after the other, from its opening to its close.

While a ticket is with somebody outside, they have it (kind `courier`); otherwise its owner, or the
one it is offered to (kind `offered`), else the queue it waits in, else nobody. Nobody for no time
at all is left out.
"""

from datetime import datetime
from typing import Any, Final

from casetrail_audit.domain.folding.draft import View

COURIER: Final = "courier"


def settle(case: View, at: datetime, seq: int) -> None:
    """Makes the last interval say who has the case now; a clock that went back ends none early."""
    intervals: list[Any] = case["custody"]
    kind, holder = _now(case)
    if intervals:
        last: View = intervals[-1]
        lasts = last["to"] is None
        if lasts and case["status"] == "open" and (last["kind"], last["holder"]) == (kind, holder):
            return
        at = max(at, last["from"] if lasts else last["to"])
        if lasts:
            fleeting = last["from"] == at and last["kind"] in {"nobody", kind}
            intervals = [*intervals[:-1], *([] if fleeting else [{**last, "to": at}])]
    if case["status"] == "open":
        intervals = [
            *intervals,
            {"holder": holder, "kind": kind, "from": at, "to": None, "seq": seq},
        ]
    case["custody"] = intervals


def leave(case: View, ticket_id: str, to: str | None, handoff: View | None) -> None:
    """The ticket is outside; `to` None keeps the name of who has it already."""
    others = [item for item in case["outside"] if item["ticket_id"] != ticket_id]
    before = next((item for item in case["outside"] if item["ticket_id"] == ticket_id), None)
    if before is not None and handoff is None:
        return
    item = {
        "ticket_id": ticket_id,
        "to": to or COURIER,
        "reference": None if handoff is None else handoff["reference"],
        "expected_at": None if handoff is None else handoff["expected_at"],
        "chased_at": None if handoff is None else handoff["chased_at"],
    }
    case["outside"] = [*others, item]


def come_back(case: View, ticket_id: str) -> None:
    """The ticket is inside again."""
    case["outside"] = [item for item in case["outside"] if item["ticket_id"] != ticket_id]


def _now(case: View) -> tuple[str, str | None]:
    if case["outside"]:
        return COURIER, case["outside"][-1]["to"]
    if case["owner"] is not None:
        offered = case.get("offered_until") is not None  # older views lack it
        return "offered" if offered else "owner", case["owner"]
    if case["queue"] is not None:
        return "queue", case["queue"]
    return "nobody", None
