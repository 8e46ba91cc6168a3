"""Slots in MongoDB: a list in the user's document, changed in single atomic operations.

    slots: [{name, conversation_id, claim, at, chosen, outside}]   load: how many count
    last_assigned_at

A place that is `outside` counts for no capacity: a courier has what is open in its case.

One `findAndModify` chooses the user, checks the capacity and takes the place; the server repeats
the whole of it when another one was faster, so no two ever take the last place. Times are the
server's (`$$NOW`): the ages that `release` compares do not depend on the clocks of replicas.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from casetrail_runtime.mongo import Collection, Document, durable
from pymongo import ASCENDING, ReturnDocument

from casetrail_routing.adapters.mongo import key_of
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.strategies import First, Pick
from casetrail_routing.domain.user_facts import OWNING_ROLES
from casetrail_routing.ports import Key, Slot

_SLOTS: Final = {"$ifNull": ["$slots", []]}
_COUNTS: Final = {"$ne": ["$$slot.outside", True]}
_LOAD: Final = {"$size": {"$filter": {"input": _SLOTS, "as": "slot", "cond": _COUNTS}}}
_HAS_ROOM: Final = {"$expr": {"$lt": [_LOAD, "$state.capacity"]}}
_CAN_OWN: Final = {"state.role": {"$in": sorted(OWNING_ROLES)}, "state.active": {"$ne": False}}
_AT_DESK: Final = {"state.on_shift": True, "state.presence": {"$nin": ["away", "offline"]}}
_LONGEST_IDLE: Final = [("last_assigned_at", ASCENDING), ("_id", ASCENDING)]
_SORTS: Final[dict[First, list[tuple[str, int]]]] = {
    "least-loaded": [("load", ASCENDING), *_LONGEST_IDLE],
    "longest-idle": _LONGEST_IDLE,
}
_WHO: Final = {"state.user_id": 1, "state.name": 1, "slots": 1}


class MongoSlots:
    """The slots of every user of a collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)

    async def choose(self, slot_for: Key, name: str, picks: Sequence[Pick]) -> Holder | None:
        """A place at whom the first of these choices that finds somebody finds; None: nobody."""
        whose = {"workspace": slot_for.workspace}
        holder = await self._take_over(slot_for, name, whose)
        tried: list[str] = []
        for pick in picks:
            if holder is not None:
                return holder
            chosen = _chosen(pick.rule, tried)
            where, sort = _candidates(slot_for.workspace, pick), _SORTS[pick.first]
            holder = await self._take(slot_for, name, where, chosen, sort)
            tried.append(pick.rule.name)
        return holder or await self._take_over(slot_for, name, whose)

    async def reserve(
        self, slot_for: Key, name: str, *, user_id: str, off_shift: bool
    ) -> Holder | None:
        """A place at this user; None when at capacity, or off shift where that does not do."""
        where: Document = {"_id": Key(slot_for.workspace, user_id).document, **_CAN_OWN}
        if not off_shift:
            where.update(_AT_DESK)
        whose = {"_id": where["_id"]}
        return (
            await self._take_over(slot_for, name, whose)
            or await self._take(slot_for, name, where, None, _LONGEST_IDLE)
            or await self._take_over(slot_for, name, whose)
        )

    async def _take_over(self, slot_for: Key, name: str, where: Document) -> Holder | None:
        """The place that an earlier attempt of the same write has reserved, now this one's."""
        mine = self._entry(slot_for, name)
        mine_now = {"$mergeObjects": ["$$slot", mine]}
        is_it = {"$eq": ["$$slot.name", {"$literal": name}]}
        either = {"$cond": [is_it, mine_now, "$$slot"]}
        return await self._found(
            {**where, "slots.name": name},
            [{"$set": {"slots": {"$map": {"input": _SLOTS, "as": "slot", "in": either}}}}],
            name,
            _LONGEST_IDLE,
        )

    async def _take(
        self,
        slot_for: Key,
        name: str,
        where: Document,
        chosen: Document | None,
        sort: list[tuple[str, int]],
    ) -> Holder | None:
        mine = {**self._entry(slot_for, name), "chosen": {"$literal": chosen}}
        return await self._found(
            # Two attempts of one write may both find no place taken: nobody holds one name twice.
            {**where, **_HAS_ROOM, "slots.name": {"$ne": name}},
            [
                {"$set": {"slots": {"$concatArrays": [_SLOTS, [mine]]}}},
                {"$set": {"load": _LOAD, "last_assigned_at": "$$NOW"}},
            ],
            name,
            sort,
        )

    async def _found(
        self, where: Document, update: list[Document], name: str, sort: list[tuple[str, int]]
    ) -> Holder | None:
        found = await self._collection.find_one_and_update(
            where, update, _WHO, sort=sort, return_document=ReturnDocument.AFTER
        )
        if found is None:
            return None
        slot = next(slot for slot in found["slots"] if slot["name"] == name)
        who = found["state"]["user_id"], found["state"]["name"], slot["claim"]
        chosen = slot.get("chosen")  # None: by hand, or by a version that chose the least loaded
        if chosen is None:
            return Holder(*who)
        rule = RuleRef(chosen["rule"], chosen["version"], chosen["text"])
        return Holder(*who, rule, tuple(chosen["tried"]))

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
            [{"$set": {"slots": _without(which)}}, {"$set": {"load": _LOAD}}],
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
                {"$set": {"load": _LOAD}},
            ],
        )

    async def mark(self, conversation: Key, *, outside: bool) -> bool:
        """Whether a place taken for it was marked otherwise; one outside counts for no capacity."""
        mine = {"conversation_id": conversation.id}
        otherwise = {"outside": {"$ne": True}} if outside else {"outside": True}
        is_it = {"$eq": ["$$slot.conversation_id", {"$literal": conversation.id}]}
        marked = {"$mergeObjects": ["$$slot", {"outside": outside}]}
        either = {"$cond": [is_it, marked, "$$slot"]}
        done = await self._collection.update_many(
            {"workspace": conversation.workspace, "slots": {"$elemMatch": {**mine, **otherwise}}},
            [
                {"$set": {"slots": {"$map": {"input": _SLOTS, "as": "slot", "in": either}}}},
                {"$set": {"load": _LOAD}},
            ],
        )
        return done.modified_count > 0

    async def marked(self) -> set[Key]:
        """The conversations with a place that is marked as outside."""
        found = self._collection.find({"slots.outside": True}, {"slots": 1})
        return {
            Key(key_of(row["_id"]).workspace, slot["conversation_id"])
            async for row in found
            for slot in row["slots"]
            if slot.get("outside")
        }

    async def barred(self) -> list[Key]:
        """The users who may no longer own cases and still have a place taken."""
        where = {"slots.0": {"$exists": True}, "state.barred_by": {"$type": "string"}}
        return [key_of(row["_id"]) async for row in self._collection.find(where, {"_id": 1})]


def _candidates(workspace: str, pick: Pick) -> Document:
    """Who may be chosen, as far as it is no question of room."""
    where: Document = {"workspace": workspace, **_AT_DESK, **_CAN_OWN}
    if pick.only is not None:
        where["_id"] = Key(workspace, pick.only).document
    elif pick.avoid is not None:
        where["_id"] = {"$ne": Key(workspace, pick.avoid).document}
    if pick.languages:
        where["state.languages"] = {"$in": list(pick.languages)}
    if pick.skills:
        where["state.skills"] = {"$all": list(pick.skills)}
    return where


def _chosen(rule: RuleRef, tried: Sequence[str]) -> Document:
    return {"rule": rule.name, "version": rule.version, "text": rule.text, "tried": list(tried)}


def _without(which: Document) -> Document:
    return {"$filter": {"input": _SLOTS, "as": "slot", "cond": {"$not": [which]}}}


def _older(at: str, age: timedelta) -> Document:
    milliseconds = int(age.total_seconds() * 1000)
    return {"$lt": [at, {"$subtract": ["$$NOW", milliseconds]}]}
