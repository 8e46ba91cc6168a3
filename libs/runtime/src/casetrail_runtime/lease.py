"""A lease: one of several replicas does a job, another takes over when it is gone.

For efficiency only. A paused holder may believe in a lease that has passed on, so whatever is done
under one must also be safe when two do it.
"""

from datetime import UTC, datetime
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from casetrail_runtime.mongo import Collection, durable

_NOW: Final = "$$NOW"  # MongoDB's clock: replicas whose own clocks differ agree on the end
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Lease:
    """The lease `name` in a collection, for `holder`, `ttl` seconds at a time.

    `holder` is unique among the replicas (`settings.instance`). Two that share a name share the
    lease.
    """

    def __init__(self, collection: Collection, name: str, holder: str, ttl: float = 10.0) -> None:
        self._collection = durable(collection)
        self._name = name
        self._holder = holder
        self._ttl_ms = round(ttl * 1000)

    async def acquire(self) -> bool:
        """True when this holder has the lease for another `ttl` seconds; renews its own."""
        over = {"$lt": [{"$ifNull": ["$until", _LONG_AGO]}, _NOW]}
        mine_or_over = {"$or": [{"$eq": ["$holder", {"$literal": self._holder}]}, over]}
        until = {"$add": [_NOW, self._ttl_ms]}
        take = {
            "holder": {"$cond": [mine_or_over, {"$literal": self._holder}, "$holder"]},
            "until": {"$cond": [mine_or_over, until, "$until"]},
        }
        try:
            found = await self._collection.find_one_and_update(
                {"_id": self._name},
                [{"$set": take}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # another made it at this very moment
            return False
        return bool(found["holder"] == self._holder)

    async def release(self) -> None:
        """Gives it up, so that another replica need not wait."""
        await self._collection.delete_one({"_id": self._name, "holder": self._holder})
