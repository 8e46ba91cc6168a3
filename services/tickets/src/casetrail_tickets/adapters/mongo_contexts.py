"""The newest messages of each conversation in MongoDB: one document a conversation."""

from collections.abc import Sequence
from typing import Any

from casetrail_runtime.gathered import GatheredWrites
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from casetrail_tickets.ports import ContextMessage


class MongoContexts:
    """`Contexts` in a collection: `{_id: "<workspace>:<conversation>", messages: [...]}`.

    It holds personal texts, so an erasure has to reach it. The entry of a message that is forgotten
    stays without its text: that is how a late copy of the message is known.
    """

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]], keep: int) -> None:
        self._collection = collection
        self._writes = GatheredWrites(collection)
        self._keep = keep

    async def remember(self, workspace: str, conversation_id: str, message: ContextMessage) -> None:
        """Adds a message; again is harmless."""
        entry = {
            "event_id": message.event_id,
            "time": message.time,
            "sender": message.sender,
            "text": message.text,
        }
        document_id = f"{workspace}:{conversation_id}"
        try:
            await self._writes(
                UpdateOne(
                    {"_id": document_id, "messages.event_id": {"$ne": message.event_id}},
                    {
                        "$push": {
                            "messages": {
                                "$each": [entry],
                                "$sort": {"time": 1},
                                "$slice": -self._keep,
                            }
                        },
                        "$setOnInsert": {
                            "workspace": workspace,
                            "conversation_id": conversation_id,
                        },
                    },
                    upsert=True,
                )
            )
        except DuplicateKeyError:
            return  # the document exists and holds the message already

    async def forget(
        self, workspace: str, conversation_id: str, event_ids: Sequence[str] | None
    ) -> None:
        """Takes the texts of these messages away, of all when None; a copy brings none back."""
        document_id = f"{workspace}:{conversation_id}"
        if event_ids is None:
            await self._collection.update_one(
                {"_id": document_id}, {"$set": {"messages.$[].text": None}}
            )
            return
        await self._collection.update_one(
            {"_id": document_id},
            {"$set": {"messages.$[erased].text": None}},
            array_filters=[{"erased.event_id": {"$in": list(event_ids)}}],
        )

    async def newest(self, workspace: str, conversation_id: str) -> Sequence[ContextMessage]:
        """The newest messages, oldest first."""
        found = await self._collection.find_one({"_id": f"{workspace}:{conversation_id}"})
        return [ContextMessage(**entry) for entry in ([] if found is None else found["messages"])]
