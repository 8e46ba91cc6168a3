"""Who calls, and what their role may do: the one table of paths and roles."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["agent", "lead", "reviewer", "admin", "service"]

EVERYBODY: Final[frozenset[Role]] = frozenset({"agent", "lead", "reviewer", "admin", "service"})
PEOPLE: Final[frozenset[Role]] = EVERYBODY - {"service"}
WORKERS: Final[frozenset[Role]] = frozenset({"agent", "lead", "admin"})
LEADS: Final[frozenset[Role]] = frozenset({"lead", "admin"})
ADMINS: Final[frozenset[Role]] = frozenset({"admin"})
AUDITORS: Final[frozenset[Role]] = frozenset({"reviewer", "admin"})
QUALITY: Final[frozenset[Role]] = LEADS | AUDITORS

PERMITTED: Final[dict[tuple[str, str], frozenset[Role]]] = {
    ("GET", "/v1/cases"): EVERYBODY,
    ("GET", "/v1/cases/{case_id}"): EVERYBODY,
    ("GET", "/v1/cases/{case_id}/timeline"): EVERYBODY,
    ("GET", "/v1/cases/{case_id}/evidence"): EVERYBODY,
    ("GET", "/v1/tickets/{ticket_id}"): EVERYBODY,
    ("GET", "/v1/tickets/{ticket_id}/timeline"): EVERYBODY,
    ("GET", "/v1/conversations/{conversation_id}/timeline"): EVERYBODY,
    ("GET", "/v1/customers"): EVERYBODY,
    ("POST", "/v1/customers/{customer_id}/reveal"): PEOPLE,
    ("GET", "/v1/live"): EVERYBODY,
    ("GET", "/v1/export"): EVERYBODY,
    ("GET", "/v1/views"): EVERYBODY,
    ("POST", "/v1/views"): PEOPLE,
    ("DELETE", "/v1/views/{view_id}"): PEOPLE,
    ("GET", "/v1/records"): EVERYBODY,
    ("GET", "/v1/records/{seq}"): EVERYBODY,
    ("GET", "/v1/records/{seq}/proof"): EVERYBODY,
    ("GET", "/v1/users/{user_id}/activity"): EVERYBODY,
    ("GET", "/v1/shifts/{shift_id}/handover"): LEADS | AUDITORS,
    ("GET", "/v1/privacy/erasures/{erasure_id}"): AUDITORS,
    ("GET", "/v1/log/status"): EVERYBODY,
    ("GET", "/v1/dead-letters"): AUDITORS,
    ("POST", "/v1/dead-letters/{letter}/handle"): ADMINS,
    ("GET", "/v1/scorecards"): EVERYBODY,
    ("GET", "/v1/reviews"): EVERYBODY,
    ("GET", "/v1/reviews/{review_id}"): EVERYBODY,
    ("GET", "/v1/cases/{case_id}/reviews"): EVERYBODY,
    ("POST", "/v1/cases/{case_id}/reviews"): QUALITY,
    ("POST", "/v1/reviews/{review_id}/scores"): QUALITY,
    ("POST", "/v1/reviews/{review_id}/notes"): PEOPLE,
    ("POST", "/v1/reviews/{review_id}/dispute"): WORKERS,
    ("POST", "/v1/reviews/{review_id}/resolve"): QUALITY,
    ("GET", "/v1/coaching"): PEOPLE,
    ("GET", "/v1/figures"): QUALITY,
    ("GET", "/v1/compare/cases"): EVERYBODY,
    ("GET", "/v1/compare/shifts"): QUALITY,
    ("POST", "/v1/samples"): QUALITY,
    ("GET", "/v1/samples"): QUALITY,
    ("GET", "/v1/samples/{sample_id}"): QUALITY,
    ("GET", "/v1/samples/{sample_id}/agreement"): QUALITY,
    ("POST", "/v1/cases/{case_id}/assign"): WORKERS,
    ("POST", "/v1/cases/{case_id}/escalate"): WORKERS,
    ("POST", "/v1/cases/{case_id}/close"): WORKERS,
    ("POST", "/v1/cases/{case_id}/tickets"): WORKERS,
    ("POST", "/v1/cases/{case_id}/messages"): WORKERS,
    ("POST", "/v1/cases/{case_id}/claim"): WORKERS,
    ("POST", "/v1/cases/{case_id}/accept"): WORKERS,
    ("POST", "/v1/cases/{case_id}/decline"): WORKERS,
    ("POST", "/v1/cases/{case_id}/transfer"): WORKERS,
    ("POST", "/v1/cases/{case_id}/release"): WORKERS,
    ("POST", "/v1/cases/{case_id}/deescalate"): WORKERS,
    ("POST", "/v1/cases/{case_id}/tags"): WORKERS,
    ("POST", "/v1/cases/{case_id}/notes"): WORKERS,
    ("POST", "/v1/cases/{case_id}/reopen"): WORKERS,
    ("POST", "/v1/cases/{case_id}/link"): LEADS,
    ("GET", "/v1/tickets/bulk/{bulk_id}"): LEADS | {"reviewer"},
    ("POST", "/v1/tickets/bulk"): LEADS,
    ("POST", "/v1/tickets/{ticket_id}/status"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/assign"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/priority"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/link"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/handoff"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/chase"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/notes"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/resolve"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/close"): WORKERS,
    ("POST", "/v1/tickets/{ticket_id}/reopen"): WORKERS,
    ("POST", "/v1/users"): LEADS,
    ("PATCH", "/v1/users/{user_id}"): LEADS,
    ("POST", "/v1/users/{user_id}/deactivate"): LEADS,
    ("POST", "/v1/users/{user_id}/reactivate"): LEADS,
    ("POST", "/v1/users/{user_id}/presence"): WORKERS,
    ("POST", "/v1/users/{user_id}/shift/start"): WORKERS,
    ("POST", "/v1/users/{user_id}/shift/end"): WORKERS,
    ("POST", "/v1/shifts/{shift_id}/handover"): LEADS,
    ("POST", "/v1/shifts/{shift_id}/handover/sign"): LEADS,
    ("POST", "/v1/privacy/erasures"): ADMINS,
    ("POST", "/v1/privacy/holds"): ADMINS,
    ("POST", "/v1/privacy/holds/{hold_id}/release"): ADMINS,
}
"""Which roles may use a path at all. Agents are also held to their own cases (`may_open`), to
their own shift and presence and to their own activity. A path that is not here cannot be served."""

PUBLIC: Final = frozenset(
    {
        ("GET", "/log/checkpoint"),
        ("GET", "/log/checkpoint/cosigned"),
        ("GET", "/log/key"),
        ("GET", "/log/rotations"),
        ("GET", "/log/tile/{path}"),
        ("GET", "/log/consistency"),
    }
)
"""Paths without a token: hashes, signatures and keys, for whoever wants to check the log."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a token."""

    id: str
    name: str
    role: Role
    workspace: str

    @property
    def ref(self) -> str:
        """How a case names them as its owner: `agent:a`, whatever their role."""
        return f"agent:{self.id}"

    @property
    def reads_text(self) -> bool:
        """True when message text and notes are shown to them; a program gets the facts only."""
        return self.role != "service"


def reviews_shown(caller: Caller) -> str | None:
    """Of whose work a reader sees quality reviews: an agent of their own; None: everybody's."""
    return caller.ref if caller.role == "agent" else None


def may_open(caller: Caller, owner: str | None, held_by: AbstractSet[str]) -> bool:
    """True when the caller may read and act on a case with this owner and these former owners.

    An agent may when they own it, ever held it, or nobody owns it; every other role always may.
    """
    if caller.role != "agent":
        return True
    return owner is None or owner == caller.ref or caller.ref in held_by
