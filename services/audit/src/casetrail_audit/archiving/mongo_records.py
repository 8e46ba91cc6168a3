"""The records, wherever their content is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import orjson
from casetrail_runtime.mongo import Database

from casetrail_audit.adapters.mongo_records import MongoRecords
from casetrail_audit.archiving.reading import ArchivedContents, ArchiveReader
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import FinalRecord


class RecordsWithArchives(MongoRecords):
    """The collection `records`; what left it is read from its archive."""

    def __init__(
        self, db: Database, reader: ArchiveReader, changes: Database | None = None
    ) -> None:
        super().__init__(db, changes)
        self._contents = ArchivedContents(db, reader)

    async def events(self, event_ids: Collection[str]) -> Mapping[str, Record]:
        """The event record of each id that has one."""
        found = await super().events(event_ids)
        gone = [record["_id"] for record in found.values() if record["leaf_input"] is None]
        if not gone:
            return found
        lines = await self._contents.lines(gone)
        return {
            event_id: record
            if record["leaf_input"] is not None
            else {**record, "leaf_input": lines[record["_id"]].leaf_input}
            for event_id, record in found.items()
        }

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """Records in order, as many as fit; at least one unless there is none."""
        finals = await super().finals(after, through)
        gone = [final.seq for final in finals if not final.content]
        if not gone:
            return finals
        lines = await self._contents.lines(gone)
        return [
            final
            if final.content
            else replace(final, content=orjson.loads(lines[final.seq].leaf_input))
            for final in finals
        ]
