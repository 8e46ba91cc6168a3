"""Slots in MongoDB: a list in the user's document, changed in single atomic operations.

    slots: [{name, conversation_id, claim, at}]   load: how many   last_assigned_at

One `findAndModify` chooses the user, checks the capacity and takes the place; the server repeats
the whole of it when another one was faster, so no two ever take the last place. Times are the
server's (`$$NOW`): the ages that `release` compares do not depend on the clocks of replicas.
"""

import uuid
from datetime import timedelta
from typing import Any, Final

from casetrail_runtime.mongo import Collection, Document, durable
from pymongo import ASCENDING, ReturnDocument

from casetrail_routing.adapters.mongo import key_of
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.user_facts import OWNING_ROLES
from casetrail_routing.ports import Key, Slot

_SLOTS: Final = {"$ifNull": ["$slots", []]}
_HAS_ROOM: Final = {"$expr": {"$lt": [{"$size": _SLOTS}, "$state.capacity"]}}
_CAN_OWN: Final = {"state.role": {"$in": sorted(OWNING_ROLES)}, "state.active": {"$ne": False}}
_AT_DESK: Final = {"state.on_shift": True, "state.presence": {"$nin": ["away", "offline"]}}
_LEAST_LOADED: Final = [("load", ASCENDING), ("last_assigned_at", ASCENDING), ("_id", ASCENDING)]
_WHO: Final = {"state.user_id": 1, "state.name": 1}


class MongoSlots:
    """The slots of every user of a collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)

    async def reserve_least_loaded(
        self, slot_for: Key, name: str, *, avoid: str | None = None
    ) -> Holder | None:
        """A place at the user whom `least-loaded` chooses, never `avoid`; None: nobody is free."""
        where: Document = {"workspace": slot_for.workspace, **_AT_DESK, **_CAN_OWN}
        if avoid is not None:
            where["_id"] = {"$ne": Key(slot_for.workspace, avoid).document}
        return await self._reserve(slot_for, name, where, {"workspace": slot_for.workspace})

    async def reserve(
        self, slot_for: Key, name: str, *, user_id: str, off_shift: bool
    ) -> Holder | None:
        """A place at this user; None when at capacity, or off shift where that does not do."""
        where: Document = {"_id": Key(slot_for.workspace, user_id).document, **_CAN_OWN}
        if not off_shift:
            where.update(_AT_DESK)
        return await self._reserve(slot_for, name, where, {"_id": where["_id"]})

    async def _reserve(
        self, slot_for: Key, name: str, where: Document, whose: Document
    ) -> Holder | None:
        """The place an earlier attempt took, else a new one, else what a rival took meanwhile."""
        return (
            await self._take_over(slot_for, name, whose)
            or await self._take(slot_for, name, where)
            or await self._take_over(slot_for, name, whose)
        )

    async def _take_over(self, slot_for: Key, name: str, where: Document) -> Holder | None:
        """The place that an earlier attempt of the same write has reserved, now this one's."""
        mine = self._entry(slot_for, name)
        others = _without({"$eq": ["$$slot.name", {"$literal": name}]})
        return await self._found(
            {**where, "slots.name": name},
            [{"$set": {"slots": {"$concatArrays": [others, [mine]]}}}],
            mine,
        )

    async def _take(self, slot_for: Key, name: str, where: Document) -> Holder | None:
        mine = self._entry(slot_for, name)
        return await self._found(
            # Two attempts of one write may both find no place taken: nobody holds one name twice.
            {**where, **_HAS_ROOM, "slots.name": {"$ne": name}},
            [
                {"$set": {"slots": {"$concatArrays": [_SLOTS, [mine]]}}},
                {"$set": {"load": {"$size": "$slots"}, "last_assigned_at": "$$NOW"}},
            ],
            mine,
        )

    async def _found(
        self, where: Document, update: list[Document], mine: Document
    ) -> Holder | None:
        found = await self._collection.find_one_and_update(
            where, update, _WHO, sort=_LEAST_LOADED, return_document=ReturnDocument.AFTER
        )
        if found is None:
            return None
        return Holder(found["state"]["user_id"], found["state"]["name"], mine["claim"]["$literal"])

    def _entry(self, slot_for: Key, name: str) -> Document:
        return {
            "name": {"$literal": name},
            "conversation_id": {"$literal": slot_for.id},
            "claim": {"$literal": uuid.uuid4().hex},
            "at": "$$NOW",
        }

    async def give_back(self, slot: Slot, claim: str) -> None:
        """Frees the place unless the reservation was taken over by another attempt."""
        await self._remove(slot, {"$eq": ["$$slot.claim", {"$literal": claim}]})

    async def release(self, slot: Slot, older_than: timedelta | None = None) -> None:
        """Frees the place (if it was reserved longer ago than that); nothing when it is free."""
        which: Document = {"$eq": ["$$slot.name", {"$literal": slot.name}]}
        if older_than is not None:
            which = {"$and": [which, _older("$$slot.at", older_than)]}
        await self._remove(slot, which)

    async def _remove(self, slot: Slot, which: Document) -> None:
        await self._collection.update_one(
            {"_id": slot.user.document, "slots.name": slot.name},
            [{"$set": {"slots": _without(which)}}, {"$set": {"load": {"$size": "$slots"}}}],
        )

    async def reserved(self, older_than: timedelta | None = None) -> list[Slot]:
        """Every place that is taken, or those taken longer ago than that."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"slots.0": {"$exists": True}}},
            {"$unwind": "$slots"},
            {
                "$project": {
                    "name": "$slots.name",
                    "for": "$slots.conversation_id",
                    "at": "$slots.at",
                }
            },
        ]
        if older_than is not None:
            pipeline.append({"$match": {"$expr": _older("$at", older_than)}})
        return [
            Slot(key_of(row["_id"]), row["name"], row["for"])
            async for row in self._collection.aggregate(pipeline)
        ]

    async def restore(self, slot: Slot) -> None:
        """Takes the place, whatever the capacity: somebody holds that case already."""
        mine = self._entry(slot.conversation, slot.name)
        await self._collection.update_one(
            {"_id": slot.user.document, "slots.name": {"$ne": slot.name}},
            [
                {"$set": {"slots": {"$concatArrays": [_SLOTS, [mine]]}}},
                {"$set": {"load": {"$size": "$slots"}}},
            ],
        )

    async def barred(self) -> list[Key]:
        """The users who may no longer own cases and still have a place taken."""
        where = {"slots.0": {"$exists": True}, "state.barred_by": {"$type": "string"}}
        return [key_of(row["_id"]) async for row in self._collection.find(where, {"_id": 1})]


def _without(which: Document) -> Document:
    return {"$filter": {"input": _SLOTS, "as": "slot", "cond": {"$not": [which]}}}


def _older(at: str, age: timedelta) -> Document:
    milliseconds = int(age.total_seconds() * 1000)
    return {"$lt": [at, {"$subtract": ["$$NOW", milliseconds]}]}
