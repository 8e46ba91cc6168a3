"""What customers wrote and when they were answered, in MongoDB: one small document each.

    {_id, workspace, heard: [{id, at, topic}], answered_at,
     unanswered_since, first, told: {rule: id}}

A view of the log, made by single atomic updates that may come in any order: `unanswered_since` and
`first` follow from the other fields whenever one of them changes. Heard are messages that wait for
an answer, and those that matched a rule: with all of them each message would be dearer than the
one before.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_runtime.mongo import Collection, Document, durable
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from casetrail_routing.adapters.mongo import key_of
from casetrail_routing.domain.patience import Heard, Memory, Waits
from casetrail_routing.ports import Key

MEMORIES: Final = "memories"
KEPT: Final = 100
"""Messages remembered of a conversation, the newest."""
MEMORY_INDEXES: Final[Mapping[str, Sequence[IndexModel]]] = {
    MEMORIES: [
        IndexModel(
            [("unanswered_since", ASCENDING)],
            name="waits",
            partialFilterExpression={"unanswered_since": {"$type": "date"}},
        )
    ]
}
_HEARD: Final = {"$ifNull": ["$heard", []]}
_UNANSWERED: Final[list[Document]] = [
    {"$eq": [{"$ifNull": ["$answered_at", None]}, None]},
    {"$gt": ["$$each.at", "$answered_at"]},
]


def _of_heard(*conditions: Document) -> Document:
    """The messages of which one of these holds."""
    return {"$filter": {"input": "$heard", "as": "each", "cond": {"$or": list(conditions)}}}


_DERIVED: Final[list[Document]] = [
    {"$set": {"heard": _of_heard({"$ne": ["$$each.topic", None]}, *_UNANSWERED)}},
    {"$set": {"waits": _of_heard(*_UNANSWERED)}},
    {
        "$set": {
            "unanswered_since": {"$ifNull": [{"$first": "$waits.at"}, None]},
            "first": {"$ifNull": [{"$first": "$waits.id"}, None]},
        }
    },
    {"$unset": "waits"},
]


class MongoMemories:
    """The memories of one collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)

    async def hear(self, conversation: Key, message: Heard) -> Memory:
        """The memory with this message in it, if it is worth keeping; again is harmless."""
        mine = {
            "$literal": {"id": message.event_id, "at": message.at, "topic": message.topic},
        }
        others = {
            "$filter": {
                "input": _HEARD,
                "as": "each",
                "cond": {"$ne": ["$$each.id", {"$literal": message.event_id}]},
            }
        }
        ordered = {
            "$sortArray": {"input": {"$concatArrays": [others, [mine]]}, "sortBy": {"at": 1}}
        }
        found = await self._update(
            conversation, [{"$set": {"heard": {"$slice": [ordered, -KEPT]}}}, *_DERIVED]
        )
        return _memory(found)

    async def answered(self, conversation: Key, at: datetime) -> None:
        """Whatever was written until then is answered; an earlier answer changes nothing."""
        latest = {"$max": ["$answered_at", {"$literal": at}]}
        await self._update(
            conversation, [{"$set": {"answered_at": latest, "heard": _HEARD}}, *_DERIVED]
        )

    async def overdue(self, rule: str, before: datetime, limit: int) -> list[Waits]:
        """Conversations whose oldest unanswered message is from before then, oldest first."""
        where: Document = {
            "unanswered_since": {"$type": "date", "$lte": before},
            "$expr": {"$ne": [{"$ifNull": [f"$told.{rule}", None]}, "$first"]},
        }
        found = self._collection.find(where).sort("unanswered_since", ASCENDING).limit(limit)
        return [
            Waits((key := key_of(each["_id"])).id, key.workspace, _memory(each))
            async for each in found
        ]

    async def told(self, wait: Waits, rule: str) -> None:
        """The rule needs to hear no more of this wait."""
        first = wait.memory.unanswered[0].event_id
        await self._collection.update_one(
            {"_id": Key(wait.workspace, wait.conversation_id).document},
            {"$set": {f"told.{rule}": first}},
        )

    async def carry(self, source: Key, target: Key) -> None:
        """What waits for an answer in one conversation waits in the other as well."""
        found = await self._collection.find_one({"_id": source.document})
        for message in () if found is None else _memory(found).unanswered:
            await self.hear(target, message)

    async def _update(self, conversation: Key, update: list[Document]) -> dict[str, Any]:
        whole = [{"$set": {"workspace": {"$literal": conversation.workspace}}}, *update]
        while True:
            try:
                found: dict[str, Any] = await self._collection.find_one_and_update(
                    {"_id": conversation.document},
                    whole,
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:  # another made it at this very moment
                continue
            return found


def _memory(found: Mapping[str, Any]) -> Memory:
    heard = [Heard(each["id"], each["at"], each["topic"]) for each in found["heard"]]
    return Memory(tuple(heard), found.get("answered_at"))
