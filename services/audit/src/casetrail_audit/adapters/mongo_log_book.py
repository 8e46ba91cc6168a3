"""How far the log is complete, in MongoDB."""

from collections import Counter
from datetime import datetime
from typing import Final

from casetrail_runtime.mongo import Collection, Database, Document
from pymongo.errors import DuplicateKeyError

from casetrail_audit.adapters.indexes import LOG
from casetrail_audit.ports import Advance, Bounds, Standing

COUNTED: Final = {"event": "events", "duplicate": "duplicates", "poison": "poison", "gap": "gaps"}


class MongoLogBook:
    """The document of one stream in the collection `log`."""

    def __init__(self, db: Database, stream: str) -> None:
        self._log: Collection = db[LOG]
        self._stream = stream

    async def standing(self) -> Standing | None:
        """How far; None before the log was begun."""
        found = await self._log.find_one(
            {"_id": self._stream}, {"first_seq": 1, "complete_through": 1}
        )
        return None if found is None else Standing(found["first_seq"], found["complete_through"])

    async def begin(self, first_seq: int) -> None:
        """Begins the log, unless it is begun."""
        begun = {
            "first_seq": first_seq,
            "complete_through": first_seq - 1,
            "complete_at": None,
            "stream_first_seq": 0,
            "stream_last_seq": 0,
            "stream_last_at": None,
            "checked_at": None,
            "published_through": 0,
            **dict.fromkeys(COUNTED.values(), 0),
        }
        try:
            await self._log.update_one({"_id": self._stream}, {"$setOnInsert": begun}, upsert=True)
        except DuplicateKeyError:  # another replica at the same moment
            return

    async def advance(self, step: Advance) -> bool:
        """Counts these records as complete; False when another follower did it first."""
        done = await self._log.update_one(*self.update_for(step))
        return done.matched_count == 1

    def update_for(self, step: Advance) -> tuple[Document, Document]:
        """The update that counts these records: the book as it must be, and what changes in it."""
        counts = Counter(COUNTED[place.kind] for place in step.places)
        return (
            {"_id": self._stream, "complete_through": step.after},
            {
                "$set": {
                    "complete_through": step.through,
                    "complete_at": step.places[-1].recorded_at,
                },
                "$inc": dict(counts),
            },
        )

    async def note_stream(self, bounds: Bounds, at: datetime, published_through: int) -> None:
        """Notes what the stream holds."""
        await self._log.update_one(
            {"_id": self._stream},
            {
                "$set": {
                    "stream_first_seq": bounds.first_seq,
                    "stream_last_seq": bounds.last_seq,
                    "stream_last_at": bounds.last_at,
                    "checked_at": at,
                    "published_through": published_through,
                }
            },
        )
