"""A log to seal: records as the recorder makes them, and sealers as a service has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import record_of
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_audit.sealing.signing import LogKeys
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.merkle import CompactRange
from casetrail_runtime.mongo import Database

LOG = "SUPPORT"
WORKSPACE_KEY = b"k" * 32
SIGNER = SignerKey("casetrail.local/support", bytes(range(32)))
KEYS = LogKeys(SIGNER)
BEGAN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def envelope(number: int) -> dict[str, Any]:
    """An event of a conversation, with something personal in it."""
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "casetrail/routing",
        "type": "casetrail.conversation.assigned.v1",
        "subject": "conversation/cv_1",
        "time": "2026-11-22T09:59:59.120Z",
        "workspace": "main",
        "conversationid": "cv_1",
        "caseid": "CASE-1001",
        "sequence": str(number),
        "data": {
            "actor": {"kind": "service", "id": "routing"},
            "changes": [{"field": "owner", "old": None, "new": f"agent:{number}"}],
            "reason": "from shared inbox queue",
            "weight": number / 2,
        },
        "private": {"salt": "c2FsdHNhbHRzYWx0c2FsdA==", "text": f"message {number}"},
    }


def record(seq: int, body: Any = None) -> dict[str, Any]:
    """The record of a message: an event unless `body` says otherwise."""
    data = orjson.dumps(envelope(seq)) if body is None else body
    subject = "support.main.conversation.assigned"
    at = BEGAN + timedelta(microseconds=1234 * seq)
    return record_of(Message(LOG, seq, subject, data, f"m-{seq}", at), WORKSPACE_KEY)


def clock() -> datetime:
    """A clock that stands still."""
    return BEGAN


@dataclass
class SealedDesk:
    """A database with a log in it, and sealers of it."""

    db: Database
    first_seq: int = 1
    leaves: list[bytes] = field(default_factory=list)

    async def grow(self, count: int) -> None:
        """So many records more, all complete."""
        first = self.first_seq + len(self.leaves)
        records = [record(seq) for seq in range(first, first + count)]
        self.leaves += [made["leaf"] for made in records]
        await self.db["records"].insert_many(records)
        await self.complete_through(first + count - 1)

    async def complete_through(self, seq: int) -> None:
        """Says so in the log's document."""
        stand = {"first_seq": self.first_seq, "complete_through": seq}
        await self.db["log"].update_one({"_id": LOG}, {"$set": stand}, upsert=True)

    def sealer(self, keys: LogKeys = KEYS, **options: Any) -> SealLog:
        """A sealer, with nothing but its database."""
        store = options.pop("store", None) or MongoSealedLog(self.db, LOG)
        return SealLog(store, keys, LOG, options.pop("clock", clock), **options)

    def root(self, size: int | None = None) -> bytes:
        """The root that the leaves of the records have."""
        tree = CompactRange()
        tree.extend(self.leaves[:size])
        return tree.root()

    async def checkpoints(self) -> Sequence[dict[str, Any]]:
        """Every stored checkpoint, the smallest first."""
        return await self.db["checkpoints"].find().sort("_id", 1).to_list(None)

    async def require_one_history(self) -> int:
        """How many checkpoints there are, once each is signed and of the one history."""
        rows = await self.checkpoints()
        for row in rows:
            assert row["root"] == self.root(row["_id"]).hex()
            if row["note"] is not None:
                opened = open_checkpoint(row["note"], [SIGNER.verifier]).checkpoint
                assert (opened.size, opened.root.hex()) == (row["_id"], row["root"])
        return len(rows)


class PausedBefore:
    """A store that lets something happen just before one of its methods runs, once."""

    def __init__(self, store: MongoSealedLog, method: str, then: Callable[[], Any]) -> None:
        self._store = store
        self._method = method
        self._then: Callable[[], Any] | None = then

    def __getattr__(self, name: str) -> Any:
        """The store's own method, after the pause if it is the one."""
        method = getattr(self._store, name)
        if name != self._method:
            return method

        async def paused(*arguments: Any) -> Any:
            if self._then is not None:
                then, self._then = self._then, None
                if (waiting := then()) is not None:
                    await waiting
            return await method(*arguments)

        return paused
