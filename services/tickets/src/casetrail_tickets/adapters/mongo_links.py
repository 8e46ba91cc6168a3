"""Links between conversations in MongoDB: one document for each conversation that is led elsewhere.

`{_id: "<workspace>:<conversation>", workspace, to, at, cause_id}`
"""

from typing import Any, Final

from casetrail_contracts.clocks import Group, Link
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

LINKS_INDEXES: Final = [IndexModel([("workspace", ASCENDING), ("to", ASCENDING)], name="to")]


class MongoLinks:
    """`Links` in a collection."""

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def remember(self, workspace: str, link: Link) -> None:
        """Adds a link; again is harmless, and a newer one of the same conversation counts."""
        try:
            await self._collection.update_one(
                {
                    "_id": f"{workspace}:{link.conversation_id}",
                    "$or": [{"at": None}, {"at": {"$lt": link.at}}],
                },
                {
                    "$set": {
                        "workspace": workspace,
                        "to": link.to,
                        "at": link.at,
                        "cause_id": link.cause_id,
                    }
                },
                upsert=True,
            )
        except DuplicateKeyError:
            return  # it is known, or a newer one is

    async def around(self, workspace: str, conversation_id: str) -> Group:
        """This conversation with every other that is linked to it or with it."""
        known: dict[str, Link] = {}
        asked: set[str] = set()
        asking = {conversation_id}
        while asking:
            wanted = sorted(asking)
            mine = {"_id": {"$in": [f"{workspace}:{id_}" for id_ in wanted]}}
            theirs = {"workspace": workspace, "to": {"$in": wanted}}
            for found in await self._collection.find({"$or": [mine, theirs]}).to_list(None):
                id_ = found["_id"].removeprefix(f"{workspace}:")
                known[id_] = Link(id_, found["to"], found["at"], found["cause_id"])
            asked |= asking
            asking = {id_ for each in known.values() for id_ in (each.conversation_id, each.to)}
            asking -= asked
        return Group(known.values())
