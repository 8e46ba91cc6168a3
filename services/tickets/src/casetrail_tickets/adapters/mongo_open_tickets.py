"""Tickets whose clocks run, and the tags of cases, in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

OPEN_TICKETS_INDEXES: Final = [
    IndexModel(
        [("workspace", ASCENDING), ("state.conversation_id", ASCENDING)], name="of_conversation"
    ),
    IndexModel(
        [("state.due_at", ASCENDING)],
        name="due",
        partialFilterExpression={"state.due_at": {"$type": "date"}},
    ),
]


class MongoOpenTickets:
    """`OpenTickets` over the collection of the tickets themselves."""

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def of_conversation(
        self, workspace: str, conversation_id: str, at: datetime
    ) -> Sequence[str]:
        """Those of a conversation that were not ended at that time."""
        found = self._collection.find(
            {
                "workspace": workspace,
                "state.conversation_id": conversation_id,
                "state.levels": {"$type": "object"},
                "$or": [{"state.ended_at": None}, {"state.ended_at": {"$gt": at}}],
            },
            {"_id": 1},
        ).sort("_id", 1)
        return [document["_id"] for document in await found.to_list(None)]

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[str, datetime]]:
        """Those of which a clock has fallen due, and when, the longest ago first."""
        found = (
            self._collection.find({"state.due_at": {"$lte": now}}, {"state.due_at": 1})
            .sort("state.due_at", 1)
            .limit(limit)
        )
        return [
            (document["_id"], document["state"]["due_at"]) for document in await found.to_list(None)
        ]


class MongoCaseTags:
    """`CaseTags` in a collection: `{_id: "<workspace>:<case>", tags: {<tag>: {version, on}}}`."""

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def set(self, workspace: str, case_id: str, tag: str, version: int, *, on: bool) -> None:
        """The tag is on or off since this version of the case; an older one changes nothing."""
        place = f"tags.{tag}"
        try:
            await self._collection.update_one(
                {
                    "_id": f"{workspace}:{case_id}",
                    "$or": [{place: None}, {f"{place}.version": {"$lt": version}}],
                },
                {"$set": {place: {"version": version, "on": on}}},
                upsert=True,
            )
        except DuplicateKeyError:
            return  # the case is known, and what it says of the tag is newer

    async def of(self, workspace: str, case_id: str) -> frozenset[str]:
        """The tags that are on."""
        found = await self._collection.find_one({"_id": f"{workspace}:{case_id}"})
        tags = {} if found is None else found["tags"]
        return frozenset(tag for tag, said in tags.items() if said["on"])
