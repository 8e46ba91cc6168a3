"""The records in MongoDB."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from bson.errors import BSONError
from bson.int64 import Int64
from casetrail_runtime.mongo import Collection, Database, Document
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from casetrail_audit.adapters.indexes import RECORDS
from casetrail_audit.domain.envelope import is_ours
from casetrail_audit.domain.folding import Entry, Loose, Origin
from casetrail_audit.domain.record import Record
from casetrail_audit.ports import FinalRecord, Insertion, Place

NEVER: Final = frozenset({2, 9, 15, 22, 52, 54, 55, 56, 57, 10334, 17280, 17419, 17420})
"""What MongoDB says of a document it can never take: bad value, nested too deep, invalid BSON, a
name with `$`, a DBRef that is none, an empty or dotted name, too large. Anything else may pass."""

DUPLICATE: Final = 11000
FINALS: Final = 2000
FINALS_BYTES: Final = 8 * 1024 * 1024
"""What is read at once to fold and publish: bounded, whatever the backlog and the events' size."""


class MongoRecords:
    """The collection `records`; what is there is changed over `changes`, as its user (ADR 50)."""

    def __init__(self, db: Database, changes: Database | None = None) -> None:
        self._records: Collection = db[RECORDS]
        self._changes: Collection = self._records if changes is None else changes[RECORDS]

    async def insert(self, records: Sequence[Record]) -> Insertion:
        """Stores what can be stored; raises only for what waiting can heal."""
        insertion = Insertion()
        if not records:
            return insertion
        known = await self._insert(
            [{**record, "_id": Int64(record["_id"])} for record in records], insertion.refused
        )
        if known:
            there = await self.placed([record["_id"] for record in known])
            insertion.there = [record for record in known if record["_id"] in there]
            insertion.copies = [record for record in known if record["_id"] not in there]
        return insertion

    async def _insert(self, records: list[Record], refused: list[Record]) -> list[Record]:
        """Those with a key that is there already.

        One document that BSON or the server cannot take fails the whole command before anything is
        written, without saying which: it is found by halving.
        """
        try:
            await self._records.insert_many(records, ordered=False)
        except BulkWriteError as error:
            if error.details.get("writeConcernErrors"):
                raise
            known: list[Record] = []
            for fault in error.details["writeErrors"]:
                if fault["code"] == DUPLICATE:
                    known.append(records[fault["index"]])
                elif fault["code"] in NEVER:
                    refused.append(records[fault["index"]])
                else:
                    raise
            return known
        except (BSONError, OverflowError, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code not in NEVER:
                raise
            if len(records) == 1:
                refused += records
                return []
            half = len(records) // 2
            lower = await self._insert(records[:half], refused)
            return lower + await self._insert(records[half:], refused)
        return []

    async def placed(self, seqs: Sequence[int]) -> Mapping[int, tuple[str, str | None, datetime]]:
        """Kind, subject and time of the records that are there."""
        fields = {"kind": 1, "subject_nats": 1, "recorded_at": 1}
        cursor = self._records.find({"_id": {"$in": list(seqs)}}, fields)
        return {d["_id"]: (d["kind"], d["subject_nats"], d["recorded_at"]) async for d in cursor}

    async def first_copies(self, event_ids: Some[str]) -> Mapping[str, int]:
        """The sequence of the event record of each id that has one."""
        cursor = self._records.find(_one_of(event_ids), {"event_id": 1})
        return {document["event_id"]: document["_id"] async for document in cursor}

    async def events(self, event_ids: Some[str]) -> Mapping[str, Record]:
        """The event record of each id that has one."""
        fields = {"leaf_input": 1, "event_id": 1, "erased": 1}
        cursor = self._records.find(_one_of(event_ids), fields)
        return {document["event_id"]: document async for document in cursor}

    async def demote(self, seq: int, event_id: str, of: int) -> None:
        """Makes an event record a provisional duplicate of a lower sequence."""
        await self._changes.update_one(
            {"_id": seq, "event_id": event_id},
            {
                "$set": {
                    "kind": "duplicate",
                    "event_id": None,
                    "of": of,
                    "of_event_id": event_id,
                    "provisional": True,
                }
            },
        )

    async def provisional(self, seqs: Some[int]) -> Mapping[int, Record]:
        """The provisional records among these sequences; the others are final."""
        cursor = self._records.find({"_id": {"$in": list(seqs)}, "provisional": True})
        return {document["_id"]: document async for document in cursor}

    async def finalise(self, record: Record) -> bool:
        """Puts the final record in the place of the provisional one; False for a known event id."""
        try:
            await self._changes.replace_one(*_final_of(record))
        except DuplicateKeyError:
            return False
        return True

    async def finalise_copies(self, records: Sequence[Record]) -> None:
        """Puts final duplicates in the place of the provisional ones that are still there."""
        writes = [ReplaceOne(*_final_of(record)) for record in records]
        await self._changes.bulk_write(writes, ordered=False)

    async def missing(self, first: int, last: int) -> Sequence[int]:
        """The sequences from first to last without a record."""
        cursor = self._records.find({"_id": {"$gte": first, "$lte": last}}, {"_id": 1})
        there = {document["_id"] async for document in cursor}
        return [seq for seq in range(first, last + 1) if seq not in there]

    async def places_after(self, seq: int, limit: int) -> Sequence[Place]:
        """Records above a sequence, in order."""
        fields = {"kind": 1, "recorded_at": 1, "provisional": 1}
        cursor = self._records.find({"_id": {"$gt": seq}}, fields).sort("_id", 1).limit(limit)
        return [_place(document) async for document in cursor]

    async def last(self) -> Place | None:
        """The record with the highest sequence."""
        async for document in self._records.find().sort("_id", -1).limit(1):
            return _place(document)
        return None

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """Records in order, as many as fit; at least one unless there is none."""
        fields = {"leaf_input": 1, "leaf": 1, "recorded_at": 1, "event_id": 1}
        cursor = (
            self._records.find({"_id": {"$gt": after, "$lte": through}}, fields)
            .sort("_id", 1)
            .limit(FINALS)
        )
        finals: list[FinalRecord] = []
        size = 0
        async for document in cursor:
            finals.append(_final(document))
            size += len(document["leaf_input"] or "")
            if size > FINALS_BYTES:
                break
        return finals

    async def origin(self, entry: Entry) -> Origin:
        """Where the episode that the entry starts began."""
        if entry.cause_id is None:
            return Origin()
        cause = await self._records.find_one(
            {
                "event_id": entry.cause_id,
                "_id": {"$lt": entry.seq},
                "workspace": entry.workspace,
                "conversation_id": entry.cause_conversation_id,
            },
            {"_id": 1},
        )
        if cause is None:
            return Origin()
        loose = self._records.find(
            {
                "conversation_id": entry.cause_conversation_id,
                "_id": {"$gte": cause["_id"], "$lt": entry.seq},
                "workspace": entry.workspace,
                "case_id": None,
                "kind": "event",
            },
            {"action": 1, "type": 1, "subject_nats": 1, "occurred_at": 1, "recorded_at": 1},
        ).sort("_id", 1)
        return Origin(
            cause["_id"],
            tuple(
                [
                    Loose(d["_id"], d["action"], d["occurred_at"] or d["recorded_at"])
                    async for d in loose
                    if is_ours(d["type"], d["subject_nats"])
                ]
            ),
        )


def _one_of(event_ids: Some[str]) -> dict[str, Any]:
    """Has one of these event ids; "above nothing" is what lets the planner use the partial index.

    An event whose id is empty has none (`event_id_of`).
    """
    return {"event_id": {"$in": list(event_ids), "$gt": ""}}


def _final_of(record: Record) -> tuple[dict[str, Any], Record]:
    """The provisional record to be replaced, and what by."""
    return {"_id": record["_id"], "provisional": True}, {**record, "_id": Int64(record["_id"])}


def _place(document: Document) -> Place:
    return Place(
        document["_id"],
        document["kind"],
        document["recorded_at"],
        provisional=document.get("provisional", False),
    )


def _final(document: dict[str, Any]) -> FinalRecord:
    return FinalRecord(
        document["_id"],
        orjson.loads(document["leaf_input"] or "{}"),  # archived: only its place is here
        document["leaf"],
        document["recorded_at"],
        document["event_id"],
    )
