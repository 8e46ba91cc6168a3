"""Which conversation ids are one customer's, in MongoDB: `{_id, workspace, others: {id: event}}`.

One document for each id, with the ids it was told together with. Nothing is ever taken away: ids
that were one customer's once stay so, also when the number belongs to somebody else one day.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from casetrail_runtime.mongo import Collection, durable
from pymongo import UpdateOne

from casetrail_routing.ports import Key

IDENTITIES: Final = "identities"
MOST: Final = 32
"""Ids of one customer that are looked at, nearest first."""


class MongoIdentities:
    """What was told, of one collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)

    async def told(self, workspace: str, ids: Sequence[str], event_id: str) -> None:
        """These are one customer's, as this event says; again is harmless."""
        await self._collection.bulk_write(
            [
                UpdateOne(
                    {"_id": Key(workspace, id_).document},
                    [
                        {
                            "$set": {
                                "workspace": {"$literal": workspace},
                                **{
                                    f"others.{other}": {
                                        "$ifNull": [f"$others.{other}", {"$literal": event_id}]
                                    }
                                    for other in ids
                                    if other != id_
                                },
                            }
                        }
                    ],
                    upsert=True,
                )
                for id_ in ids
            ],
            ordered=False,
        )

    async def together(self, conversation: Key) -> Mapping[str, str]:
        """Every other id of the same customer, nearest first: id → the event that told so."""
        known: dict[str, str] = {}
        asking = [conversation.id]
        while asking and len(known) < MOST:
            wanted = [Key(conversation.workspace, id_).document for id_ in asking]
            found = await self._collection.find({"_id": {"$in": wanted}}).to_list(None)
            told = [pair for each in found for pair in each["others"].items()]
            fresh = {id_: by for id_, by in told if id_ not in {conversation.id, *known}}
            asking = sorted(fresh)
            known |= {id_: fresh[id_] for id_ in asking}
        return known
