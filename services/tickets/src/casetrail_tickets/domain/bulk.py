"""One action on many tickets: what was asked, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

State = Literal["accepted", "running", "refusing", "refused", "done"]
"""`accepted`: nothing decided yet. `refusing`: decided, not told yet. `refused` and `done` last."""

UNDER_WAY: Final[tuple[State, ...]] = ("accepted", "running", "refusing")
FAULTS_TOLD: Final = 5
"""Tickets that the sentence of a refused bulk names; the progress has all of them."""


@dataclass(frozen=True)
class Outcome:
    """What became of one ticket of a bulk."""

    status: Literal["done", "refused"]
    code: str | None = None
    detail: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Bulk:
    """A bulk as it stands; `asked` is the command, without its texts once the bulk has ended."""

    bulk_id: str
    workspace: str
    kind: str
    mode: Literal["all", "each"]
    ticket_ids: Sequence[str]
    asked: Mapping[str, Any] | None
    state: State
    outcomes: Mapping[str, Outcome]
    taken_at: datetime
    ended_at: datetime | None = None

    @property
    def left(self) -> list[str]:
        """The tickets nothing is known of yet, in the order asked for."""
        return [ticket for ticket in self.ticket_ids if ticket not in self.outcomes]

    def progress(self) -> dict[str, Any]:
        """How far it is, as plain values."""
        found = list(self.outcomes.values())
        return {
            "bulk_id": self.bulk_id,
            "action": self.kind,
            "mode": self.mode,
            "state": "accepted" if self.state == "refusing" else self.state,
            "total": len(self.ticket_ids),
            "done": sum(each.status == "done" for each in found),
            "refused": sum(each.status == "refused" for each in found),
            "taken_at": self.taken_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "tickets": [
                {"ticket_id": ticket, **vars(self.outcomes[ticket])}
                for ticket in self.ticket_ids
                if ticket in self.outcomes
            ],
        }


def refusal_of(outcomes: Mapping[str, Outcome], total: int) -> str:
    """Why a bulk of which all or nothing was asked is refused."""
    refused = {ticket: each for ticket, each in outcomes.items() if each.status == "refused"}
    first = "; ".join(
        f"{ticket}: {each.detail}" for ticket, each in list(refused.items())[:FAULTS_TOLD]
    )
    more = "" if len(refused) <= FAULTS_TOLD else f"; and {len(refused) - FAULTS_TOLD} more"
    return (
        f"Nothing was done: {len(refused)} of {total} tickets cannot take it. {first}{more}. "
        "Leave them out, or ask for each instead of all."
    )
