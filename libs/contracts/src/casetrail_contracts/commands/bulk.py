"""One action on many tickets; the service tickets carries it out and tells how far it is."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.tickets import (
    AddTicketNoteBody,
    AssignTicketBody,
    ChangeTicketPriorityBody,
    ChangeTicketStatusBody,
    CloseTicketBody,
    HandOffTicketBody,
    ReopenTicketBody,
    ResolveTicketBody,
)

TicketId = Annotated[str, Field(pattern=r"^T-[1-9][0-9]{0,17}$")]


class BulkStatus(ChangeTicketStatusBody):
    """Move each ticket."""

    kind: Literal["status"]


class BulkAssign(AssignTicketBody):
    """Give each ticket to somebody, or to nobody."""

    kind: Literal["assign"]


class BulkPriority(ChangeTicketPriorityBody):
    """Say how urgent each ticket is."""

    kind: Literal["priority"]


class BulkHandOff(HandOffTicketBody):
    """Give each ticket to somebody outside."""

    kind: Literal["handoff"]


class BulkNote(AddTicketNoteBody):
    """Write the same note on each ticket."""

    kind: Literal["note"]


class BulkResolve(ResolveTicketBody):
    """Resolve each ticket with the same note."""

    kind: Literal["resolve"]


class BulkClose(CloseTicketBody):
    """Close each ticket; those not yet resolved need the resolution note here."""

    kind: Literal["close"]


class BulkReopen(ReopenTicketBody):
    """Go on with each ticket."""

    kind: Literal["reopen"]


BulkAction = Annotated[
    BulkStatus
    | BulkAssign
    | BulkPriority
    | BulkHandOff
    | BulkNote
    | BulkResolve
    | BulkClose
    | BulkReopen,
    Field(discriminator="kind"),
]


class BulkTicketsBody(Body):
    """Do the same to up to 1,000 tickets."""

    action: BulkAction
    ticket_ids: list[TicketId] = Field(min_length=1, max_length=1000)
    mode: Literal["all", "each"]
    """`all`: nothing is done when one of them cannot be. `each`: whatever can be is done."""
    versions: dict[TicketId, int] = Field(default_factory=dict)
    """The version of a ticket that is meant, as `If-Match` says it for one ticket."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.ticket_ids)) < len(self.ticket_ids):
            raise ValueError("a ticket is in ticket_ids twice: leave it in once")
        if not self.versions.keys() <= set(self.ticket_ids):
            raise ValueError("versions names a ticket that is not in ticket_ids")
        return self


class BulkTickets(Command, BulkTicketsBody):
    """Takes on one action for many tickets; its id is the id of the bulk."""

    model_config = ConfigDict(extra="ignore")
    service = "tickets"
    verb = "bulk"


class ReadBulk(Command):
    """Asks how far a bulk is."""

    service = "tickets"
    verb = "bulk_progress"

    bulk_id: str = Field(min_length=1, max_length=200)
