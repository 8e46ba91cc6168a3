"""The records as an erasure finds and changes them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.mongo import DURABLE_READ, DURABLE_WRITE, Database, durable
from pymongo import ASCENDING, IndexModel

from casetrail_audit.domain.erased import fields_of, left_of, mark
from casetrail_audit.privacy.fields import CONTEXT, REMEMBERED, going, wanted
from casetrail_audit.privacy.linked import Linked
from casetrail_audit.privacy.model import Document, Target
from casetrail_audit.privacy.policies import NEVER, POLICIES
from casetrail_audit.searching.entries import entry_change
from casetrail_audit.searching.mongo_entries import SEARCHABLE

BATCH: Final = 200
CERTIFICATE_BYTES: Final = 300_000
"""Leaf inputs in one certificate: it stays far below what one NATS message takes."""
_CHUNK: Final = 1000
_KEPT: Final = {"private": {"$type": "object"}}
_FINAL: Final = {"provisional": {"$ne": True}}
_SHOWN: Final = {"kind": 1, "conversation_id": 1, "case_id": 1, "private": 1}

ERASED_INDEXES: Final = [
    IndexModel(
        [("erased.certified", ASCENDING), ("_id", ASCENDING)],
        partialFilterExpression={"erased.certified": False},
    ),
    IndexModel(
        [("erased.erasure_id", ASCENDING), ("_id", ASCENDING)],
        partialFilterExpression={"erased.erasure_id": {"$gt": ""}},
    ),
]


class MongoErasureRecords:
    """The collection `records`, with the views that say what belongs to a case."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = durable(db["records"])
        self._searchable = durable(db[SEARCHABLE])
        self._linked = Linked(db)

    async def place(self, event_id: str) -> int | None:
        """The sequence of an event, once the log is complete through it."""
        found = await self._records.find_one({"event_id": event_id}, {"_id": 1})
        book = await self._db["log"].find_one({"_id": SUPPORT})
        if found is None or book is None or found["_id"] > book["complete_through"]:
            return None
        seq: int = found["_id"]
        return seq

    async def targets(self, workspace: str, erasure: Document, through: int) -> Sequence[Target]:
        """Some records that still have to lose their values; none when all have."""
        scope = await self._scope(workspace, erasure, through)
        fields = wanted(erasure.get("fields"))
        found = await self._found({"$and": [scope, _KEPT, *_having(fields)]}, fields)
        if found:
            return found
        lost = {"erased.erasure_id": erasure["erasure_id"]}
        async for seqs in self._seqs(scope if fields is None else lost):
            found = await self._copies(seqs, through)
            if found:
                return found
        return await self._quotations(workspace, erasure)

    async def recall(self, workspace: str, erasure: Document, through: int) -> bool:  # noqa: ARG002
        """False: without archives every record is here."""
        return False

    async def follow(self, erasure_id: str) -> None:
        """Nothing: there are no archives."""

    async def late(self, workspace: str, erasure: Document) -> Sequence[Target]:
        """Copies and quotations that came after an erasure was done."""
        async for seqs in self._seqs({"erased.erasure_id": erasure["erasure_id"]}):
            found = await self._copies(seqs, None)
            if found:
                return found
        return await self._quotations(workspace, erasure)

    async def pending(self) -> Sequence[Target]:
        """Late copies without values whose messages are still in the stream."""
        query = {"erased.certified": False, "erased.pending": True, **_FINAL}
        return await self._found(query)

    async def forget(self, target: Target, erasure: Document, at: datetime) -> None:
        """Takes the values, salts and words away and leaves the mark; again is harmless.

        Who was quicker wins; a target that still has something to lose is found again. One
        transaction: a record that has its mark is not looked at again, so nothing of what it lost
        may be left in the index of words.
        """

        async def forgotten(session: Any) -> None:
            fields = {"kind": 1, "private": 1, "erased": 1}
            kept = {"_id": target.seq, **_KEPT}
            record = await self._records.find_one(kept, fields, session=session)
            if record is None or not {*target.fields} <= {*fields_of(record)}:
                return
            known = record.get("erased")
            as_it_was: Document = {"$exists": False} if known is None else {"$eq": known}
            left = left_of(record, target.fields)
            await self._records.update_one(
                {**kept, "erased": as_it_was},
                {"$set": {"private": left, "erased": mark(erasure, target.fields, at, known)}},
                session=session,
            )
            change = entry_change(left, target.fields)
            entry = {"_id": target.seq}
            if change is None:
                await self._searchable.delete_one(entry, session=session)
            else:
                await self._searchable.update_one(entry, {"$set": change}, session=session)

        async with await self._db.client.start_session() as session:
            await session.with_transaction(
                forgotten, read_concern=DURABLE_READ, write_concern=DURABLE_WRITE
            )

    async def settle(self, seq: int) -> None:
        """Notes that a late copy's message has left the stream."""
        await self._records.update_one({"_id": seq}, {"$set": {"erased.pending": False}})

    async def uncertified(self, erasure_id: str) -> tuple[Sequence[Document], bool]:
        """Erased records without a certificate, in order, as many as fit into one; true: all."""
        query = {
            "erased.certified": False,
            "erased.erasure_id": erasure_id,
            "erased.pending": {"$ne": True},
        }
        fields = dict.fromkeys(
            ("kind", "event_id", "of_event_id", "erased", "leaf", "leaf_input"), 1
        )
        records: list[Document] = []
        size = 0
        async for record in self._records.find(query, fields).sort("_id", 1):
            size += len(record["leaf_input"])
            if records and (size > CERTIFICATE_BYTES or len(records) == BATCH):
                return records, False
            records.append(record)
        return records, True

    async def certified(self, seqs: Sequence[int]) -> None:
        """Notes that a certificate lists them."""
        if seqs:
            await self._records.update_many(
                {"_id": {"$in": list(seqs)}, "erased.certified": False},
                {"$set": {"erased.certified": True}},
            )

    async def owing(self) -> Sequence[tuple[str, str]]:
        """Workspace and id of the erasures that have erased records without a certificate."""
        query = {"erased.certified": False}
        found = self._records.find(query, {"workspace": 1, "erased.erasure_id": 1}).limit(_CHUNK)
        return sorted({(each["workspace"], each["erased"]["erasure_id"]) async for each in found})

    async def _scope(self, workspace: str, erasure: Document, through: int) -> Document:
        """The records of an erasure's scope that its policy is about."""
        scope = erasure["scope"]
        if scope["kind"] == "record":
            return {"_id": scope["seq"], "workspace": workspace}
        nouns = "|".join(POLICIES[erasure["policy"]].nouns)
        about: Document = {"action": {"$not": {"$regex": rf"^{NEVER}\."}}}
        if nouns:
            about = {"action": {"$regex": rf"^({nouns})\."}}
        rules = {"workspace": workspace, "kind": "event", "_id": {"$lte": through}}
        if scope["kind"] == "customer":
            return {
                "$and": [rules, about, {"conversation_id": await self._theirs(workspace, scope)}]
            }
        ids = sorted(await self._linked.cases(workspace, scope["case_id"]))
        sides: list[Document] = [{"case_id": {"$in": ids}}]
        cases = self._db["cases"].find({"_id": {"$in": [f"{workspace}:{id_}" for id_ in ids]}})
        async for case in cases:
            sides += [_stretch(episode, through) for episode in case["episodes"]]
        return {"$and": [rules, about, {"$or": sides}]}

    async def _theirs(self, workspace: str, scope: Document) -> Document:
        """Every conversation of the customer of a scope, as MongoDB asks for them."""
        found = await self._linked.conversations(workspace, scope["conversation_id"])
        return {"$in": sorted(found), "$gt": ""}

    async def _copies(self, seqs: Sequence[int], through: int | None) -> Sequence[Target]:
        """Later copies of these records that still have their bytes."""
        query: Document = {"kind": "duplicate", "of": {"$in": list(seqs), "$gt": 0}}
        if through is not None:
            query["_id"] = {"$lte": through}
        return await self._found({"$and": [query, _KEPT, _FINAL]})

    async def _quotations(self, workspace: str, erasure: Document) -> Sequence[Target]:
        """Tickets whose attached conversation holds a message that this erasure took away."""
        if erasure["scope"]["conversation_id"] is None:
            return []
        fields = None if erasure.get("fields") is None else frozenset({CONTEXT})
        about = {
            "workspace": workspace,
            "kind": "event",
            "conversation_id": await self._theirs(workspace, erasure["scope"]),
            "action": "ticket.created",
        }
        kept = [about, _KEPT, *_having(fields)]
        quoting = [
            record["_id"]
            async for record in self._records.find({"$and": kept}, {"data": 1})
            if await self._erased_by(erasure, _quoted(record["data"]))
        ]
        those = {"$and": [{"_id": {"$in": quoting}}, *kept]}
        return await self._found(those, fields) if quoting else []

    async def _erased_by(self, erasure: Document, event_ids: Sequence[str]) -> bool:
        query: Document = {
            "event_id": {"$in": list(event_ids), "$gt": ""},
            "erased.erasure_id": erasure["erasure_id"],
        }
        if erasure.get("fields") is not None:
            query["erased.fields"] = {"$in": list(REMEMBERED)}
        return await self._records.find_one(query, {"_id": 1}) is not None

    async def _seqs(self, query: Document) -> AsyncIterator[Sequence[int]]:
        seqs: list[int] = []
        async for record in self._records.find(query, {"_id": 1}).sort("_id", 1):
            seqs.append(record["_id"])
            if len(seqs) == _CHUNK:
                yield seqs
                seqs = []
        if seqs:
            yield seqs

    async def _found(
        self, query: Document, fields: frozenset[str] | None = None
    ) -> Sequence[Target]:
        found = self._records.find(query, _SHOWN).sort("_id", 1).limit(BATCH)
        return [
            Target(
                record["_id"],
                record["kind"],
                record["conversation_id"],
                record["case_id"],
                _losing(record, fields),
            )
            async for record in found
        ]


def _stretch(episode: Document, through: int) -> Document:
    end = through if episode["to_seq"] is None else min(through, episode["to_seq"])
    within = {"$gte": episode["from_seq"], "$lte": end}
    return {"conversation_id": episode["conversation_id"], "case_id": None, "_id": within}


def _having(fields: frozenset[str] | None) -> list[Document]:
    """Records with a value to lose; what is kept as bytes may hold anything."""
    if fields is None:
        return []
    has = [{f"private.{name}": {"$exists": True}} for name in sorted(fields)]
    return [{"$or": [{"kind": {"$ne": "event"}}, *has]}]


def _losing(record: Document, fields: frozenset[str] | None) -> tuple[str, ...]:
    if fields is None or record["kind"] != "event":
        return tuple(fields_of(record))
    return going(record["private"], fields)


def _quoted(data: Any) -> Sequence[str]:
    context = data.get("context") if isinstance(data, dict) else None
    ids = context.get("event_ids") if isinstance(context, dict) else None
    return [id_ for id_ in ids if isinstance(id_, str)] if isinstance(ids, list) else []
