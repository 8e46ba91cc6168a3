"""Records that are sealed already, checked again and again against the tree.

Sealing trusts the leaf input alone; people read and search the fields beside it, and a record can
be edited long after it was sealed. So every record is compared, soon after it was sealed and then
over and over for as long as the service runs, at a pace that costs a few hundredths of a core and
gives way to what is new.
"""

import asyncio
from typing import Final

from casetrail_evidence.merkle import HASH_BYTES
from casetrail_evidence.tiles import WIDTH, TilePlace

from casetrail_audit.archiving.told import ToldArchive, told_by
from casetrail_audit.sealing.checking import (
    Record,
    checked_leaves,
    is_archived,
    require_fields,
)
from casetrail_audit.sealing.faults import ArchiveUnfounded, RecordAltered, TileAltered
from casetrail_audit.sealing.ports import Head, SealedLog

PACE: Final = 500
"""Records in one call: at one call a second a million old records take half an hour."""
TOLD: Final = 64
"""Events of archives that are remembered."""
SLICE: Final = 20
"""Records compared before other tasks get their turn: some 2 ms."""
_NEW_FIRST: Final = 4
"""So many times more of the new ones: they keep up with a busy log."""
_OLD_AT_LEAST: Final = 10
"""A busy log leaves this part of the pace for the old ones: the rest waits for a quieter hour."""


class RecheckRecords:
    """Each call compares some records that are new and some that are old."""

    def __init__(self, store: SealedLog, log: str, *, pace: int = PACE) -> None:
        self._store = store
        self._log = log
        self._pace = pace
        self._new: int | None = None
        self._old = 0
        self._told: dict[int, ToldArchive] = {}

    async def __call__(self, head: Head) -> None:
        """Nothing when the records it came to are what was sealed, else `SealingRefused`.

        The place stays where a fault was found, so the next call finds it again.
        """
        start = head.size if self._new is None else self._new
        self._new = await self._check(head, start, _NEW_FIRST * self._pace)
        if self._old >= head.size:
            self._old = 0
        left = max(self._pace - (self._new - start), self._pace // _OLD_AT_LEAST, 1)
        self._old = await self._check(head, self._old, left)

    async def _check(self, head: Head, start: int, count: int) -> int:
        """Compares from this index on; how far it came."""
        end = min(start + count, head.size)
        if start >= end:
            return start
        first, last = head.first_seq + start, head.first_seq + end - 1
        records = await self._store.records(first, last)
        sealed = await self._sealed(start, end)
        leaves = checked_leaves(records, first, last, self._log, head.first_seq)
        for at, record in enumerate(records):
            if at % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            if is_archived(record):
                await self._require_told(record)
            else:
                require_fields(record)
        for at, (leaf, in_tree) in enumerate(zip(leaves, sealed, strict=True)):
            if leaf != in_tree:
                raise RecordAltered(
                    f"Record {first + at} is not the one that was sealed: it was replaced."
                )
        return end

    async def _require_told(self, record: Record) -> None:
        """Nothing when the event that a record without content names says where it is."""
        seq, mark = record["_id"], record["archived"]
        by = mark.get("by") if isinstance(mark, dict) else None
        told = self._told.get(by) if isinstance(by, int) else None
        if told is None and isinstance(by, int):
            told = next(map(told_by, await self._store.records(by, by)), None)
            if told is not None:
                if len(self._told) >= TOLD:
                    self._told.clear()
                self._told[by] = told
        if told is None or told.file != mark.get("file") or not told.holds(seq):
            raise ArchiveUnfounded(
                f"Record {seq} is marked as archived, and no event in the log says so: its content "
                "was removed."
            )

    async def _sealed(self, start: int, end: int) -> list[bytes]:
        """The leaf hashes in the tree."""
        places = [TilePlace(0, index) for index in range(start // WIDTH, (end - 1) // WIDTH + 1)]
        tiles = await self._store.tiles(places)
        found = []
        for index in range(start, end):
            at = index % WIDTH * HASH_BYTES
            leaf = tiles.get(TilePlace(0, index // WIDTH), b"")[at : at + HASH_BYTES]
            if len(leaf) != HASH_BYTES:
                raise TileAltered(f"The tile with leaf {index} is gone or too short.")
            found.append(leaf)
        return found
