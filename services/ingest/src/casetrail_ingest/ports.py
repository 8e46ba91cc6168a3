"""What ingest needs from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from casetrail_contracts import Event
from casetrail_runtime.publisher import Ack


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, with a time zone."""


class Stream(Protocol):
    """Stores events durably."""

    async def publish_all(self, events: Sequence[Event]) -> list[Ack]:
        """One ack per event, in order; raises `NotStored` unless all are stored."""
