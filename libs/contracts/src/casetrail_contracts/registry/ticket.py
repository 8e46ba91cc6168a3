"""The life cycle of a ticket. Private: title, note, resolution_note, context."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from casetrail_contracts.clocks.policy import ClockName
from casetrail_contracts.envelope import EventData, Open

TicketStatus = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A state of the workspace's life cycle. The one that ships has `new`, `in_progress`,
`awaiting_customer`, `awaiting_courier`, `resolved`, `closed`, `reopened`."""
TicketPriority = Literal["low", "normal", "high", "urgent"]
TicketRelation = Literal["related", "duplicate_of", "follows"]


class ContextSnapshot(Open):
    """What of the conversation was attached when the ticket was made.

    The messages themselves are `private.context`: a list of `{event_id, time, from, text}`.
    """

    message_count: int
    event_ids: list[str] = Field(default_factory=list)
    through: AwareDatetime | None = None


class LifeCycleRef(Open):
    """Which rules allowed a change: the life cycle's name, and the hash of its text then."""

    name: str
    version: str


def _absent(value: object) -> bool:
    return value is None


class TicketCreated(EventData):
    """A ticket was made from a case."""

    type_name: ClassVar[str] = "ticket.created"

    ticket_id: str
    status: TicketStatus = "new"
    priority: TicketPriority = "normal"
    category: str | None = None
    context: ContextSnapshot
    life_cycle: LifeCycleRef | None = Field(default=None, exclude_if=_absent)


class TicketStatusChanged(EventData):
    """The ticket moved from one state to another; the same as in `changes`."""

    type_name: ClassVar[str] = "ticket.status_changed"

    old: TicketStatus
    new: TicketStatus
    outside: bool | None = Field(default=None, exclude_if=_absent)
    """True when the new state means that somebody outside has it."""
    life_cycle: LifeCycleRef | None = Field(default=None, exclude_if=_absent)


class TicketAssigned(EventData):
    """The ticket has another owner, or none; the owner of its case stays as it is."""

    type_name: ClassVar[str] = "ticket.assigned"

    owner: str | None
    """`agent:<id>`; null when nobody owns the ticket any more."""
    owner_name: str | None = None
    previous_owner: str | None = None


class TicketPriorityChanged(EventData):
    """How urgent the ticket is now; the same as in `changes`."""

    type_name: ClassVar[str] = "ticket.priority_changed"

    old: TicketPriority
    new: TicketPriority


class TicketLinked(EventData):
    """The ticket also concerns another case, or stands in a relation to another ticket.

    The event belongs to the ticket's own case; `target` is `case/CASE-1002` or `ticket/T-1002`.
    """

    type_name: ClassVar[str] = "ticket.linked"

    target: str
    relation: Literal["concerns"] | TicketRelation
    target_conversation_id: str | None = None
    """The conversation of that case."""


class TicketHandedOff(EventData):
    """Someone outside has it now: outside custody, with their reference.

    With `chased` they had it already and were asked where it stays.
    """

    type_name: ClassVar[str] = "ticket.handed_off"

    to: str
    reference: str | None = None
    expected_at: AwareDatetime | None = None
    """Promised by then."""
    chased: int | None = Field(default=None, exclude_if=_absent)
    """How often they were asked by now, counted from when they got it."""


class TicketNoteAdded(EventData):
    """A note, in `private.note`."""

    type_name: ClassVar[str] = "ticket.note_added"

    note_id: str


class TicketResolved(EventData):
    """The ticket is resolved; why stands in `private.resolution_note`, never empty."""

    type_name: ClassVar[str] = "ticket.resolved"

    old: TicketStatus


class TicketClosed(EventData):
    """The ticket is closed."""

    type_name: ClassVar[str] = "ticket.closed"

    old: TicketStatus


class TicketReopened(EventData):
    """The ticket goes on after it was resolved or closed."""

    type_name: ClassVar[str] = "ticket.reopened"

    old: TicketStatus


class PolicyRef(Open):
    """Which policy binds: its name, and the hash of its text then."""

    name: str
    version: str


class PolicyText(PolicyRef):
    """A policy with its whole text, of which `version` is the hash: the log needs no file."""

    text: dict[str, Any]


class SlaStarted(EventData):
    """A clock of the ticket began to run, or is measured by another policy from now on.

    The actor is the rule: the policy with its version. `time` is when the clock began, or when the
    other policy took over.
    """

    type_name: ClassVar[str] = "ticket.sla_started"

    clock: ClockName
    begun_by: str
    """Event id of what began the wait: the ticket's creation, or a message of the customer."""
    started_at: AwareDatetime
    target_seconds: int
    due_at: AwareDatetime | None
    """When it falls due as things stand; null while the ticket's state pauses the clock."""
    policy: PolicyText
    replaces: PolicyRef | None = Field(default=None, exclude_if=_absent)
    """The policy that bound before."""


class SlaBreached(EventData):
    """A clock of the ticket fell due before what was owed was done.

    `time` and `due_at` are when it fell due; the actor is the rule.
    """

    type_name: ClassVar[str] = "ticket.sla_breached"

    clock: ClockName
    begun_by: str
    started_at: AwareDatetime
    target_seconds: int
    due_at: AwareDatetime
    noticed_at: AwareDatetime
    late_seconds: int | None = Field(default=None, exclude_if=_absent)
    """Set when it was noticed long after it fell due, because tickets was down or busy."""
    policy: PolicyRef
