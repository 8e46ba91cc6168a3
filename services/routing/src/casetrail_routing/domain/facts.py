"""What can happen to a conversation, as the domain sees it; users have `user_facts`.

Each fact has the `noun.verb` of the event that carries it. A fact holds no personal value.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar


@dataclass(frozen=True, slots=True)
class RuleRef:
    """The rule that decided, as an event names it: `version` is `sha256:<hex>` of the text."""

    name: str
    version: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase of a rule that a message contains; offsets count characters of the message."""

    phrase: str
    language: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What a rule on waiting or repetition found: messages, since when, for how many seconds."""

    messages: int
    since: datetime
    seconds: int
    message_event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A case began."""

    type_name: ClassVar[str] = "conversation.opened"

    case_id: str
    phone_number_id: str
    channel: str
    message_event_id: str
    message_conversation_id: str | None = None
    """Where the message was written, when that is a linked conversation."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The case waits in a queue."""

    type_name: ClassVar[str] = "conversation.queued"

    queue: str
    accept_within: int | None = None
    """Seconds that whoever gets it from here has to accept it; None: it is theirs outright."""
    language: str | None = None
    """What the customer writes in; None: as it was known before."""
    topic: str | None = None
    """The complaint rule that the message matched; None: as it was known before."""

    def accept_by(self, at: datetime) -> datetime | None:
        """Until when somebody has to accept it who gets it at this time."""
        if self.accept_within is None:
            return None
        return at + timedelta(seconds=self.accept_within)


@dataclass(frozen=True, slots=True)
class Assigned:
    """The case has an owner; `rule` is None when a person chose.

    With `accept_by` it is an offer, which they accept or decline, or which expires.
    """

    type_name: ClassVar[str] = "conversation.assigned"

    owner: str
    owner_name: str
    rule: RuleRef | None = None
    accept_by: datetime | None = None
    tried: tuple[str, ...] = ()
    """The strategies before that one, which found nobody."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Whom it was offered to has taken the case."""

    type_name: ClassVar[str] = "conversation.accepted"


@dataclass(frozen=True, slots=True)
class Declined:
    """Whom it was offered to has not taken the case."""

    type_name: ClassVar[str] = "conversation.declined"


@dataclass(frozen=True, slots=True)
class Transferred:
    """A person handed the case on to another owner."""

    type_name: ClassVar[str] = "conversation.transferred"

    owner: str
    owner_name: str


@dataclass(frozen=True, slots=True)
class Unassigned:
    """The case lost its owner; `because` is a sentence without personal content.

    `released` says that the owner gave it back, for a reason that is personal; `expired`, that they
    did not answer an offer. Until `not_again_before` no rule offers it to them again.
    """

    type_name: ClassVar[str] = "conversation.unassigned"

    because: str | None
    released: bool = False
    expired: bool = False
    not_again_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Escalated:
    """The case is marked Escalated, by a rule or by a person."""

    type_name: ClassVar[str] = "conversation.escalated"

    rule: RuleRef | None = None
    matched: tuple[Match, ...] = ()
    message_event_id: str | None = None
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class Deescalated:
    """A person took the mark Escalated away."""

    type_name: ClassVar[str] = "conversation.deescalated"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag was put on the case."""

    type_name: ClassVar[str] = "conversation.tagged"

    tag: str


@dataclass(frozen=True, slots=True)
class Untagged:
    """A tag was taken off the case."""

    type_name: ClassVar[str] = "conversation.untagged"

    tag: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """A note was written; its text is personal."""

    type_name: ClassVar[str] = "conversation.note_added"

    note_id: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The case ended; `because` is a sentence without personal content."""

    type_name: ClassVar[str] = "conversation.closed"

    because: str | None = None
    merged_into: str | None = None
    """The case that goes on in its place."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """The closed case goes on, with the owner it had."""

    type_name: ClassVar[str] = "conversation.reopened"

    message_event_id: str | None
    rule: RuleRef | None = None
    message_conversation_id: str | None = None
    """Where the message was written, when that is a linked conversation."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The conversation is led in another one from here on; `case_id` is the case of that one."""

    type_name: ClassVar[str] = "conversation.linked"

    to: str
    case_id: str
    phone_number_id: str
    channel: str
    merged_case_id: str | None = None
    identity_event_id: str | None = None
    """The `customer.identified` that told so; None when a person did."""


CustodyFact = Assigned | Transferred
"""What gives a case to somebody."""
ConversationFact = (
    Opened
    | Queued
    | CustodyFact
    | Accepted
    | Declined
    | Unassigned
    | Escalated
    | Deescalated
    | Tagged
    | Untagged
    | NoteAdded
    | Closed
    | Reopened
    | Linked
)

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Recorded(Generic[F]):
    """A fact with its place: `version` of its aggregate after it, event id, and when."""

    version: int
    event_id: str
    at: datetime
    fact: F
