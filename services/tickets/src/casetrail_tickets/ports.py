"""What tickets needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from casetrail_contracts import Event
from casetrail_contracts.clocks import Group, Link
from casetrail_runtime.publisher import Ack

from casetrail_tickets.domain.bulk import Bulk, Outcome, State
from casetrail_tickets.domain.life_cycle import LifeCycle


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, with a time zone."""


class Numbers(Protocol):
    """Gives ticket numbers."""

    async def take(self, workspace: str, cause_id: str) -> int:
        """The number of this cause in its workspace; the same again for the same cause."""


class Stream(Protocol):
    """Stores an event durably."""

    async def publish(self, event: Event) -> Ack:
        """Its ack; raises `NotStored`."""


@dataclass(frozen=True)
class ContextMessage:
    """A message of the conversation as a new ticket remembers it."""

    event_id: str
    time: datetime
    sender: str
    text: str | None


class Contexts(Protocol):
    """The newest messages of each conversation."""

    async def remember(self, workspace: str, conversation_id: str, message: ContextMessage) -> None:
        """Adds a message; again is harmless."""

    async def forget(
        self, workspace: str, conversation_id: str, event_ids: Sequence[str] | None
    ) -> None:
        """Takes the texts of these messages away, of all when None; a copy brings none back."""

    async def newest(self, workspace: str, conversation_id: str) -> Sequence[ContextMessage]:
        """The newest messages, oldest first; empty for an unknown conversation."""


class Links(Protocol):
    """Which conversations are led in which, as the log tells it."""

    async def remember(self, workspace: str, link: Link) -> None:
        """Adds a link; again is harmless, and a newer one of the same conversation counts."""

    async def around(self, workspace: str, conversation_id: str) -> Group:
        """This conversation with every other that is linked to it or with it."""


@dataclass(frozen=True)
class Person:
    """Somebody who works cases and tickets."""

    user_id: str
    name: str
    role: str


class People(Protocol):
    """Who there is in a workspace, as the log tells it."""

    async def remember(self, workspace: str, person: Person) -> None:
        """Adds the person, or what is new about them; again is harmless."""

    async def find(self, workspace: str, user_id: str) -> Person | None:
        """The person, or None when no event told of them yet."""


class LifeCyclesOf(Protocol):
    """Knows which life cycle a workspace follows."""

    def of(self, workspace: str) -> LifeCycle:
        """The life cycle of a workspace."""


class CaseTags(Protocol):
    """The tags of each case, as the log tells of them."""

    async def set(self, workspace: str, case_id: str, tag: str, version: int, *, on: bool) -> None:
        """The tag is on or off since this version of the case; an older one changes nothing."""

    async def of(self, workspace: str, case_id: str) -> frozenset[str]:
        """The tags that are on."""


class Bulks(Protocol):
    """Actions on many tickets, each carried on by one replica at a time."""

    async def add(self, bulk: Bulk) -> None:
        """Keeps a new bulk; again is harmless."""

    async def find(self, workspace: str, bulk_id: str) -> tuple[Bulk, str | None] | None:
        """The bulk, and the digest of what was asked."""

    async def claim(self) -> Bulk | None:
        """The oldest bulk under way that nobody is at, for this replica from now on."""

    async def note(self, bulk: Bulk, outcomes: Mapping[str, Outcome], *, state: State) -> bool:
        """Keeps what became of these tickets; False when another replica is at it by now."""

    async def decided(
        self, bulk: Bulk, faults: Mapping[str, Outcome], state: Literal["running", "refusing"]
    ) -> Bulk:
        """The bulk with its decision, which the first to decide makes for good."""

    async def end(self, bulk: Bulk, state: Literal["done", "refused"], at: datetime) -> None:
        """The bulk has ended; what a person wrote is kept no longer than needed."""


class OpenTickets(Protocol):
    """Finds tickets, by their document ids, whose clocks something may concern."""

    async def of_conversation(
        self, workspace: str, conversation_id: str, at: datetime
    ) -> Sequence[str]:
        """Those of a conversation that were not ended at that time."""

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[str, datetime]]:
        """Those of which a clock has fallen due, and when, the longest ago first."""
