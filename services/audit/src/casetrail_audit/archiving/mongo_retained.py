"""Records, tree and holds in MongoDB, as retention reads and changes them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_contracts.subjects import SUPPORT
from casetrail_evidence.merkle import Node, NodeSource
from casetrail_evidence.tiles import tile_source, tiles_for
from casetrail_runtime.mongo import Database, Document, durable

from casetrail_audit.adapters.indexes import PROJECTIONS, RECORDS
from casetrail_audit.archiving.model import Candidate, Due, SignedHead
from casetrail_audit.archiving.stub import CONTENT
from casetrail_audit.domain.record import Record
from casetrail_audit.privacy.linked import Linked
from casetrail_audit.privacy.model import ACTIVE, RELEASE_REQUESTED, Scope
from casetrail_audit.privacy.mongo_registers import HOLDS
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.searching.mongo_entries import SEARCHABLE

_SHOWN: Final = {
    "workspace": 1,
    "kind": 1,
    "action": 1,
    "conversation_id": 1,
    "case_id": 1,
    "of": 1,
    "size": {"$bsonSize": "$$ROOT"},
}
_STAYS: Final[Document] = {
    "archived": None,
    "provisional": {"$ne": True},
    "erased.certified": {"$ne": False},
    # bytes that were too large for a document are in the stream alone
    "private.bytes": {"$not": {"$type": "null"}},
}


class MongoRetained:
    """The collections `records`, `log`, `projections` and those of the tree."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = durable(db[RECORDS])
        self._searchable = durable(db[SEARCHABLE])
        self._tree = MongoSealedLog(db, SUPPORT)

    async def head(self) -> SignedHead | None:
        """The newest signed tree."""
        head = await self._tree.head()
        if head is None:
            return None
        rotations = tuple(note for _, note in await self._tree.keys() if note is not None)
        return SignedHead(head.size, head.first_seq, head.checkpoint, head.key, rotations)

    async def settled_through(self) -> int:
        """Up to which sequence records are complete, in the views, published and sealed."""
        book = await self._db["log"].find_one({"_id": SUPPORT})
        views = await self._db[PROJECTIONS].find_one({"_id": "views"})
        head = await self._tree.head()
        if book is None or views is None or head is None or views.get("clearing"):
            return 0
        sealed = head.first_seq + head.size - 1
        through = (book["complete_through"], book["published_through"], views["as_of_seq"])
        return min(*map(int, through), sealed)

    async def actions(self) -> Sequence[str]:
        """Every action that there is."""
        found = await self._records.distinct("action", {"action": {"$gt": ""}})
        return [action for action in found if isinstance(action, str)]

    async def due(
        self,
        due: Sequence[Due],
        workspaces: Sequence[str | None] | None,
        after: int,
        through: int,
        limit: int,
    ) -> Sequence[Candidate]:
        """The first records above `after` that are due; of these workspaces, or of any."""
        each = await asyncio.gather(
            *(self._due(one, workspaces, after, through, limit) for one in due)
        )
        return sorted((one for found in each for one in found), key=lambda c: c.seq)[:limit]

    async def _due(
        self,
        due: Due,
        workspaces: Sequence[str | None] | None,
        after: int,
        through: int,
        limit: int,
    ) -> list[Candidate]:
        about: Document = {"kind": due.kind}
        if due.action is not None:
            about = {"action": {"$eq": due.action, "$gt": ""}, "kind": "event"}
        if workspaces is not None:
            about["workspace"] = {"$in": list(workspaces)}
        place = {"_id": {"$gt": after, "$lte": through}, "recorded_at": {"$lt": due.before}}
        query = {**about, **place, **_STAYS}
        found = self._records.find(query, _SHOWN).sort("_id", 1).limit(limit)
        return [_candidate(document) async for document in found]

    async def firsts(self, seqs: Sequence[int]) -> Mapping[int, Candidate]:
        """The records with these sequences."""
        found = self._records.find({"_id": {"$in": list(seqs)}}, _SHOWN)
        return {document["_id"]: _candidate(document) async for document in found}

    async def whole(self, seqs: Sequence[int]) -> Sequence[Record]:
        """Those of these records that have not left, in order."""
        query = {"_id": {"$in": list(seqs)}, "archived": None}
        return await self._records.find(query).sort("_id", 1).to_list(None)

    async def nodes(self, nodes: Sequence[Node]) -> NodeSource:
        """The hashes of these nodes of the sealed tree."""
        return tile_source(await self._tree.tiles(sorted(tiles_for(nodes))))

    async def leave(self, record: Record, mark: Mapping[str, Any]) -> bool:
        """Takes the content of a record away, if it is what was read; its words go first."""
        await self._searchable.delete_one({"_id": record["_id"]})
        asread = {
            "_id": record["_id"],
            "archived": None,
            "erased": record.get("erased"),
            "private": record["private"],
        }
        done = await self._records.update_one(
            asread, {"$set": {**dict.fromkeys(CONTENT), "archived": dict(mark)}}
        )
        return done.matched_count == 1

    async def place(self, event_id: str) -> int | None:
        """The sequence of an event, once the log is complete through it."""
        found = await self._records.find_one({"event_id": event_id}, {"_id": 1})
        book = await self._db["log"].find_one({"_id": SUPPORT})
        if found is None or book is None or found["_id"] > book["complete_through"]:
            return None
        seq: int = found["_id"]
        return seq

    async def held(self, workspace: str, candidates: Sequence[Candidate]) -> Mapping[int, str]:
        """The sequence of each record that must stay, with the hold that says so."""
        holds = await self._standing(workspace)
        if not holds:
            return {}
        copied = [one.of for one in candidates if one.of is not None]
        firsts = await self.firsts(copied) if copied else {}
        found = {}
        for one in candidates:
            about = one if one.of is None else firsts.get(one.of, one)
            scopes = {
                Scope("record", each.conversation_id, each.case_id, each.seq)
                for each in (one, about)
            }
            by = next(
                (name for name, hold in holds if any(_holds(hold, scope) for scope in scopes)), None
            )
            if by is not None:
                found[one.seq] = by
        return found

    async def standing(self, workspace: str) -> Sequence[str]:
        """The holds that stand."""
        return sorted(name for name, _ in await self._standing(workspace))

    async def _standing(self, workspace: str) -> Sequence[tuple[str, Scope]]:
        standing = {"$in": [ACTIVE, RELEASE_REQUESTED]}
        found = durable(self._db[HOLDS]).find(
            {"workspace": workspace, "state.status": standing}, {"state": 1}
        )
        linked = Linked(self._db)
        return [
            (
                each["state"]["hold_id"],
                await linked.whole(workspace, Scope.of(each["state"]["scope"])),
            )
            async for each in found
        ]


def _holds(hold: Scope, scope: Scope) -> bool:
    """Whether a hold is in the way; of a case also where the record is of another conversation."""
    return hold.meets(scope) or scope.case_id in hold.cases


def _candidate(document: Document) -> Candidate:
    return Candidate(
        document["_id"],
        document["workspace"],
        document["kind"],
        document["action"],
        document["conversation_id"],
        document["case_id"],
        document["of"],
        document["size"],
    )
