"""Ownership and state of a conversation and of its case. Private: note."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData, Open


def _absent(value: object) -> bool:
    return value is None


class ConversationOpened(EventData):
    """A case began: the first message of a conversation, or the first after its reopen window."""

    type_name: ClassVar[str] = "conversation.opened"

    phone_number_id: str
    channel: str = "whatsapp"
    message_event_id: str
    """Event id of the message that opened the case."""
    message_conversation_id: str | None = Field(default=None, exclude_if=_absent)
    """Where that message was written, when it was in a linked conversation and not in this one."""


class ConversationQueued(EventData):
    """The case waits in a queue for an owner."""

    type_name: ClassVar[str] = "conversation.queued"

    queue: str
    accept_within: int | None = Field(default=None, exclude_if=_absent)
    """Seconds that whoever gets it from here has to accept it; null: it is theirs outright."""
    language: str | None = Field(default=None, exclude_if=_absent)
    """What the customer writes in (`en`, `ur`, `ur-Latn`), as far as the words tell."""
    topic: str | None = Field(default=None, exclude_if=_absent)
    """Name of the complaint rule that the message matched."""


class ConversationAssigned(EventData):
    """The case has an owner; `actor.rule` names the rule that chose, if a rule did.

    With `accept_by` it is an offer: it takes a place of their capacity, and becomes theirs with
    `conversation.accepted`, or ends with `declined` or `unassigned` (`expired`).
    """

    type_name: ClassVar[str] = "conversation.assigned"

    owner: str
    owner_name: str | None = None
    previous_owner: str | None = None
    queue: str | None = None
    queued_at: AwareDatetime | None = None
    accept_by: AwareDatetime | None = Field(default=None, exclude_if=_absent)
    tried: list[str] | None = Field(default=None, exclude_if=_absent)
    """The strategies that came before the one that chose, and found nobody."""


class ConversationAccepted(EventData):
    """Whom the case was offered to has taken it."""

    type_name: ClassVar[str] = "conversation.accepted"

    owner: str
    owner_name: str | None = None
    offered_until: AwareDatetime | None = None


class ConversationDeclined(EventData):
    """Whom the case was offered to has not taken it; their reason is private."""

    type_name: ClassVar[str] = "conversation.declined"

    previous_owner: str


class ConversationTransferred(EventData):
    """A person handed the case on: from one owner to another, never to nobody."""

    type_name: ClassVar[str] = "conversation.transferred"

    owner: str
    owner_name: str | None = None
    previous_owner: str


class ConversationUnassigned(EventData):
    """The case lost its owner."""

    type_name: ClassVar[str] = "conversation.unassigned"

    previous_owner: str
    released: bool | None = Field(default=None, exclude_if=_absent)
    """True when the owner gave it back; it is not given to them again by a rule."""
    expired: bool | None = Field(default=None, exclude_if=_absent)
    """True when it was an offer that nobody answered in time."""
    not_again_before: AwareDatetime | None = Field(default=None, exclude_if=_absent)
    """Until then no rule offers it to them again."""


class MatchedPhrase(Open):
    """A phrase of a rule that a message contains; offsets count characters of the message."""

    phrase: str
    language: str | None = None
    start: int
    end: int


class Observed(Open):
    """What a rule on waiting or repetition found: how many messages, since when, for how long."""

    messages: int
    since: AwareDatetime
    seconds: int
    message_event_ids: list[str] = Field(default_factory=list)


class ConversationEscalated(EventData):
    """The case is marked Escalated, by a rule (which, and what matched) or by a person."""

    type_name: ClassVar[str] = "conversation.escalated"

    trigger: Literal["rule", "person"]
    rule: str | None = None
    rule_version: str | None = None
    matched: list[MatchedPhrase] = Field(default_factory=list)
    message_event_id: str | None = None
    observed: Observed | None = Field(default=None, exclude_if=_absent)


class ConversationDeescalated(EventData):
    """A person took the mark Escalated away; their reason is private."""

    type_name: ClassVar[str] = "conversation.deescalated"


class ConversationTagged(EventData):
    """A tag was put on the case."""

    type_name: ClassVar[str] = "conversation.tagged"

    tag: str


class ConversationUntagged(EventData):
    """A tag was taken off the case."""

    type_name: ClassVar[str] = "conversation.untagged"

    tag: str


class ConversationNoteAdded(EventData):
    """A note on the case, in `private.note`."""

    type_name: ClassVar[str] = "conversation.note_added"

    note_id: str


class ConversationClosed(EventData):
    """The case ended."""

    type_name: ClassVar[str] = "conversation.closed"

    owner: str | None = None
    merged_into: str | None = Field(default=None, exclude_if=_absent)
    """The case that goes on in its place, when the two were found to be one."""


class ConversationReopened(EventData):
    """The closed case goes on: a message arrived inside the reopen window."""

    type_name: ClassVar[str] = "conversation.reopened"

    message_event_id: str | None = None
    message_conversation_id: str | None = Field(default=None, exclude_if=_absent)
    """Where that message was written, when it was in a linked conversation and not in this one."""
    closed_at: AwareDatetime | None = None


class ConversationLinked(EventData):
    """This conversation and another are one customer's: from here on it is led in the other one.

    The envelope's `caseid` is the case of the other one. Messages keep arriving in this
    conversation; what they lead to happens in the other. Nothing else follows in this conversation.
    """

    type_name: ClassVar[str] = "conversation.linked"

    linked_to: str
    """The conversation id that it is led in."""
    linked_case_id: str
    """The case which that one was in."""
    phone_number_id: str
    channel: str = "whatsapp"
    merged_case_id: str | None = None
    """The case of this conversation that was merged into it; null when it was in none."""
    identity_event_id: str | None = Field(default=None, exclude_if=_absent)
    """The `customer.identified` that told so; null when a person did."""
