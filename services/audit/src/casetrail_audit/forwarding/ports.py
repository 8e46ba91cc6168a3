"""What forwarding needs of the stream, the database and the network."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casetrail_audit.forwarding.endpoint import Delivery, Endpoint
from casetrail_audit.forwarding.http_posts import Answer


class Message(Protocol):
    """A message that is handed to one forwarder until it is acknowledged."""

    @property
    def delivery(self) -> Delivery:
        """What is sent."""

    async def done(self) -> None:
        """The next one may come."""

    async def keep(self) -> None:
        """It is still being worked on."""

    async def give_back(self) -> None:
        """Somebody else may have it."""

    async def set_aside(self, endpoint: str, reason: str, attempts: int) -> None:
        """Stores it on the stream of dead letters, as it is."""


class Messages(Protocol):
    """The messages of one endpoint, in the order of the stream."""

    async def next(self) -> Message | None:
        """The next one; None when there is none for a while."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A message that an endpoint did not take: since when, how often, and what it said."""

    stream_seq: int
    since: datetime
    attempts: int
    problem: str


class Book(Protocol):
    """What is remembered of an endpoint, beyond its place in the stream."""

    async def trouble(self, endpoint: str) -> Trouble | None:
        """What it has not taken yet."""

    async def note(self, endpoint: str, trouble: Trouble | None) -> None:
        """Notes it, or that there is none any more."""

    async def disabled(self, endpoint: str) -> str | None:
        """Why nothing goes there; None while something does."""

    async def disable(self, endpoint: str, reason: str, at: datetime) -> None:
        """From now on nothing goes there."""


class Posts(Protocol):
    """The network."""

    async def __call__(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        """What came of an attempt."""


class Figures(Protocol):
    """What is counted."""

    def delivered(self, endpoint: str) -> None:
        """One more was taken."""

    def failed(self, endpoint: str) -> None:
        """One more attempt was in vain."""

    def set_aside(self, endpoint: str) -> None:
        """One more dead letter."""

    def disabled(self, endpoint: str, *, value: bool) -> None:
        """Whether nothing goes there."""
