"""The records of a case with everything that proves them, from the audit database."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_evidence.bundle.certificates import policy_name
from casetrail_runtime.mongo import Database

from casetrail_gateway.adapters.archives import ArchiveFiles
from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.adapters.mongo_queries import timeline_query
from casetrail_gateway.domain.evidence import SealedRecord
from casetrail_gateway.domain.log import Kinds, Page, Scope

_FIELDS: Final = {"leaf": 1, "leaf_input": 1, "private": 1, "erased": 1, "archived.file": 1}

_ALL: Final = Kinds(hides=())
"""A bundle holds looks and reviews too."""


class MongoCaseRecords:
    """The collection `records`; what left it is read from its archive, where that is at hand."""

    def __init__(self, database: Database, archives: ArchiveFiles) -> None:
        self._db = database
        self._archives = archives

    async def of_case(
        self, workspace: str, scope: Scope, *, after: int, through: int, limit: int
    ) -> Sequence[SealedRecord]:
        """The next records of a case in log order, looks and reviews among them."""
        page = Page(limit, "asc", after, through)
        query = timeline_query(workspace, scope, _ALL, page)
        return await self._found(query, limit)

    async def certificates(
        self, workspace: str, scope: Scope, *, through: int
    ) -> Sequence[SealedRecord]:
        """The certificates of what was erased in a case, whatever case they name themselves."""
        erased = timeline_query(workspace, scope, _ALL, Page(0, "asc", None, through))
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
            documents = await found.to_list(limit)
        return [_record(await self._whole(document)) for document in documents]

    async def _whole(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record as it was before it was archived; as it is when its file is not at hand."""
        file = (document.get("archived") or {}).get("file")
        if file is None:
            return document
        line = (await self._archives.lines(file)).get(document["_id"])
        if line is None or line.leaf != bytes(document["leaf"]).hex():
            return document
        content = {"leaf_input": line.leaf_input, "private": line.private, "erased": line.erased}
        return {**document, **content, "archived": None}


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
