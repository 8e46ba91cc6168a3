"""Records that are due go into archives, and then leave MongoDB and the stream.

1. Which records go into which file is noted (`planned`).
2. The file is written, checked whole, and on the disk.
3. `retention.archived` is committed (`archived`), and has its own record in the log.
4. Record by record: the message leaves the stream, the content leaves MongoDB, if both are still
   what the file holds and no hold stands in the way.

Each step may be repeated, so wherever the process dies, the next pass goes on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from casetrail_contracts.subjects import SUPPORT
from casetrail_evidence.archive.document import ArchivedRecord, Header
from casetrail_evidence.archive.writing import covered_nodes

from casetrail_audit.archiving.filing import SUFFIX, FileArchives, replaced
from casetrail_audit.archiving.folder import ArchiveFolder
from casetrail_audit.archiving.model import (
    PLANNED,
    ArchiveRegister,
    Candidate,
    Document,
    Due,
    RetainedRecords,
    RetainedStream,
    SignedHead,
    ranges_of,
    seqs_of,
)
from casetrail_audit.archiving.policy import KINDS, RetentionPolicy
from casetrail_audit.archiving.stub import archived_mark, line_of
from casetrail_audit.domain.record import Record

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of records in one archive, as MongoDB keeps them: what is held in memory at once."""
BATCH: Final = 200
_AT_ONCE: Final = 20
Tell = Callable[[str, int], None]
"""Told a sentence, and how many records have left with it."""


@dataclass(slots=True)
class Choice:
    """The records of one archive that is to be made."""

    workspace: str
    rules: Counter[str] = field(default_factory=Counter)
    seqs: list[int] = field(default_factory=list)
    held: set[str] = field(default_factory=set)


class ArchiveRecords:
    """One pass: everything that is due is archived, as far as it can be now."""

    def __init__(
        self,
        *,
        policy: RetentionPolicy,
        records: RetainedRecords,
        register: ArchiveRegister,
        stream: RetainedStream,
        folder: ArchiveFolder,
        file: FileArchives,
        clock: Callable[[], datetime],
        most: int,
        tell: Tell = lambda _sentence, _left: None,
    ) -> None:
        self._policy = policy
        self._records = records
        self._register = register
        self._stream = stream
        self._folder = folder
        self._file = file
        self._clock = clock
        self._most = most
        self._tell = tell
        self._stalled: set[str] = set()

    async def __call__(self) -> int:
        """How many archives are not finished: their events are on their way, or a hold stands."""
        self._stalled.clear()
        await asyncio.to_thread(self._folder.sweep)
        await self.go_on()
        through = await self._through()
        dues, after = await self._dues(), 0
        while True:
            head = await self._records.head()
            choice, after = await self._choose(dues, after, through)
            if head is None or choice is None:
                break
            await self._plan(choice, head)
            await self.go_on()
        return await self.under_way()

    async def under_way(self) -> int:
        """How many archives are not finished."""
        return len(await self._register.unfinished())

    async def stalled(self) -> int:
        """How many of them had records that had to stay when they were looked at last."""
        unfinished = await self._register.unfinished()
        return sum(state["name"] in self._stalled for _, state in unfinished)

    async def go_on(self) -> None:
        """What was begun is carried on; what a hold keeps waits for the next pass."""
        for workspace, state in await self._register.unfinished():
            if state["status"] == PLANNED:
                await self._write(workspace, state)
            elif state["name"] not in self._stalled:
                await self._leave(workspace, state)

    async def due(self) -> tuple[Mapping[str, int], int]:
        """How many records are due, by rule, and how many of them are held: nothing is done."""
        through, dues, after = await self._through(), await self._dues(), 0
        rules: Counter[str] = Counter()
        held = 0
        while page := await self._records.due(dues, None, after, through, self._most):
            after = page[-1].seq
            holds = await self._held(page)
            held += len(holds)
            rules.update(self._rule(one) for one in page if one.seq not in holds)
        return rules, held

    async def _through(self) -> int:
        settled = await self._records.settled_through()
        return min(settled, await self._stream.consumed_through())

    async def _dues(self) -> list[Due]:
        now, found = self._clock(), []
        kinds = [(None, kind) for kind in KINDS if kind != "event"]
        actions = [(action, "event") for action in await self._records.actions()]
        for action, kind in (*kinds, *actions):
            rule = self._policy.rule_of(kind, action)
            if rule is not None:
                before = self._policy.leaves_before(rule, now)
                found.append(Due(action, kind, before, rule.name))
        return found

    def _rule(self, one: Candidate) -> str:
        rule = self._policy.rule_of(one.kind, one.action)
        assert rule is not None
        return rule.name

    async def _held(self, page: Sequence[Candidate]) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for owner in sorted({one.owner for one in page}):
            mine = [one for one in page if one.owner == owner]
            found |= await self._records.held(owner, mine)
        return found

    async def _choose(
        self, dues: Sequence[Due], after: int, through: int
    ) -> tuple[Choice | None, int]:
        """The next records of one workspace, and below which sequence none is left to choose."""
        choice: Choice | None = None
        workspaces: list[str | None] | None = None
        size, floor = 0, after
        while page := await self._records.due(dues, workspaces, after, through, self._most):
            after = page[-1].seq
            held = await self._held(page)
            for one in page:
                if one.seq in held:
                    continue
                if choice is None:
                    choice, floor = Choice(one.owner), one.seq - 1
                    workspaces = [one.workspace] if one.owner == one.workspace else [None]
                if one.workspace not in (workspaces or ()):
                    continue
                full = len(choice.seqs) == self._most or size + one.size > MOST_BYTES
                if choice.seqs and full:
                    return choice, floor
                choice.seqs.append(one.seq)
                choice.rules[self._rule(one)] += 1
                size += one.size
        return choice, floor

    async def _plan(self, choice: Choice, head: SignedHead) -> None:
        header = Header(
            log=SUPPORT,
            first_seq=head.first_seq,
            first=choice.seqs[0],
            last=choice.seqs[-1],
            records=len(choice.seqs),
            checkpoint=head.checkpoint,
            key=head.key,
            rotations=head.rotations,
        )
        state: Document = {
            "name": header.name.removesuffix(SUFFIX),
            "file": header.name,
            "status": PLANNED,
            "log": header.log,
            "first": header.first,
            "last": header.last,
            "first_seq": header.first_seq,
            "records": header.records,
            "ranges": ranges_of(choice.seqs),
            "rules": dict(choice.rules),
            "policy": self._policy.name,
            "policy_version": self._policy.version,
            "size": head.size,
            "checkpoint": header.checkpoint,
            "key": header.key,
            "rotations": list(header.rotations),
            "planned_at": self._clock(),
            "archived_at": None,
            "event_id": None,
            "sha256": None,
            "bytes": None,
            "recalls": 0,
        }
        await self._file.plan(choice.workspace, state)

    async def _write(self, workspace: str, state: Document) -> None:
        seqs = seqs_of(state["ranges"])
        if not await asyncio.to_thread(self._folder.has, state["file"]):
            records = await self._records.whole(seqs)
            if [record["_id"] for record in records] != seqs:
                return  # another process archived them meanwhile
            names = ("log", "first_seq", "first", "last", "records", "checkpoint", "key")
            header = Header(
                **{name: state[name] for name in names}, rotations=tuple(state["rotations"])
            )
            lines = [line_of(record) for record in records]
            source = await self._records.nodes(covered_nodes(header, seqs))
            await asyncio.to_thread(self._folder.write, header, lines, source)
        await asyncio.to_thread(self._folder.records, state["file"])
        written = await asyncio.to_thread(self._folder.digest, state["file"])
        holds = await self._records.standing(workspace)
        await self._file.archived(workspace, state["name"], written, holds)
        count = state["records"]
        self._tell(f"{state['file']}: {count:,} records, {written.bytes:,} bytes.", 0)
        log.info("records archived", file=state["file"], records=state["records"])

    async def _leave(self, workspace: str, state: Document) -> None:
        """Lets the records go that may go; the archive is finished when none is left."""
        by = await self._records.place(state["event_id"])
        if by is None:
            return  # nothing leaves before the log itself says where it went
        seqs = seqs_of(state["ranges"])
        lines = {
            line.seq: line for line in await asyncio.to_thread(self._folder.records, state["file"])
        }
        changed: dict[int, ArchivedRecord] = {}
        stay = 0
        for start in range(0, len(seqs), BATCH):
            records = await self._records.whole(seqs[start : start + BATCH])
            held = await self._held([_candidate(record) for record in records])
            leaving = []
            for record in records:
                line = line_of(record)
                if record["_id"] in held or (record.get("erased") or {}).get("certified") is False:
                    stay += 1
                elif line == lines[record["_id"]]:
                    leaving.append(record)
                else:
                    changed[line.seq] = line
            stay += await self._let_go(leaving, state, by)
        if changed:  # erased since the file was written: the file follows, then the record
            await self._file.rewrite(workspace, state["file"], replaced(changed))
        elif stay == 0:
            await self._file.left(workspace, state["name"])
            self._tell(f"{state['file']}: its records have left.", state["records"])
        else:
            self._stalled.add(state["name"])

    async def _let_go(self, records: Sequence[Record], state: Document, by: int) -> int:
        """How many had to stay after all."""
        stay = 0
        for start in range(0, len(records), _AT_ONCE):
            some = records[start : start + _AT_ONCE]
            await asyncio.gather(*(self._stream.erase(record["_id"]) for record in some))
            marks = [
                archived_mark(record, state["file"], by, state["archived_at"]) for record in some
            ]
            left = await asyncio.gather(
                *(
                    self._records.leave(record, mark)
                    for record, mark in zip(some, marks, strict=True)
                )
            )
            stay += left.count(False)
        return stay


def _candidate(record: Record) -> Candidate:
    return Candidate(
        record["_id"],
        record["workspace"],
        record["kind"],
        record["action"],
        record["conversation_id"],
        record["case_id"],
        record["of"],
    )
