"""Whole lists for the console, from the views of the audit database."""

from collections.abc import Mapping, Sequence
from typing import Any

from casetrail_runtime.mongo import Database

from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.adapters.mongo_documents import ticket_from, user_from
from casetrail_gateway.domain.log import Ticket, User

MOST_USERS = 1000


class MongoLists:
    """The collections `users`, `tickets` and `cases`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def users(self, workspace: str) -> Sequence[User]:
        """Everybody who works here, by name."""
        with answering():
            found = self._db["users"].find({"workspace": {"$eq": workspace}}).sort("name", 1)
            return [user_from(document) for document in await found.to_list(MOST_USERS)]

    async def tickets(
        self,
        workspace: str,
        *,
        status: str | None,
        owner: str | None,
        after: int | None,
        limit: int,
    ) -> Sequence[Ticket]:
        """Tickets, the newest first; `after` is the `first_seq` of the last one seen."""
        query: dict[str, Any] = {"workspace": {"$eq": workspace}}
        if status is not None:
            query["status"] = {"$eq": status}
        if owner is not None:
            query["owner"] = {"$eq": owner}
        if after is not None:
            query["first_seq"] = {"$lt": after}
        with answering():
            found = self._db["tickets"].find(query).sort("first_seq", -1).limit(limit)
            return [ticket_from(document) for document in await found.to_list(limit)]

    async def open_cases(self, workspace: str) -> Mapping[str, int]:
        """How many open cases each owner has."""
        pipeline = [
            {"$match": {"workspace": workspace, "status": "open", "owner": {"$ne": None}}},
            {"$group": {"_id": "$owner", "cases": {"$sum": 1}}},
        ]
        with answering():
            counted = await self._db["cases"].aggregate(pipeline).to_list(None)
            return {row["_id"]: row["cases"] for row in counted}
