"""Bulks in MongoDB, each carried on by one replica at a time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from casetrail_runtime.mongo import Collection, Document, durable
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from casetrail_tickets.domain.bulk import UNDER_WAY, Bulk, Outcome, State

KEEP_DAYS: Final = 30
LEASE_MS: Final = 15_000
BULKS_INDEXES: Final = [
    IndexModel([("ended_at", ASCENDING)], name="kept", expireAfterSeconds=KEEP_DAYS * 86_400),
    IndexModel([("state", ASCENDING), ("taken_at", ASCENDING)], name="under_way"),
]
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MongoBulks:
    """`Bulks` in a collection; `holder` is this replica.

    The lease is for efficiency only, by MongoDB's clock: two that go on with the same bulk repeat
    each other's commands, which has no effect.
    """

    def __init__(self, collection: Collection, holder: str) -> None:
        self._collection = durable(collection)
        self._holder = holder

    async def add(self, bulk: Bulk) -> None:
        """Keeps a new bulk; again is harmless."""
        document = {**vars(bulk), "_id": _key(bulk), "until": _LONG_AGO, "holder": None}
        document["ticket_ids"] = list(bulk.ticket_ids)
        document["digest"] = None if bulk.asked is None else bulk.asked.get("digest")
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            return

    async def find(self, workspace: str, bulk_id: str) -> tuple[Bulk, str | None] | None:
        """The bulk, and the digest of what was asked."""
        found = await self._collection.find_one({"_id": f"{workspace}:{bulk_id}"})
        return None if found is None else (_bulk(found), found["digest"])

    async def claim(self) -> Bulk | None:
        """The oldest bulk under way that nobody is at, for this replica from now on."""
        found = await self._collection.find_one_and_update(
            {
                "ended_at": None,
                "state": {"$in": list(UNDER_WAY)},
                "$expr": {"$lt": ["$until", "$$NOW"]},
            },
            [{"$set": {"holder": {"$literal": self._holder}, "until": _AHEAD}}],
            sort=[("taken_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else _bulk(found)

    async def note(self, bulk: Bulk, outcomes: Mapping[str, Outcome], *, state: State) -> bool:
        """Keeps what became of these tickets; False when another replica is at it by now."""
        done = await self._collection.update_one(
            {"_id": _key(bulk), "holder": self._holder},
            [{"$set": {"state": state, "until": _AHEAD, **_places(outcomes)}}],
        )
        return done.matched_count == 1

    async def decided(
        self, bulk: Bulk, faults: Mapping[str, Outcome], state: Literal["running", "refusing"]
    ) -> Bulk:
        """The bulk with its decision, which the first to decide makes for good."""
        await self._collection.update_one(
            {"_id": _key(bulk), "state": "accepted"},
            [{"$set": {"state": state, "until": _AHEAD, **_places(faults)}}],
        )
        found = await self._collection.find_one({"_id": _key(bulk)})
        assert found is not None
        return _bulk(found)

    async def end(self, bulk: Bulk, state: Literal["done", "refused"], at: datetime) -> None:
        """The bulk has ended; what a person wrote is kept no longer than needed."""
        await self._collection.update_one(
            {"_id": _key(bulk), "ended_at": None},
            {"$set": {"state": state, "ended_at": at, "asked": None}},
        )


_AHEAD: Final = {"$add": ["$$NOW", LEASE_MS]}


def _key(bulk: Bulk) -> str:
    return f"{bulk.workspace}:{bulk.bulk_id}"


def _places(outcomes: Mapping[str, Outcome]) -> Document:
    """Sets each outcome at its place; texts as they are, whatever they begin with."""
    return {f"outcomes.{name}": {"$literal": vars(each)} for name, each in outcomes.items()}


def _bulk(found: Mapping[str, Any]) -> Bulk:
    fields = {name: found[name] for name in Bulk.__dataclass_fields__}
    outcomes = {name: Outcome(**each) for name, each in found["outcomes"].items()}
    return Bulk(**{**fields, "outcomes": outcomes})
