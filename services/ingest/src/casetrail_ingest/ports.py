"""What ingest needs from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from casetrail_runtime.publisher import Ack, Raw

from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.domain.sending import Accepted, Json, NotSent


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, with a time zone."""


class Stream(Protocol):
    """Stores events durably."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection now; without one nothing can be stored at once."""

    async def publish_all_raw(self, messages: Sequence[Raw]) -> list[Ack]:
        """One ack per message, in order; raises `NotStored` unless all are stored."""


class SpoolFull(Exception):
    """No room on disk, or it cannot be written; nothing of the call is kept."""


class Spool(Protocol):
    """Keeps events on disk, in order, until the stream takes them."""

    @property
    def empty(self) -> bool:
        """True when nothing waits here for the stream."""

    async def append(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all are on disk for certain; raises `SpoolFull`."""

    async def wait_until_filled(self) -> None:
        """Returns when something is here."""

    async def oldest(self, most: int) -> list[Outgoing]:
        """The next ones in order, the same until `done` or `refuse` is told."""

    async def done(self, count: int) -> None:
        """So many of the oldest are in the stream."""

    async def refuse(self, message: Outgoing) -> None:
        """The oldest one will never be taken: it is set aside."""


class WhatsApp(Protocol):
    """Takes messages to customers."""

    async def send(self, phone_number_id: str, request: Json) -> Accepted | NotSent:
        """What became of one request; never raises for what a network does."""


class Sendings(Protocol):
    """What was begun and has no outcome yet."""

    async def under_way(self, *, before: datetime) -> Sequence[tuple[str, dict[str, Any]]]:
        """Keys and states of what began before then."""
