"""A record as the fold reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from casetrail_audit.domain import envelope as read


@dataclass(frozen=True, slots=True)
class Loose:
    """A record of a conversation without a case: all that counting it needs."""

    seq: int
    action: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an episode began: the sequence of the causing message, if the log has it.

    `loose` are the conversation's records without a case from there to the event, in order.
    """

    cause_seq: int | None = None
    loose: tuple[Loose, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: its place, and the attributes of its event (empty unless it is one)."""

    seq: int
    kind: str
    recorded_at: datetime
    workspace: str | None = None
    action: str = ""
    ours: bool = False
    """Published on `support.>` with a type of ours: only such events move present state."""
    target: str | None = None
    version: int | None = None
    at: datetime | None = None
    conversation_id: str | None = None
    case_id: str | None = None
    ticket_id: str | None = None
    causation_id: str | None = None
    data: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, leaf: Mapping[str, Any], recorded_at: datetime) -> Self:
        """The entry of a record: of its leaf input, so that views follow from what is proven."""
        event = leaf["event"]
        recorded_at = read.milliseconds(recorded_at)
        if event is None:
            return cls(leaf["seq"], leaf["kind"], recorded_at)
        subject: str = leaf["subject"]
        type_ = read.type_of(event, subject)
        return cls(
            seq=leaf["seq"],
            kind=leaf["kind"],
            recorded_at=recorded_at,
            workspace=read.workspace_of(event, subject),
            action=read.action_of(type_),
            ours=read.is_ours(type_, subject),
            target=read.text(event, "subject"),
            version=read.version_of(event),
            at=read.time_of(event.get("time")),
            conversation_id=read.text(event, "conversationid"),
            case_id=read.text(event, "caseid"),
            ticket_id=read.text(event, "ticketid"),
            causation_id=read.text(event, "causationid"),
            data=read.data_of(event),
        )

    @property
    def happened_at(self) -> datetime:
        """When it happened; when it was recorded if it does not say."""
        return self.recorded_at if self.at is None else self.at

    @property
    def noun(self) -> str:
        """`conversation` of `conversation.assigned`."""
        return self.action.partition(".")[0]

    @property
    def cause_id(self) -> str | None:
        """The event id of the message that began the episode."""
        return self.text("message_event_id") or self.causation_id

    @property
    def cause_conversation_id(self) -> str | None:
        """Where that message was written: in this conversation, or in one linked to it."""
        return self.text("message_conversation_id") or self.conversation_id

    def text(self, name: str) -> str | None:
        """The field of the data when it is a text, else None."""
        value = (self.data or {}).get(name)
        return value if isinstance(value, str) else None

    def value(self, name: str) -> Any:
        """The field of the data, else None."""
        return (self.data or {}).get(name)

    def changed_to(self, field: str) -> str | None:
        """The new value of a field in the event's `changes`, when that is a text; else None."""
        changes = self.value("changes")
        for change in changes if isinstance(changes, list) else ():
            if isinstance(change, Mapping) and change.get("field") == field:
                new = change.get("new")
                return new if isinstance(new, str) else None
        return None
