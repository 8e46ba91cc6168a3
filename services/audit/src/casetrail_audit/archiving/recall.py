"""Archived records called back for an erasure, and files that follow what it took.

A record that is to lose values becomes whole again in MongoDB, where the erasure treats it as any
other. Before the certificate is committed its archive is written again without these values; then
the record leaves once more, as one that is due does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_evidence import canonical
from casetrail_runtime.mongo import Database

from casetrail_audit.archiving.filing import SUFFIX, FileArchives, replaced
from casetrail_audit.archiving.folder import ArchiveFolder, ArchiveUnavailable
from casetrail_audit.archiving.model import ARCHIVED, PLANNED, Document
from casetrail_audit.archiving.mongo_register import MongoRegister
from casetrail_audit.archiving.reading import ArchiveReader
from casetrail_audit.archiving.stub import CONTENT, line_of, record_of_line
from casetrail_audit.privacy.mongo_records import BATCH, MongoErasureRecords

_HOLDS_VALUES: Final[Document] = {"archived.fields.0": {"$exists": True}}


class ErasureRecordsWithArchives(MongoErasureRecords):
    """The collection `records` as an erasure changes it, wherever the content of a record is."""

    def __init__(
        self, db: Database, reader: ArchiveReader, folder: ArchiveFolder | None, file: FileArchives
    ) -> None:
        super().__init__(db)
        self._reader = reader
        self._folder = folder
        self._file = file
        self._register = MongoRegister(db)

    async def recall(self, workspace: str, erasure: Document, through: int) -> bool:
        """Makes records whole again that an erasure is about; False when none is archived."""
        scope = await self._scope(workspace, erasure, through)
        quoting = {
            "workspace": workspace,
            "conversation_id": await self._theirs(workspace, erasure["scope"]),
            "action": "ticket.created",
        }
        stubs = await self._stubs(scope) or await self._stubs(quoting)
        if not stubs:
            async for seqs in self._seqs(scope):
                copies = {"kind": "duplicate", "of": {"$in": list(seqs), "$gt": 0}}
                stubs = await self._stubs(copies)
                if stubs:
                    break
        by_file = defaultdict(list)
        for stub in stubs:
            by_file[stub["archived"]["file"], stub["archived"]["by"]].append(stub)
        for (file, by), some in by_file.items():
            await self._call_back(file, by, some)
        return bool(stubs)

    async def follow(self, erasure_id: str) -> None:
        """Takes from the archives what the erasure took from the records and did not certify."""
        query = {"erased.erasure_id": erasure_id, "erased.certified": False, "archived": None}
        async for seqs in self._seqs(query):
            by_file = defaultdict(list)
            for seq, place in (await self._register.file_of(seqs)).items():
                by_file[place].append(seq)
            for (workspace, file), some in by_file.items():
                if self._folder is None or not self._folder.has(file):
                    await self._require_planned(workspace, file)
                    continue
                found = self._records.find({"_id": {"$in": some}})
                lines = {record["_id"]: line_of(record) async for record in found}
                await self._file.rewrite(workspace, file, replaced(lines), erasure_id=erasure_id)

    async def _stubs(self, query: Document) -> Sequence[Document]:
        found = self._records.find({"$and": [query, _HOLDS_VALUES]}).sort("_id", 1)
        return await found.limit(BATCH).to_list(BATCH)

    async def _call_back(self, file: str, by: int, stubs: Sequence[Document]) -> None:
        lines = await self._reader.lines(file)
        await self._file.reopen(stubs[0]["workspace"] or "log", await self._told(file, by))
        for stub in stubs:
            line = lines.get(stub["_id"])
            if line is None or line.leaf != bytes(stub["leaf"]).hex():
                raise ArchiveUnavailable(f"The archive {file} does not hold record {stub['_id']}.")
            record = record_of_line(line)
            await self._records.update_one(
                {"_id": stub["_id"], "archived.file": file},
                {
                    "$set": {name: record.get(name) for name in CONTENT},
                    "$unset": {"archived": ""},
                },
            )

    async def _told(self, file: str, by: int) -> Document:
        """The archive as its event in the log tells of it."""
        event = await self._records.find_one({"_id": by}, {"leaf_input": 1, "event_id": 1})
        if event is None:
            raise ArchiveUnavailable(f"Record {by}, which tells of {file}, is gone.")
        return state_of(canonical.parse_json(event["leaf_input"])["event"], event["event_id"])

    async def _require_planned(self, workspace: str, file: str) -> None:
        state = await self._file.state(workspace, file.removesuffix(SUFFIX))
        if state is None or state["status"] != PLANNED:
            raise ArchiveUnavailable(
                f"The archive {file} holds values that are to be erased, and is not in "
                "AUDIT_ARCHIVE_DIR: put it back there."
            )


def state_of(event: Mapping[str, Any], event_id: str) -> Document:
    """The state of an archive whose records have left, of its event `retention.archived`."""
    data, actor = event["data"], event["data"]["actor"]
    return {
        "name": data["file"].removesuffix(SUFFIX),
        "file": data["file"],
        "status": ARCHIVED,
        "log": data["log"],
        "first": data["ranges"][0][0],
        "last": data["ranges"][-1][1],
        "records": data["count"],
        "ranges": data["ranges"],
        "rules": data["rules"],
        "policy": actor["rule"],
        "policy_version": actor["rule_version"],
        "size": data["tree_size"],
        "archived_at": datetime.fromisoformat(event["time"]),
        "event_id": event_id,
        "sha256": data["sha256"],
        "bytes": data["bytes"],
        "recalls": 0,
    }
