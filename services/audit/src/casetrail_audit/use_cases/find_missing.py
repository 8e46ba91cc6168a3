"""What should be in the log and is not: asked of the stream, then recorded or named a gap."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from casetrail_audit.domain import record as make
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import Clock, Records, Standing, Stream
from casetrail_audit.use_cases.record import RecordMessages

log = structlog.get_logger(__name__)

STRETCH: Final = 500
ASKED_AT_ONCE: Final = 50
NOT_THERE: Final = "The stream has no message under this sequence: it was deleted."
BEFORE_FIRST: Final = "The stream begins after this sequence: it lost the message."


class Certified(Protocol):
    """What certificates say of messages that were erased."""

    async def final(self, seq: int) -> Record | None:
        """The erased record of this sequence; None when no certificate lists it."""


class FindMissing:
    """Fills the holes above `complete_through` once it has stood still for `after` seconds."""

    def __init__(
        self,
        stream: Stream,
        records: Records,
        record: RecordMessages,
        *,
        after: float,
        now: Clock,
        monotonic: Callable[[], float],
        certified: Certified | None = None,
    ) -> None:
        self._stream = stream
        self._records = records
        self._record = record
        self._after = after
        self._now = now
        self._monotonic = monotonic
        self._certified = certified
        self._stood: tuple[int, float] | None = None

    async def __call__(self, standing: Standing) -> bool:
        """True when something was recorded, so that the log can be completed further."""
        through = standing.complete_through
        now = self._monotonic()
        if self._stood is None or self._stood[0] != through:
            self._stood = (through, now)
            return False
        if now - self._stood[1] < self._after:
            return False
        self._stood = (through, now)
        last = (await self._stream.bounds()).last_seq
        found = False
        for first in range(through + 1, last + 1, STRETCH):
            missing = await self._records.missing(first, min(first + STRETCH - 1, last))
            if not missing:
                return found
            await self.fill(missing)
            found = True
            if len(missing) < STRETCH:
                return True
        return found

    async def fill(self, seqs: Sequence[int]) -> None:
        """Records of these sequences, each of its message or as a gap."""
        first_seq = (await self._stream.bounds()).first_seq
        for start in range(0, len(seqs), ASKED_AT_ONCE):
            asked = [seq for seq in seqs[start : start + ASKED_AT_ONCE] if seq >= first_seq]
            found = await asyncio.gather(*(self._stream.message(seq) for seq in asked))
            there = [message for message in found if message is not None]
            if there:
                await self._record(there)
        placed = await self._records.placed(seqs)
        gone = [seq for seq in seqs if seq not in placed]
        if self._certified is not None and gone:
            erased = [record for seq in gone if (record := await self._certified.final(seq))]
            await self._records.insert(erased)
            gone = sorted(set(gone) - {record["_id"] for record in erased})
        for seq in gone:
            log.warning("gap in the log", stream=self._stream.name, seq=seq)
        problems = {seq: BEFORE_FIRST if seq < first_seq else NOT_THERE for seq in gone}
        noted_at = self._now()
        gaps = [make.gap(self._stream.name, seq, why, noted_at) for seq, why in problems.items()]
        if gaps:
            await self._records.insert(gaps)
        log.info("missing sequences looked up", asked=len(seqs), gaps=len(gaps))
