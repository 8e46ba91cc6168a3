"""Messages under way, in MongoDB: one document for each command."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_runtime.mongo import Database
from pymongo import ASCENDING, IndexModel

SENDINGS: Final = "sendings"
PROCESSED: Final = "processed"
MOST: Final = 100
INDEXES: Final = {
    SENDINGS: [
        IndexModel([("state.at", ASCENDING)], partialFilterExpression={"state.status": "sending"})
    ]
}


class MongoSendings:
    """Finds what was begun and never ended."""

    def __init__(self, database: Database) -> None:
        self._collection = database[SENDINGS]

    async def under_way(self, *, before: datetime) -> Sequence[tuple[str, dict[str, Any]]]:
        """Keys and states of what began before then and has no outcome."""
        query = {"state.status": "sending", "state.at": {"$lt": before}}
        found = self._collection.find(query, {"state": 1}).sort("state.at", 1).limit(MOST)
        return [(document["_id"], document["state"]) for document in await found.to_list(MOST)]
