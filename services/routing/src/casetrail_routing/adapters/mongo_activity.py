"""When something last happened in each conversation, in MongoDB.

    _id: main:cv_…   last_at, last_event_id
    case: {version, said, open}   tickets: {T-1001: {version, said, open, moved, outside}}

`said` is the version of the newest event that says whether it is open, `moved` of the newest that
says whether somebody outside has it; `version` the newest of all.
A view of the events routing has heard of, beside the conversations: it decides nothing by itself.
Each write is one update that is the same however often, and in whatever order, events come.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_runtime.gathered import GatheredWrites
from casetrail_runtime.mongo import Collection, Document, durable
from pymongo import ASCENDING, IndexModel, UpdateOne

from casetrail_routing.adapters.mongo import key_of
from casetrail_routing.ports import Key, Quiet, Standing

ACTIVITY: Final = "activity"
INDEXES: Final[Mapping[str, Sequence[IndexModel]]] = {
    ACTIVITY: [
        IndexModel(
            [("last_at", ASCENDING)], name="quiet", partialFilterExpression={"case.open": True}
        )
    ]
}


class MongoActivity:
    """What was heard of each conversation."""

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)
        self._writes = GatheredWrites(self._collection)

    async def heard(
        self, conversation: Key, event_id: str, at: datetime, standing: Standing | None
    ) -> None:
        """Notes the event, and where it leaves a case or ticket if it is the newest of that one."""
        later: Document = {"$gt": [{"$literal": at}, "$last_at"]}  # any time is after none
        changes: Document = {
            "last_at": {"$cond": [later, {"$literal": at}, "$last_at"]},
            "last_event_id": {"$cond": [later, {"$literal": event_id}, "$last_event_id"]},
        }
        if standing is not None:
            changes |= _stands(standing)
        await self._writes(
            UpdateOne({"_id": conversation.document}, [{"$set": changes}], upsert=True)
        )

    async def quiet_since(self, before: datetime, limit: int) -> list[Quiet]:
        """Open cases without an open ticket in which nothing has happened since, quietest first."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"case.open": True, "last_at": {"$lte": before}}},
            {"$sort": {"last_at": ASCENDING}},
            {"$match": {"$expr": {"$not": [{"$in": [True, _tickets_open()]}]}}},
            {"$limit": limit},
        ]
        return [
            Quiet(
                key_of(found["_id"]),
                found["last_event_id"],
                found["last_at"],
                found["case"]["version"],
            )
            async for found in self._collection.aggregate(pipeline)
        ]

    async def carry(self, source: Key, target: Key) -> None:
        """What was heard of the tickets of one conversation counts in the other as well."""
        found = await self._collection.find_one({"_id": source.document})
        if found is None:
            return
        for ticket_id, said in found.get("tickets", {}).items():
            for version, opened, outside in (
                (said.get("said"), said.get("open"), None),
                (said.get("moved"), None, said.get("outside")),
                (said["version"], None, None),
            ):
                if version is not None:
                    standing = Standing(ticket_id, version, opened, outside)
                    await self.heard(target, found["last_event_id"], found["last_at"], standing)

    async def outside(self, conversations: Sequence[Key]) -> set[Key]:
        """Those of them that have open tickets, each of which somebody outside has."""
        asked = {"_id": {"$in": [key.document for key in conversations]}}
        found = self._collection.find(asked, {"tickets": 1})
        return {
            key_of(row["_id"])
            async for row in found
            if (opened := [each for each in row.get("tickets", {}).values() if each.get("open")])
            and all(each.get("outside") for each in opened)
        }


def _stands(standing: Standing) -> Document:
    """The version moves on; whether it is open, only when the newest event that says so does."""
    path = "case" if standing.ticket_id is None else f"tickets.{standing.ticket_id}"
    version = {"$max": [{"$ifNull": [f"${path}.version", 0]}, standing.version]}
    changes: Document = {f"{path}.version": version}
    for field, value, since in (
        ("open", standing.open, "said"),
        ("outside", standing.outside, "moved"),
    ):
        if value is not None:
            newer = {"$gt": [standing.version, {"$ifNull": [f"${path}.{since}", 0]}]}
            changes[f"{path}.{since}"] = {"$cond": [newer, standing.version, f"${path}.{since}"]}
            changes[f"{path}.{field}"] = {"$cond": [newer, value, f"${path}.{field}"]}
    return changes


def _tickets_open() -> Document:
    tickets = {"$objectToArray": {"$ifNull": ["$tickets", {}]}}
    return {"$map": {"input": tickets, "as": "ticket", "in": "$$ticket.v.open"}}
