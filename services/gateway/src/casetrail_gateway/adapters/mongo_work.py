"""What the log tells of people's work, over many cases at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_runtime.mongo import Database

from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.adapters.mongo_documents import ACT_FIELDS, act_from, custody_from
from casetrail_gateway.adapters.mongo_queries import UNMARKED
from casetrail_gateway.domain.figures import Act
from casetrail_gateway.domain.log import Interval

_AT_ONCE: Final = 1000


class MongoWork:
    """The collections `records` and `cases`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def opened(
        self, workspace: str, start: datetime, end: datetime, *, through: int, limit: int
    ) -> Sequence[str]:
        """The cases that were opened from `start` up to `end`, by the log up to a sequence."""
        query = {
            "action": {"$eq": "conversation.opened"},
            "workspace": {"$eq": workspace},
            "occurred_at": {"$gte": start, "$lt": end},
            "_id": {"$lte": through},
            "kind": {"$eq": "event"},
        }
        with answering():
            found = self._db["records"].find(query, {"case_id": 1}).sort("_id", 1).limit(limit)
            return [row["case_id"] for row in await found.to_list(limit) if row.get("case_id")]

    async def happened(
        self, workspace: str, case_ids: Sequence[str], actions: Sequence[str], *, through: int
    ) -> Sequence[tuple[str, str, str | None]]:
        """Case, action and the owner it names, of these actions in these cases."""
        matched = {
            "case_id": {"$in": list(case_ids), "$gt": ""},
            "look": UNMARKED,
            "workspace": {"$eq": workspace},
            "action": {"$in": list(actions)},
            "kind": {"$eq": "event"},
            "_id": {"$lte": through},
        }
        each = {"case": "$case_id", "action": "$action", "owner": "$data.owner"}
        with answering():
            found = self._db["records"].aggregate(
                [{"$match": matched}, {"$group": {"_id": each}}], allowDiskUse=True
            )
            return [
                (row["_id"]["case"], row["_id"]["action"], row["_id"].get("owner"))
                for row in await found.to_list(None)
            ]

    async def acts(
        self,
        workspace: str,
        actions: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        through: int,
        limit: int,
    ) -> Sequence[Act]:
        """What of these actions happened from `start` up to `end`, in log order."""
        query: dict[str, Any] = {
            "occurred_at": {"$gte": start, "$lt": end},
            "workspace": {"$eq": workspace},
            "action": {"$in": list(actions)},
            "kind": {"$eq": "event"},
            "_id": {"$lte": through},
        }
        with answering():
            found = self._db["records"].find(query, ACT_FIELDS).limit(limit)
            acts = [act_from(document) for document in await found.to_list(limit)]
        return sorted(acts, key=lambda act: act.seq)

    async def custody_of(
        self, workspace: str, case_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Interval]]:
        """Who had each of these cases, and when."""
        known: dict[str, Sequence[Interval]] = {}
        for first in range(0, len(case_ids), _AT_ONCE):
            ids = [f"{workspace}:{case_id}" for case_id in case_ids[first : first + _AT_ONCE]]
            with answering():
                found = self._db["cases"].find({"_id": {"$in": ids}}, {"case_id": 1, "custody": 1})
                for document in await found.to_list(None):
                    known[document["case_id"]] = custody_from(document)
        return known
