"""Erasures and holds in MongoDB, beside the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_runtime.mongo import Database, durable
from casetrail_runtime.outbox import AggregateCollection, Aggregates, ProcessedLog
from pymongo import ASCENDING, IndexModel

from casetrail_audit.privacy.linked import Linked
from casetrail_audit.privacy.model import (
    ACTIVE,
    DONE,
    RELEASE_REQUESTED,
    REQUESTED,
    STOPPED,
    Document,
    Hold,
    Owned,
    Scope,
)

ERASURES: Final = "erasures"
HOLDS: Final = "holds"
PROCESSED: Final = "privacy_processed"
REGISTER_INDEXES: Final = {
    ERASURES: [
        IndexModel([("state.status", ASCENDING)]),
        IndexModel([("state.done_at", ASCENDING)]),
    ],
    HOLDS: [IndexModel([("workspace", ASCENDING), ("state.status", ASCENDING)])],
}


def aggregates(db: Database, collection: str) -> Aggregates[Document]:
    """The erasures or holds of every workspace, `_id` `main:er_…`."""
    return Aggregates(AggregateCollection(db[collection]), ProcessedLog(db[PROCESSED]))


class MongoRegisters:
    """The collections `erasures` and `holds`, and what scopes are made of."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._erasures = durable(db[ERASURES])
        self._holds = durable(db[HOLDS])
        self._linked = Linked(db)

    async def scope(self, workspace: str, wanted: Mapping[str, Any]) -> Scope | None:
        """The scope of a case, a customer's conversation or a record; None when there is none."""
        case, customer, record = wanted["case"], wanted["customer"], wanted["record"]
        if case is not None:
            found = await self._db["cases"].find_one({"_id": f"{workspace}:{case}"})
            return None if found is None else Scope("case", found["conversation_id"], case)
        query: Document = {"_id": record, "workspace": workspace}
        if customer is not None:
            query = {"conversation_id": customer, "workspace": workspace}
        found = await self._db["records"].find_one(query, {"conversation_id": 1, "case_id": 1})
        if found is None:
            return None
        if customer is not None:
            return Scope("customer", customer)
        return Scope("record", found["conversation_id"], found["case_id"], record)

    async def holds(self, workspace: str, scope: Scope) -> Sequence[Hold]:
        """The holds that stand in the way of a scope."""
        scope = await self._linked.whole(workspace, scope)
        standing = {"$in": [ACTIVE, RELEASE_REQUESTED]}
        found = self._holds.find({"workspace": workspace, "state.status": standing})
        holds = [
            Hold(
                each["state"]["hold_id"],
                await self._linked.whole(workspace, Scope.of(each["state"]["scope"])),
            )
            async for each in found
        ]
        return [hold for hold in holds if hold.scope.meets(scope)]

    async def unfinished(self) -> Sequence[Owned]:
        """The erasures that were asked for and are not finished."""
        return await self._owned({"state.status": REQUESTED})

    async def done_since(self, since: datetime) -> Sequence[Owned]:
        """The erasures that were finished since then."""
        done = {"$in": [DONE, STOPPED]}
        return await self._owned({"state.done_at": {"$gt": since}, "state.status": done})

    async def under_way(self, workspace: str, scope: Scope) -> Sequence[str]:
        """The erasures that are not finished and meet a scope."""
        scope = await self._linked.whole(workspace, scope)
        return [
            erasure["erasure_id"]
            for owner, erasure in await self.unfinished()
            if owner == workspace and Scope.of(erasure["scope"]).meets(scope)
        ]

    async def _owned(self, query: Document) -> Sequence[Owned]:
        found = self._erasures.find(query, {"workspace": 1, "state": 1}).sort("_id", 1)
        return [(each["workspace"], each["state"]) async for each in found]
