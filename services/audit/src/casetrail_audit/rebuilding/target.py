"""The database that a rebuild writes into, and that nobody else may be using."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from casetrail_runtime.mongo import Database, ensure_indexes

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.searching.mongo_entries import SEARCH_INDEXES

REBUILD: Final = "rebuild"


class TargetRefused(Exception):
    """The target is not empty, or not this rebuild's; the message says what to do."""


class Target:
    """A database with the mark of a rebuild in it, from before the first record to after the last.

    The mark is what tells an unfinished rebuild, which may go on, from a log that is in use.
    """

    def __init__(self, db: Database, stream: str) -> None:
        self.db = db
        self._marks = db[REBUILD]
        self._stream = stream

    async def open(self) -> bool:
        """True when a rebuild was begun here and goes on; marks an empty database as begun.

        Raises:
            TargetRefused: something else is in there.
        """
        mark: Mapping[str, Any] | None = await self._marks.find_one({"_id": self._stream})
        if mark is None:
            await self._require_empty()
            began = {"_id": self._stream, "began_at": datetime.now(UTC), "ended_at": None}
            await self._marks.insert_one(began)
        elif mark["ended_at"] is not None:
            raise TargetRefused(
                f"The database {self.db.name} has a rebuild that was finished at "
                f"{mark['ended_at']:%Y-%m-%d %H:%M} UTC: drop it, or name another one."
            )
        await ensure_indexes(self.db, INDEXES)
        await ensure_indexes(self.db, SEARCH_INDEXES)
        return mark is not None

    async def close(self, size: int, root: str) -> None:
        """Marks the rebuild as finished."""
        ended = {"ended_at": datetime.now(UTC), "size": size, "root": root}
        await self._marks.update_one({"_id": self._stream}, {"$set": ended})

    async def _require_empty(self) -> None:
        for name in await self.db.list_collection_names():
            if not name.startswith("system.") and await self.db[name].find_one() is not None:
                raise TargetRefused(
                    f"The database {self.db.name} is not empty (collection {name}) and was not "
                    "begun by a rebuild: name an empty one with --into, or drop it yourself."
                )
