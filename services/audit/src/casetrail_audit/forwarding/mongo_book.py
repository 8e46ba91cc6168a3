"""What is remembered of each endpoint: the collection `webhooks`."""

from datetime import datetime
from typing import Final

from casetrail_runtime.mongo import Database, durable

from casetrail_audit.forwarding.ports import Trouble

WEBHOOKS: Final = "webhooks"


class MongoBook:
    """One document an endpoint: `{_id: name, trouble, disabled}`, each an object or null."""

    def __init__(self, db: Database) -> None:
        self._webhooks = durable(db[WEBHOOKS])

    async def trouble(self, endpoint: str) -> Trouble | None:
        """What it has not taken yet."""
        found = await self._webhooks.find_one({"_id": endpoint})
        held = None if found is None else found.get("trouble")
        if held is None:
            return None
        return Trouble(held["stream_seq"], held["since"], held["attempts"], held["problem"])

    async def note(self, endpoint: str, trouble: Trouble | None) -> None:
        """Notes it, or that there is none any more."""
        held = None
        if trouble is not None:
            held = {
                "stream_seq": trouble.stream_seq,
                "since": trouble.since,
                "attempts": trouble.attempts,
                "problem": trouble.problem,
            }
        await self._set(endpoint, trouble=held)

    async def disabled(self, endpoint: str) -> str | None:
        """Why nothing goes there; None while something does."""
        found = await self._webhooks.find_one({"_id": endpoint}, {"disabled": 1})
        off = None if found is None else found.get("disabled")
        return None if off is None else str(off["reason"])

    async def disable(self, endpoint: str, reason: str, at: datetime) -> None:
        """From now on nothing goes there."""
        await self._set(endpoint, disabled={"reason": reason, "at": at})

    async def enable(self, endpoint: str) -> None:
        """It goes on where it stood."""
        await self._set(endpoint, disabled=None)

    async def _set(self, endpoint: str, **fields: object) -> None:
        await self._webhooks.update_one({"_id": endpoint}, {"$set": fields}, upsert=True)
