"""The log made anew: the recording, completing and folding of the service, in stream order."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from casetrail_runtime.tasks import end

from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import LogForked, Records, Standing, Stream
from casetrail_audit.rebuilding.reading import MOST
from casetrail_audit.searching.running import Searchable, follow
from casetrail_audit.use_cases import (
    BeginLog,
    CompleteLog,
    FindMissing,
    FoldViews,
    RecordMessages,
)

ASKED_AT_ONCE: Final = 50
STRETCH: Final = 500

Tell = Callable[[Standing], None]


class Reader(Protocol):
    """The stream by stretches."""

    async def read(self, first: int, most: int = ...) -> Sequence[Message]:
        """The next messages from `first` on, in order."""


class Kept(Protocol):
    """The records of a log that runs: what is left of messages the stream no longer has."""

    async def final(self, seq: int) -> Record | None:
        """The final record of this sequence, unless it is a gap or its leaf is not of its bytes."""


class RebuildLog:
    """Records everything up to a sequence, and folds the views up to another.

    Killed anywhere it goes on where the log is complete. It writes records and views and nothing
    else: nothing is published, acknowledged or signed.
    """

    def __init__(
        self,
        *,
        reader: Reader,
        stream: Stream,
        records: Records,
        begin: BeginLog,
        record: RecordMessages,
        find_missing: FindMissing,
        complete: CompleteLog,
        fold_views: FoldViews,
        searchable: Searchable,
        kept: Kept | None,
        tell: Tell,
    ) -> None:
        self._reader = reader
        self._stream = stream
        self._records = records
        self._begin = begin
        self._record = record
        self._find_missing = find_missing
        self._complete = complete
        self._fold_views = fold_views
        self._searchable = searchable
        self._kept = kept
        self._tell = tell

    async def begin(self) -> None:
        """Begins the log, or finds that it was begun from the same stream.

        Raises:
            CannotBegin: what is there was made of another stream.
        """
        lost = (await self._stream.bounds()).first_seq
        for first in range(1, lost, STRETCH):
            await self._copy(range(first, min(first + STRETCH, lost)))
        await self._begin()

    async def __call__(self, through: int, views_through: int) -> Standing:
        """How far the log is complete: `through`; the views are as of `views_through`."""
        standing = await self._complete()
        self._tell(standing)
        ahead = self._read_ahead(standing.complete_through + 1)
        try:
            while standing.complete_through < through:
                first = standing.complete_through + 1
                messages = [message for message in await ahead if message.seq <= through]
                # Nothing more, or a long hole: as far as the next message, or a stretch of it.
                last = messages[-1].seq if messages else min(first + STRETCH - 1, through)
                ahead = self._read_ahead(last + 1)
                await asyncio.gather(
                    self._stretch(first, last, messages),
                    self._fold_views(min(standing.complete_through, views_through)),
                )
                standing = await self._complete()
                if standing.complete_through < last:
                    raise LogForked(f"The log cannot be completed past {last}: look at it.")
                self._tell(standing)
        finally:
            await end(ahead)
        await self._fold_views(min(standing.complete_through, views_through))
        await follow(self._searchable, standing.complete_through)
        return standing

    def _read_ahead(self, first: int) -> asyncio.Task[Sequence[Message]]:
        return asyncio.create_task(_read(self._reader, first), name="read ahead")

    async def _stretch(self, first: int, last: int, messages: Sequence[Message]) -> None:
        """Records for all sequences from first to last; holes first, they may be first copies."""
        there = {message.seq for message in messages}
        missing = [seq for seq in range(first, last + 1) if seq not in there]
        for start in range(0, len(missing), STRETCH):
            await self._fill(missing[start : start + STRETCH])
        await self._record(messages)

    async def _fill(self, missing: Sequence[int]) -> None:
        copied = await self._copy(missing)
        rest = [seq for seq in missing if seq not in copied]
        if rest:
            await self._find_missing.fill(rest)

    async def _copy(self, seqs: Sequence[int]) -> set[int]:
        """Those of which the stream surely has no message and the running log has the record."""
        if self._kept is None:
            return set()
        copied: list[Record] = []
        for start in range(0, len(seqs), ASKED_AT_ONCE):
            part = seqs[start : start + ASKED_AT_ONCE]
            found = await asyncio.gather(*(self._stream.message(seq) for seq in part))
            gone = [seq for seq, message in zip(part, found, strict=True) if message is None]
            records = await asyncio.gather(*(self._kept.final(seq) for seq in gone))
            copied += [record for record in records if record is not None]
        if copied:
            await self._records.insert(copied)
        return {record["_id"] for record in copied}


async def _read(reader: Reader, first: int) -> Sequence[Message]:
    return await reader.read(first, MOST)
