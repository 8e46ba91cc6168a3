"""Fields that older documents lack, with the value that their absence meant."""

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING

from casetrail_runtime.migrations.migration import Migration, Step
from casetrail_runtime.mongo import Database

AT_ONCE = 1_000


def backfill(
    id: str,  # noqa: A002 - the name of the field it fills
    what: str,
    *,
    collection: str,
    fields: Mapping[str, Any],
    at_once: int = AT_ONCE,
) -> Migration:
    """A migration that gives each of these fields to every document without it.

    A document that a service writes at the same moment may lose them again: the service then wrote
    what it had read before. So `is_open` looks at the documents, and the job is run once more when
    no old replica is left.
    """
    lacking: dict[str, Any] = {"$or": [{name: {"$exists": False}} for name in fields]}

    async def step(db: Database, after: Any) -> Step:
        further = lacking if after is None else {**lacking, "_id": {"$gt": after}}
        cursor = db[collection].find(further, {"_id": 1}).sort("_id", ASCENDING).limit(at_once)
        ids = [document["_id"] async for document in cursor]
        for name, value in fields.items():
            without = {"_id": {"$in": ids}, name: {"$exists": False}}
            await db[collection].update_many(without, {"$set": {name: value}})
        return Step(len(ids), ids[-1] if len(ids) == at_once else None)

    async def is_open(db: Database) -> bool:
        return await db[collection].find_one(lacking, {"_id": 1}) is not None

    return Migration(id, what, step, is_open)
