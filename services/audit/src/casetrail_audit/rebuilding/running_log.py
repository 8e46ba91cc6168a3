"""The log that a rebuild is compared with, read only."""

from typing import Any, Final

from casetrail_evidence import canonical, leaves
from casetrail_evidence.checkpoint import Checkpoint
from casetrail_evidence.errors import EvidenceError
from casetrail_runtime.mongo import Database

from casetrail_audit.adapters.indexes import LOG, PROJECTIONS, RECORDS
from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.domain.record import Record

CHECKPOINT: Final = "audit.checkpoint"


class RunningLog:
    """One log in MongoDB that somebody else writes."""

    def __init__(self, db: Database, stream: str) -> None:
        self.db = db
        self._stream = stream

    async def complete_through(self) -> int | None:
        """How far it is complete; None when there is no log."""
        found = await self.db[LOG].find_one({"_id": self._stream}, {"complete_through": 1})
        return None if found is None else int(found["complete_through"])

    async def views_as_of(self, session: Any = None) -> int:
        """The last record its views know; 0 while they are made anew."""
        found = await self.db[PROJECTIONS].find_one({"_id": "views"}, session=session)
        return 0 if found is None or found.get("clearing") else int(found["as_of_seq"])

    async def sealed(self) -> tuple[int, bytes] | None:
        """Size and root of its sealed tree."""
        found = await self.db["tree"].find_one({"_id": "head"})
        return None if found is None else (int(found["size"]), bytes.fromhex(found["root"]))

    async def final(self, seq: int) -> Record | None:
        """The final record of this sequence, unless it is a gap or its leaf is not of its bytes."""
        found: Record | None = await self.db[RECORDS].find_one({"_id": seq})
        through = await self.complete_through()
        if found is None or found["kind"] == "gap" or through is None or seq > through:
            return None
        leaf_input: str = found["leaf_input"]
        if leaves.leaf_hash(leaf_input) != bytes(found["leaf"]):
            return None
        leaf = canonical.parse_json(leaf_input)
        return found if (leaf["log"], leaf["seq"]) == (self._stream, seq) else None


async def published_checkpoint(audit: JetStreamLog) -> tuple[int, bytes] | None:
    """Size and root of the checkpoint that was published last; its signature is not checked."""
    found = await audit.last(CHECKPOINT)
    if found is None:
        return None
    text, _, _ = found.data.decode("utf-8", "replace").partition("\n\n")
    try:
        checkpoint = Checkpoint.parse(text + "\n")
    except EvidenceError:
        return None
    return checkpoint.size, checkpoint.root
