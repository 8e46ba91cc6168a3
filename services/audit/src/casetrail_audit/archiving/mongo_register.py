"""The archives in MongoDB: what is under way, with the events that are to be published."""

from collections.abc import Mapping, Sequence
from typing import Final

from casetrail_runtime.mongo import Database, durable
from casetrail_runtime.outbox import AggregateCollection, Aggregates, ProcessedLog
from pymongo import ASCENDING, IndexModel

from casetrail_audit.archiving.model import LEFT, Document, seqs_of

ARCHIVES: Final = "archives"
PROCESSED: Final = "archives_processed"
REGISTER_INDEXES: Final = {
    ARCHIVES: [
        IndexModel([("state.status", ASCENDING)]),
        IndexModel([("state.first", ASCENDING), ("state.last", ASCENDING)]),
    ],
}


def archive_aggregates(db: Database) -> Aggregates[Document]:
    """The archives of every workspace, `_id` `main:SUPPORT-1-5000`."""
    return Aggregates(AggregateCollection(db[ARCHIVES]), ProcessedLog(db[PROCESSED]))


class MongoRegister:
    """The collection `archives`."""

    def __init__(self, db: Database) -> None:
        self._archives = durable(db[ARCHIVES])

    async def unfinished(self) -> Sequence[tuple[str, Document]]:
        """Workspace and state of each archive that is under way."""
        query = {"state.status": {"$ne": LEFT}}
        found = self._archives.find(query, {"workspace": 1, "state": 1}).sort("state.first", 1)
        return [(each["workspace"], each["state"]) async for each in found]

    async def file_of(self, seqs: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Workspace and file of the archive under way that each of these records is a part of."""
        found: dict[int, tuple[str, str]] = {}
        for workspace, state in await self.unfinished():
            members = set(seqs_of(state["ranges"]))
            found |= {seq: (workspace, state["file"]) for seq in seqs if seq in members}
        return found
