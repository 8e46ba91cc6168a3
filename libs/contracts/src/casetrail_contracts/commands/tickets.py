"""Commands on a ticket; the service tickets answers them."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.fields import (
    CourierReference,
    Moment,
    ShortText,
    Slug,
    Text,
    UserId,
)
from casetrail_contracts.registry.ticket import TicketPriority, TicketRelation, TicketStatus


class CreateTicketBody(Body):
    """Make a ticket of the case."""

    title: ShortText
    priority: TicketPriority = "normal"
    category: Slug | None = None


class CreateTicket(Command, CreateTicketBody):
    """Makes a ticket of a case."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "create"

    conversation_id: str
    case_id: str


class OnTicket(Command):
    """A command on one ticket."""

    ticket_id: str = Field(pattern=r"^T-[1-9][0-9]*$")


class ChangeTicketStatusBody(Body):
    """Move the ticket; resolving, closing and reopening have commands of their own."""

    status: TicketStatus
    reason: ShortText | None = None


class ChangeTicketStatus(OnTicket, ChangeTicketStatusBody):
    """Moves a ticket to another state."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "status"


class AssignTicketBody(Body):
    """Give the ticket to somebody, or to nobody with `owner: null`; its case keeps its owner."""

    owner: UserId | None
    reason: ShortText | None = None


class AssignTicket(OnTicket, AssignTicketBody):
    """Gives a ticket to an owner."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "assign"


class ChangeTicketPriorityBody(Body):
    """Say how urgent the ticket is."""

    priority: TicketPriority
    reason: ShortText | None = None


class ChangeTicketPriority(OnTicket, ChangeTicketPriorityBody):
    """Changes the priority of a ticket."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "priority"


class LinkTicketBody(Body):
    """Tie the ticket to one other case (it `concerns` that one too) or to another ticket."""

    case_id: str | None = Field(default=None, pattern=r"^CASE-[1-9][0-9]*$")
    ticket_id: str | None = Field(default=None, pattern=r"^T-[1-9][0-9]*$")
    relation: TicketRelation | None = None
    """Of two tickets; `related` when nothing is said. To a case it is always `concerns`."""
    reason: ShortText | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.case_id is None) == (self.ticket_id is None):
            raise ValueError("give either case_id or ticket_id")
        if self.case_id is not None and self.relation is not None:
            raise ValueError("relation is between tickets: leave it out when linking a case")
        return self


class LinkTicket(OnTicket):
    """Ties a ticket to another case or ticket; the gateway says which conversation that is."""

    service = "tickets"
    verb = "link"

    target: str = Field(pattern=r"^(case/CASE|ticket/T)-[1-9][0-9]*$")
    target_conversation_id: str | None = None
    relation: Literal["concerns"] | TicketRelation
    reason: ShortText | None = None


class HandOffTicketBody(Body):
    """Give the ticket to somebody outside, usually the courier; the status follows."""

    to: Slug = "courier"
    reference: CourierReference | None = None
    expected_at: Moment | None = None
    reason: ShortText | None = None


class HandOffTicket(OnTicket, HandOffTicketBody):
    """Gives a ticket to somebody outside."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "handoff"


class ChaseTicketBody(Body):
    """Say that whoever outside has it was asked where it stays, and what they promised."""

    expected_at: Moment | None = None
    """What they promise now; left out, the promise stays as it was."""
    reason: ShortText | None = None


class ChaseTicket(OnTicket, ChaseTicketBody):
    """Notes that somebody outside was chased."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "chase"


class AddTicketNoteBody(Body):
    """Write a note."""

    note: Text


class AddTicketNote(OnTicket, AddTicketNoteBody):
    """Adds a note to a ticket."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "note"


class ResolveTicketBody(Body):
    """Say how it ended; the domain refuses an empty note, so that every path enforces it."""

    note: str = Field(default="", max_length=10_000)


class ResolveTicket(OnTicket, ResolveTicketBody):
    """Resolves a ticket with a note."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "resolve"


class CloseTicketBody(Body):
    """Close; a ticket not yet resolved needs the resolution note here."""

    note: str | None = Field(default=None, max_length=10_000)


class CloseTicket(OnTicket, CloseTicketBody):
    """Closes a ticket."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "close"


class ReopenTicketBody(Body):
    """Go on with a resolved or closed ticket."""

    reason: ShortText


class ReopenTicket(OnTicket, ReopenTicketBody):
    """Reopens a ticket."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "reopen"
