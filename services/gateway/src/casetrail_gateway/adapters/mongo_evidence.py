"""The records of a case with everything that proves them, from the audit database."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_evidence.bundle.certificates import policy_name
from casetrail_runtime.mongo import Database

from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.adapters.mongo_queries import timeline_query
from casetrail_gateway.domain.evidence import SealedRecord
from casetrail_gateway.domain.log import Kinds, Page, Scope

_FIELDS: Final = {"leaf_input": 1, "private": 1, "erased": 1, "archived.file": 1}


class MongoCaseRecords:
    """The collection `records`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of_case(
        self, workspace: str, scope: Scope, *, after: int, through: int, limit: int
    ) -> Sequence[SealedRecord]:
        """The next records of a case in log order, looks at it among them."""
        query = timeline_query(workspace, scope, Kinds(), Page(limit, "asc", after, through))
        del query["action"]  # a bundle holds looks too
        return await self._found(query, limit)

    async def certificates(
        self, workspace: str, scope: Scope, *, through: int
    ) -> Sequence[SealedRecord]:
        """The certificates of what was erased in a case, whatever case they name themselves."""
        erased = timeline_query(workspace, scope, Kinds(), Page(0, "asc", None, through))
        erased["action"] = {"$gt": ""}
        erased["erased.erasure_id"] = {"$gt": ""}
        records = self._db["records"]
        with answering():
            ids = await records.distinct("erased.erasure_id", erased)
            ids += await records.distinct("erased.before.erasure_id", erased)
        if not ids:
            return []
        query = {
            "target": {"$in": [f"erasure/{erasure_id}" for erasure_id in ids], "$gt": ""},
            "_id": {"$lte": through},
            "workspace": {"$eq": workspace},
            "action": {"$eq": "privacy.erased"},
            "kind": {"$eq": "event"},
        }
        return await self._found(query, None)

    async def _found(self, query: Mapping[str, Any], limit: int | None) -> Sequence[SealedRecord]:
        with answering():
            found = self._db["records"].find(query, _FIELDS).sort("_id", 1)
            if limit is not None:
                found = found.limit(limit)
            return [_record(document) for document in await found.to_list(limit)]


def _record(document: Mapping[str, Any]) -> SealedRecord:
    private, mark = document.get("private"), document.get("erased")
    erased: dict[str, str] = {}
    for each in [*(mark.get("before") or ()), mark] if isinstance(mark, dict) else ():
        policy = policy_name(each.get("policy"), each.get("policy_version"))
        erased |= {str(name): policy for name in each.get("fields") or ()}
    return SealedRecord(
        document["_id"],
        document["leaf_input"] or "",
        private if isinstance(private, dict) else None,
        erased,
        (document.get("archived") or {}).get("file"),
    )
