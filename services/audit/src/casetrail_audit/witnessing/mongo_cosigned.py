"""What witnesses said, in MongoDB: `witnesses`, and the document `cosigned` of `tree`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from casetrail_runtime.mongo import Collection, Database, durable
from pymongo.errors import DuplicateKeyError

from casetrail_audit.sealing.mongo_tree import TREE
from casetrail_audit.witnessing.ports import Standing

WITNESSES: Final = "witnesses"
COSIGNED: Final = "cosigned"


class MongoCosigned:
    """One document a witness, and the largest checkpoint that enough of them signed."""

    def __init__(self, db: Database) -> None:
        self._witnesses: Collection = durable(db[WITNESSES])
        self._tree: Collection = durable(db[TREE])

    async def standings(self) -> Mapping[str, Standing]:
        """By the witness's key."""
        return {
            row["_id"]: Standing(
                row["name"],
                row["_id"],
                row["size"],
                row["line"],
                row["cosigned_at"],
                row["problem"],
            )
            async for row in self._witnesses.find()
        }

    async def note(self, standing: Standing) -> None:
        """Notes how a witness stands."""
        row = {
            "name": standing.name,
            "size": standing.size,
            "line": standing.line,
            "cosigned_at": standing.cosigned_at,
            "problem": standing.problem,
        }
        await self._witnesses.update_one({"_id": standing.key}, {"$set": row}, upsert=True)

    async def forget_others(self, keys: Sequence[str]) -> None:
        """Drops the witnesses that are asked no more."""
        await self._witnesses.delete_many({"_id": {"$nin": list(keys)}})

    async def cosigned_size(self) -> int:
        """The size of the cosigned checkpoint that is shown; 0 when there is none."""
        found = await self._tree.find_one({"_id": COSIGNED}, {"size": 1})
        return 0 if found is None else int(found["size"])

    async def show(self, size: int, note: str, count: int, at: datetime) -> None:
        """Makes it the cosigned checkpoint that is shown, unless that is larger.

        For the same size more cosignatures replace fewer.
        """
        smaller = {
            "_id": COSIGNED,
            "$or": [
                {"size": {"$lt": size}},
                {"size": size, "count": {"$lt": count}},
            ],
        }
        shown = {"size": size, "checkpoint": note, "count": count, "at": at}
        try:
            await self._tree.update_one(smaller, {"$set": shown}, upsert=True)
        except DuplicateKeyError:  # it is there already, or a larger one is
            return
