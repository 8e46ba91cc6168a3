"""The view of words and aliases that audit keeps beside the log, read only."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_contracts.ids import alias_id
from casetrail_contracts.phone import number_forms
from casetrail_runtime.mongo import Database
from pydantic import SecretStr
from pymongo.errors import OperationFailure

from casetrail_gateway.adapters.mongo import answering
from casetrail_gateway.adapters.mongo_queries import record_filters
from casetrail_gateway.domain.customers import Contact, CustomerKey
from casetrail_gateway.domain.errors import FilterNotAvailable
from casetrail_gateway.domain.log import Hit, Page, RecordFilter
from casetrail_gateway.domain.search import Words

_COUNTED: Final = 2_000
_NEWEST: Final = 20_000
"""Entries of which frequent words are counted, to tell the rarer of them."""
_NO_SUCH_INDEX: Final = 2
_BY_CONVERSATION: Final = {"conversation_id": 1, "_id": -1}
"""The index by which the entries of a conversation are read."""
_PLACE: Final = {"conversation_id": "$conversation_id", "case_id": "$case_id"}
_LOOKED_THROUGH: Final = 20
"""Records of a customer from which their values are put together, the newest first."""
_DIRECTION: Final = {"asc": 1, "desc": -1}


class MongoWords:
    """The collection `searchable` by its words."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._entries = database["searchable"]

    async def as_of(self) -> int:
        """The last record that can be found by its words."""
        with answering():
            found = await self._db["projections"].find_one({"_id": "searchable"})
        return 0 if found is None else int(found["as_of_seq"])

    async def hits(
        self, workspace: str, words: Words, wanted: RecordFilter, page: Page
    ) -> Sequence[Hit]:
        """Records that say all of it, by sequence.

        What is asked of some conversations is read from theirs, however frequent the words are;
        anything else by the rarest of its words.
        """
        theirs = wanted.conversation_ids is not None
        with answering():
            terms = _conditions(words)
            if not theirs:
                terms = await self._rarest_first(workspace, terms)
            query: dict[str, Any] = {"workspace": {"$eq": workspace}, "terms": terms[0]}
            rest = [{"terms": term} for term in terms[1:]]
            narrowed = record_filters(wanted, page)
            query["$and"] = [*rest, *([narrowed] if narrowed else [])]
            if not query["$and"]:
                del query["$and"]
            # By case: of a word that stands everywhere, the sequences are most of what is sent.
            pipeline: list[dict[str, Any]] = [
                {"$match": query},
                {"$sort": {"_id": _DIRECTION[page.order]}},
                {"$limit": page.limit},
                {"$group": {"_id": _PLACE, "seqs": {"$push": "$_id"}}},
            ]
            found = await self._found(pipeline, _BY_CONVERSATION if theirs else None)
        hits = [_hit(seq, group["_id"]) for group in found for seq in group["seqs"]]
        return sorted(hits, key=lambda hit: hit.seq, reverse=page.order == "desc")

    async def _found(
        self, pipeline: list[dict[str, Any]], index: Mapping[str, int] | None
    ) -> list[dict[str, Any]]:
        """What the pipeline gives, by this index where audit has made it already."""
        if index is not None:
            try:
                return await self._entries.aggregate(pipeline, hint=index).to_list(None)
            except OperationFailure as error:
                if error.code != _NO_SUCH_INDEX:
                    raise
        return await self._entries.aggregate(pipeline).to_list(None)

    async def _rarest_first(
        self, workspace: str, conditions: list[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """The conditions; the first is the one that MongoDB goes through by its index."""
        if len(conditions) == 1:
            return conditions
        whole = {"workspace": {"$eq": workspace}}
        counts = await asyncio.gather(*(self._count(whole, each) for each in conditions))
        if sum(count == _COUNTED for count in counts) > 1:
            # Frequent both: how frequent, the newest stretch of the log tells.
            newest = {**whole, "_id": {"$gt": await self.as_of() - _NEWEST}}
            recent = await asyncio.gather(
                *(
                    self._count(newest, each, _NEWEST) if count == _COUNTED else _none()
                    for each, count in zip(conditions, counts, strict=True)
                )
            )
            counts = [count + more for count, more in zip(counts, recent, strict=True)]
        ranked = sorted(zip(counts, range(len(conditions)), strict=True))
        return [conditions[place] for _, place in ranked]

    async def _count(
        self, within: Mapping[str, Any], term: Mapping[str, Any], most: int | None = None
    ) -> int:
        limit = _COUNTED if most is None else most
        return await self._entries.count_documents({**within, "terms": term}, limit=limit)


def _conditions(words: Words) -> list[Mapping[str, Any]]:
    beginnings = [{"$regex": f"^{re.escape(start)}"} for start in words.beginnings]
    return [*({"$eq": term} for term in words.terms), *beginnings]


async def _none() -> int:
    return 0


def _hit(seq: int, place: Mapping[str, Any]) -> Hit:
    return Hit(seq, place.get("conversation_id"), place.get("case_id"))


class MongoCustomers:
    """Customers by keyed aliases: no number stands in the index in a form that can be read."""

    def __init__(self, database: Database, key: SecretStr | None) -> None:
        self._entries = database["searchable"]
        self._records = database["records"]
        self._key = None if key is None else key.get_secret_value().encode()

    async def conversations(self, workspace: str, key: CustomerKey) -> Sequence[str]:
        """The conversations with a record that carries this value."""
        if self._key is None:
            raise FilterNotAvailable(
                "Customers cannot be looked up here: the gateway was started without "
                "GATEWAY_WORKSPACE_KEY. What was given has not been kept."
            )
        values = number_forms(key.value) if key.kind == "phone" else (key.value,)
        aliases = [alias_id(self._key, workspace, key.kind, value) for value in values]
        query = {"workspace": {"$eq": workspace}, "aliases": {"$in": aliases}}
        with answering():
            found = await self._entries.distinct("conversation_id", query)
        return sorted(id_ for id_ in found if isinstance(id_, str))

    async def contact(self, workspace: str, conversation_id: str) -> Contact | None:
        """The newest known values of a customer; None when the log has no record of theirs."""
        query = {
            "conversation_id": {"$eq": conversation_id},
            "workspace": {"$eq": workspace},
            "aliases.0": {"$exists": True},
        }
        with answering():
            found = self._entries.find(query, {"_id": 1}).sort("_id", -1).limit(_LOOKED_THROUGH)
            seqs = [entry["_id"] for entry in await found.to_list(None)]
            fields = {f"private.{name}": 1 for name in ("phone", "name", "user_id", "username")}
            records = self._records.find({"_id": {"$in": seqs}}, fields).sort("_id", 1)
            known: dict[str, str] = {}
            for record in await records.to_list(None):
                known |= {k: v for k, v in (record.get("private") or {}).items() if v}
        return Contact(**known) if seqs else None
