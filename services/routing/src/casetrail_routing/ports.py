"""What the use cases of routing need from the world; adapters and test twins keep to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from casetrail_contracts import Event
from casetrail_runtime.outbox import AggregateStore, Loaded, ProcessedStore, VersionConflict

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.patience import Heard, Memory, Waits
from casetrail_routing.domain.strategies import Pick
from casetrail_routing.domain.user import User

__all__ = [
    "ActivityStore",
    "Clock",
    "ConversationStore",
    "DrainRequests",
    "Identities",
    "Key",
    "Loaded",
    "Numbers",
    "ProcessedStore",
    "Publishing",
    "Quiet",
    "Slot",
    "Slots",
    "Standing",
    "UserStore",
    "VersionConflict",
]

Clock = Callable[[], datetime]
"""The time now, in UTC, cut to milliseconds (what a BSON date can hold)."""

UserStore = AggregateStore[User]


@dataclass(frozen=True)
class Key:
    """A conversation or a user of a workspace."""

    workspace: str
    id: str

    @property
    def document(self) -> str:
        """The id of its document: `main:cv_…`."""
        return f"{self.workspace}:{self.id}"


class ConversationStore(AggregateStore[Conversation], Protocol):
    """Conversations, and the queue they wait in."""

    async def waiting(self, workspace: str, limit: int) -> list[Key]:
        """Open cases without owner, longest waiting first."""

    async def workspaces_waiting(self) -> list[str]:
        """The workspaces in which a case waits."""

    async def overdue_offers(self, at: datetime, limit: int) -> list[Key]:
        """Cases whose offer should have been answered by this time, longest overdue first."""

    async def held(self) -> list["Slot"]:
        """The slot that must be reserved for each open case with an owner."""

    async def held_by(self, user: Key) -> list[Key]:
        """The open cases this user owns."""

    async def linked_to(self, id: str) -> str | None:  # noqa: A002 - the word of the port above
        """The conversation that leads this one; None when it leads itself, or is unknown."""


class Led(Protocol):
    """Where conversations are led: a `ConversationStore`, or what is made again of the log."""

    async def linked_to(self, id: str) -> str | None:  # noqa: A002 - the word of the port above
        """The conversation that leads this one; None when it leads itself, or is unknown."""


class Identities(Protocol):
    """Which conversation ids WhatsApp told to be one customer's, written in or not."""

    async def told(self, workspace: str, ids: Sequence[str], event_id: str) -> None:
        """These are one customer's, as this event says; again is harmless."""

    async def together(self, conversation: Key) -> Mapping[str, str]:
        """Every other id of the same customer, nearest first: id → the event that told so."""


@dataclass(frozen=True)
class Slot:
    """A place of a user's capacity, taken for a conversation; `name` is the custody event's id."""

    user: Key
    name: str
    conversation_id: str

    @property
    def conversation(self) -> Key:
        """The conversation the place is taken for."""
        return Key(self.user.workspace, self.conversation_id)


class Slots(Protocol):
    """Places for cases: reserved atomically, so that nobody is ever over capacity."""

    async def choose(self, slot_for: Key, name: str, picks: Sequence[Pick]) -> Holder | None:
        """A place at whom the first of these choices that finds somebody finds; None: nobody.

        Each choice is one atomic step. A place already reserved under this name is taken over, with
        the rule that chose it then: a repeated attempt takes no second.
        """

    async def reserve(
        self, slot_for: Key, name: str, *, user_id: str, off_shift: bool
    ) -> Holder | None:
        """A place at this user; None when at capacity, or off shift where that does not do."""

    async def give_back(self, slot: Slot, claim: str) -> None:
        """Frees the place unless the reservation was taken over by another attempt."""

    async def release(self, slot: Slot, older_than: timedelta | None = None) -> None:
        """Frees the place (if it was reserved longer ago than that); nothing when it is free."""

    async def reserved(self, older_than: timedelta | None = None) -> list[Slot]:
        """Every place that is taken, or those taken longer ago than that."""

    async def restore(self, slot: Slot) -> None:
        """Takes the place, whatever the capacity: somebody holds that case already."""

    async def mark(self, conversation: Key, *, outside: bool) -> bool:
        """Whether a place taken for it was marked otherwise; one outside counts for no capacity."""

    async def marked(self) -> set[Key]:
        """The conversations with a place that is marked as outside."""

    async def barred(self) -> list[Key]:
        """The users who may no longer own cases and still have a place taken."""


class Memories(Protocol):
    """What customers wrote and up to when they are answered; facts in any order, any number."""

    async def hear(self, conversation: Key, message: Heard) -> Memory:
        """The memory with this message in it; again is harmless."""

    async def answered(self, conversation: Key, at: datetime) -> None:
        """Whatever was written until then is answered; an earlier answer changes nothing."""

    async def overdue(self, rule: str, before: datetime, limit: int) -> list[Waits]:
        """Conversations whose oldest unanswered message is from before then, oldest first.

        Without those whose present wait this rule was told of (`told`).
        """

    async def told(self, wait: Waits, rule: str) -> None:
        """The rule needs to hear no more of this wait."""

    async def carry(self, source: Key, target: Key) -> None:
        """What waits for an answer in one conversation waits in the other as well."""


@dataclass(frozen=True)
class Standing:
    """How an event leaves a case (`ticket_id` None) or a ticket; what is None is as it was."""

    ticket_id: str | None
    version: int
    open: bool | None
    outside: bool | None = None
    """Of a ticket: whether somebody outside has it."""


@dataclass(frozen=True)
class Quiet:
    """A case in which nothing happened since `last_at`; `version` is the highest heard of."""

    conversation: Key
    last_event_id: str
    last_at: datetime
    version: int


class ActivityStore(Protocol):
    """When something last happened in each conversation, as far as it was heard of."""

    async def heard(
        self, conversation: Key, event_id: str, at: datetime, standing: Standing | None
    ) -> None:
        """Notes the event, and where it leaves a case or ticket if it is the newest of that one."""

    async def quiet_since(self, before: datetime, limit: int) -> list[Quiet]:
        """Open cases without an open ticket in which nothing has happened since, quietest first."""

    async def outside(self, conversations: Sequence[Key]) -> set[Key]:
        """Those of them that have open tickets, each of which somebody outside has."""

    async def carry(self, source: Key, target: Key) -> None:
        """What was heard of the tickets of one conversation counts in the other as well."""


class Numbers(Protocol):
    """The case numbers of every workspace."""

    async def take(self, workspace: str, cause_id: str) -> int:
        """The next number of the workspace; the same one again for the same cause."""


class Publishing(Protocol):
    """Events that belong to no aggregate."""

    async def publish(self, event: Event) -> object:
        """Returns when the stream has stored it."""


class DrainRequests(Protocol):
    """Where use cases say that somebody may be free now."""

    def ask(self, workspace: str, cause_id: str | None, correlation_id: str | None) -> None:
        """Returns at once; the queue is drained soon, naming the event as the cause.

        Without one, each case names the event that put it into the queue.
        """
