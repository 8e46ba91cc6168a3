"""A ticket: its state, equal to the fold of its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casetrail_tickets.domain.levels import Levels


@dataclass(frozen=True)
class HandOff:
    """Who outside has it, and their reference."""

    to: str
    reference: str | None = None
    expected_at: str | None = None
    chased: int | None = None
    """How often they were asked where it stays; None: not yet."""


@dataclass(frozen=True)
class Link:
    """What else the ticket is tied to: `case/CASE-1002` or `ticket/T-1002`."""

    target: str
    relation: str


@dataclass(frozen=True)
class Ticket:
    """The state of a ticket; equal to the fold of its events."""

    ticket_id: str
    conversation_id: str
    case_id: str
    status: str
    priority: str
    category: str | None = None
    owner: str | None = None
    """`agent:<id>`."""
    hand_off: HandOff | None = None
    links: tuple[Link, ...] = ()
    notes: int = 0
    resolved_by: str | None = None
    reopened: int = 0
    levels: Levels | None = None
    """What it was promised; None when no service levels were laid down when it was made."""
    due_at: datetime | None = None
    """When a clock next falls due."""
    ended_at: datetime | None = None
    """When it was resolved or closed, while it is."""

    def to_document(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {
            **vars(self),
            "hand_off": None if self.hand_off is None else vars(self.hand_off).copy(),
            "links": [vars(link).copy() for link in self.links],
            "levels": None if self.levels is None else self.levels.to_document(),
        }

    @classmethod
    def from_document(cls, values: Mapping[str, Any]) -> "Ticket":
        """The ticket stored by `to_document`, also by a version that knew fewer fields."""
        hand_off, levels = values.get("hand_off"), values.get("levels")
        return cls(
            **{
                **values,
                "hand_off": None if hand_off is None else HandOff(**hand_off),
                "links": tuple(Link(**link) for link in values.get("links", ())),
                "levels": None if levels is None else Levels.from_document(levels),
            }
        )


@dataclass(frozen=True)
class Fact:
    """Something that happened to a ticket: its `noun.verb`, typed fields, and personal values."""

    name: str
    fields: Mapping[str, Any]
    changes: tuple[tuple[str, Any, Any], ...] = ()
    reason: str | None = None
    private: Mapping[str, Any] | None = None


Outcome = tuple[Ticket, tuple[Fact, ...]]
"""The new state and what happened on the way, in order."""
