"""The collection `searchable`, in step with the records it was made of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.mongo import Database, durable
from pymongo import ASCENDING, DESCENDING, IndexModel, ReplaceOne

from casetrail_audit.adapters.indexes import PROJECTIONS, RECORDS
from casetrail_audit.searching.entries import FIELDS, entry_of

SEARCHABLE: Final = "searchable"
NAME: Final = "searchable"
SEARCH_INDEXES: Final = {
    SEARCHABLE: [
        IndexModel([("workspace", ASCENDING), ("terms", ASCENDING), ("_id", DESCENDING)]),
        IndexModel([("workspace", ASCENDING), ("aliases", ASCENDING), ("_id", DESCENDING)]),
        IndexModel([("conversation_id", ASCENDING), ("_id", DESCENDING)]),
    ]
}


class MongoSearchable:
    """Entries of records, and as of which record there are all of them."""

    def __init__(self, db: Database, key: bytes) -> None:
        self._key = key
        self._log = db["log"]
        self._projections = durable(db[PROJECTIONS])
        self._records = durable(db[RECORDS])
        self._entries = durable(db[SEARCHABLE])

    async def complete_through(self) -> int:
        """How far the log is complete."""
        book = await self._log.find_one({"_id": SUPPORT})
        return 0 if book is None else int(book["complete_through"])

    async def as_of(self) -> int:
        """The last record of which the entry is there; 0 at the beginning."""
        found = await self._projections.find_one({"_id": NAME})
        return 0 if found is None else int(found["as_of_seq"])

    async def index(self, after: int, through: int, most: int) -> int:
        """Makes the entries of the next records, at most `most`; the last sequence they cover.

        Again it makes the same. What is erased meanwhile is gone afterwards: either the erasure's
        transaction comes after the write and changes the entry, or the second look finds its mark.
        """
        last = min(through, after + most)
        wanted: Mapping[str, Any] = {"_id": {"$gt": after, "$lte": last}}
        while True:
            found = await self._records.find(wanted, FIELDS).to_list(None)
            await self._write(wanted, found)
            marks = {record["_id"]: record.get("erased") for record in found}
            again = self._records.find({"_id": {"$in": list(marks)}}, {"erased": 1})
            changed = [
                record["_id"]
                async for record in again
                if record.get("erased") != marks[record["_id"]]
            ]
            if not changed:
                break
            wanted = {"_id": {"$in": changed}}
        as_of = {"$max": {"as_of_seq": last}}
        await self._projections.update_one({"_id": NAME}, as_of, upsert=True)
        return last

    async def _write(self, wanted: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> None:
        """The entries of these records, and none for those that have nothing to find them by."""
        made = [entry for record in found if (entry := entry_of(record, self._key)) is not None]
        stay = [entry["_id"] for entry in made]
        await self._entries.delete_many({"_id": {**wanted["_id"], "$nin": stay}})
        if made:
            writes = [ReplaceOne({"_id": entry["_id"]}, entry, upsert=True) for entry in made]
            await self._entries.bulk_write(writes, ordered=False)
