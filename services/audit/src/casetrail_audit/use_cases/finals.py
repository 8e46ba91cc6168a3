"""Final records as the follower reads them."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from casetrail_audit.domain.folding import Entry, Origin
from casetrail_audit.ports import FinalRecord


class Finals(Protocol):
    """Final records, and what they say of an episode's beginning."""

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """Records in order: some of them, at least one, none only if there is none."""

    async def origin(self, entry: Entry) -> Origin:
        """Where the episode that the entry starts began."""


class ReadOnce:
    """The records, read once for all who ask for the same stretch one after the other."""

    def __init__(self, records: Finals) -> None:
        self._records = records
        self._stretch: tuple[int, int] | None = None
        self._reading: asyncio.Future[Sequence[FinalRecord]] | None = None

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """As `Finals` says; what was read last is kept, for it can no longer change."""
        return await asyncio.shield(self._read(after, through))

    def keep(self, after: int, finals: Sequence[FinalRecord]) -> None:
        """Has these ready, which need not be read: they will be asked for next."""
        reading = asyncio.get_running_loop().create_future()
        reading.set_result(finals)
        self._stretch, self._reading = (after, finals[-1].seq), reading

    def _read(self, after: int, through: int) -> asyncio.Future[Sequence[FinalRecord]]:
        reading = self._reading
        if reading is None or self._stretch != (after, through) or _failed(reading):
            reading = asyncio.ensure_future(self._records.finals(after, through))
            reading.add_done_callback(_failed)  # marks a fault as seen: who asks next tries again
            self._stretch, self._reading = (after, through), reading
        return reading

    async def origin(self, entry: Entry) -> Origin:
        """As `Finals` says."""
        return await self._records.origin(entry)


def _failed(reading: asyncio.Future[Sequence[FinalRecord]]) -> bool:
    return reading.done() and (
        reading.cancelled() or reading.exception() is not None or not reading.result()
    )
