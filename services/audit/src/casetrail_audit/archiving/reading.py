"""Archived records by their sequence: what copies, views made anew and erasures need of them."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_runtime.mongo import Database, durable

from casetrail_audit.adapters.indexes import RECORDS
from casetrail_audit.archiving.folder import ArchiveFolder, ArchiveUnavailable

CACHED: Final = 4
"""Archives held in memory, each some megabytes."""


class ArchiveReader:
    """The records of the files that were read last; a file that changed is read again."""

    def __init__(self, folder: ArchiveFolder | None) -> None:
        self._folder = folder
        self._files: OrderedDict[str, tuple[tuple[int, int], Mapping[int, ArchivedRecord]]]
        self._files = OrderedDict()

    async def lines(self, file: str) -> Mapping[int, ArchivedRecord]:
        """The records of an archive, by sequence.

        Raises:
            ArchiveUnavailable: it is not there, or does not hold.
        """
        if self._folder is None:
            raise ArchiveUnavailable(
                f"Records that are needed are archived in {file}: set AUDIT_ARCHIVE_DIR to the "
                "folder that has it."
            )
        stamp = await asyncio.to_thread(self._folder.stamp, file)
        known = self._files.get(file)
        if known is not None and known[0] == stamp:
            self._files.move_to_end(file)
            return known[1]
        read = await asyncio.to_thread(self._folder.records, file)
        found = {record.seq: record for record in read}
        self._files[file] = (stamp, found)
        if len(self._files) > CACHED:
            self._files.popitem(last=False)
        return found


class ArchivedContents:
    """The content of records that left MongoDB."""

    def __init__(self, db: Database, reader: ArchiveReader) -> None:
        self._records = durable(db[RECORDS])
        self._reader = reader

    async def lines(self, seqs: Sequence[int]) -> Mapping[int, ArchivedRecord]:
        """The archived records among these, each with the leaf that MongoDB has of it.

        Raises:
            ArchiveUnavailable: an archive is not there, or is not of this log.
        """
        query = {"_id": {"$in": list(seqs)}, "archived.file": {"$gt": ""}}
        found: dict[int, ArchivedRecord] = {}
        async for stub in self._records.find(query, {"archived": 1, "leaf": 1}):
            file = stub["archived"]["file"]
            line = (await self._reader.lines(file)).get(stub["_id"])
            if line is None or line.leaf != bytes(stub["leaf"]).hex():
                raise ArchiveUnavailable(f"The archive {file} does not hold record {stub['_id']}.")
            found[stub["_id"]] = line
        return found
