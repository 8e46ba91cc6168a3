"""The evidence bundle of a case: every record of it, proven, in a zip to hand out."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from casetrail_evidence.bundle.choosing import (
    PUBLIC,
    Disclosure,
    chosen_fields,
    disclosure_of,
)
from casetrail_evidence.bundle.document import MAX_RECORDS, BundledRecord
from casetrail_evidence.bundle.writing import BundleHead, bundled_record, write_bundle
from casetrail_evidence.checkpoint import Checkpoint
from casetrail_evidence.disclosure import open_fields
from casetrail_evidence.errors import EvidenceError, Malformed
from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.merkle import inclusion_ranges, needed_nodes, verify_inclusion
from casetrail_evidence.notes import parse_note
from casetrail_evidence.proof import make_proof
from casetrail_evidence.tiles import tile_source, tiles_for

from casetrail_gateway.domain.errors import (
    BadDisclosure,
    EvidenceArchived,
    EvidenceNotReady,
    EvidenceTooLarge,
    Fault,
    NoSuchFields,
    NotFound,
    NotPermitted,
    TreeInconsistent,
)
from casetrail_gateway.domain.evidence import (
    MAX_PRINTED,
    MAY_DISCLOSE,
    EvidenceFile,
    SealedRecord,
)
from casetrail_gateway.domain.log import Scope
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.tree import SealedHead
from casetrail_gateway.ports import CaseRecords, Clock, Log, SealedTree, TimelinePrinter
from casetrail_gateway.use_cases.cases import look_at
from casetrail_gateway.use_cases.finding import Finder, Found
from casetrail_gateway.use_cases.looking import Look

CHOSEN: Final = "chosen"
_BATCH: Final = 200
_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of a bundle before it goes to a temporary file."""
_PAUSE: Final = 0.05
_DAMAGED: Final = (
    "A record of this case is not borne out by the signed tree: it, or the tree, was altered. "
    "Run `casetrail-verify fsck`; no bundle is made until that is put right."
)


class ExportEvidence:
    """The bundle of a case as it stands in the signed tree."""

    def __init__(
        self,
        *,
        log: Log,
        tree: SealedTree,
        records: CaseRecords,
        finder: Finder,
        clock: Clock,
        print_timeline: TimelinePrinter,
        caller: Caller,
        case_id: str,
        disclosure: str,
        patience: float,
    ) -> None:
        self._log = log
        self._tree = tree
        self._records = records
        self._finder = finder
        self._clock = clock
        self._print_timeline = print_timeline
        self._caller = caller
        self._case_id = case_id
        self._disclosure, self._unreadable = _disclosure(disclosure)
        self._patience = patience
        self._found = Found()

    async def look(self) -> Look:
        """The case, if it is theirs; personal values leave with leads, reviewers and admins."""
        self._found = await self._finder.case(self._caller, self._case_id)
        look = look_at("evidence", f"case/{self._case_id}", self._found)
        if look.fault is None and not self._may_disclose:
            fault = NotPermitted(
                "Personal values are disclosed to leads, reviewers and administrators; "
                "ask for disclose=public."
            )
            look = replace(look, fault=fault)
        if look.fault is None:
            look = replace(look, fault=self._unreadable)
        fields = chosen_fields(self._disclosure)
        kind = self._disclosure if fields is None else CHOSEN
        return replace(look, disclosure=kind, fields=tuple(sorted(fields or ())))

    async def answer(self) -> EvidenceFile:
        """The zip in a temporary file that is gone as soon as it is closed."""
        views = (await self._log.head()).complete_through
        head = await self._sealed(views)
        through = min(views, head.first_seq + head.size - 1)
        case = await self._log.case(self._caller.workspace, self._case_id)
        if case is None:
            raise NotFound("case", f"There is no case {self._case_id}.")
        spool = _temporary()
        prove = _Prove(self._tree, head, self._disclosure)
        count = 0
        files: set[str] = set()
        async for records in self._batches(
            Scope(case_id=case.case_id, episodes=case.episodes), through
        ):
            count += len(records)
            files |= {record.archive for record in records if record.archive is not None}
            if count > MAX_RECORDS:
                raise EvidenceTooLarge(f"A bundle holds at most {MAX_RECORDS} records.")
            if files:
                continue  # there will be no bundle, but every file is to be named
            for record in await prove(records):
                spool.write(record.data + b"\n")
        if files:
            raise EvidenceArchived(
                f"Records of {self._case_id} are archived, so a bundle would not be whole. They "
                f"are in {', '.join(sorted(files))}, which casetrail-verify archive checks."
            )
        unknown = (chosen_fields(self._disclosure) or frozenset()) - prove.fields
        if unknown and count:
            raise NoSuchFields(self._case_id, sorted(unknown), sorted(prove.fields))
        if count == 0:
            raise EvidenceNotReady(f"No record of {self._case_id} is sealed yet. Try again.")
        bundle_head = BundleHead(
            case=self._case_id,
            workspace=self._caller.workspace,
            first_seq=head.first_seq,
            checkpoint=head.checkpoint,
            key=head.key,
            rotations=await self._tree.rotations(),
            made_at=f"{self._clock.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            disclosure=self._disclosure,
        )
        return await asyncio.to_thread(self._written, bundle_head, spool, count)

    def _written(self, head: BundleHead, spool: BinaryIO, count: int) -> EvidenceFile:
        out = _temporary()
        with spool:
            printer = self._print_timeline if count <= MAX_PRINTED else None
            write_bundle(out, head, partial(_read_back, spool), printer)
        size = out.tell()
        out.seek(0)
        kind = self._disclosure if chosen_fields(self._disclosure) is None else CHOSEN
        return EvidenceFile(out, size, f"{self._case_id}-evidence-{kind}.zip")

    async def _sealed(self, through: int) -> SealedHead:
        """The signed head, a moment later if it does not reach as far as the views do yet."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            head = await self._tree.head()
            if head is not None and head.first_seq + head.size > through:
                return head
            if loop.time() > deadline:
                if head is None:
                    raise EvidenceNotReady("Nothing is sealed yet, so nothing can be proven.")
                return head
            await asyncio.sleep(_PAUSE)

    async def _batches(self, scope: Scope, through: int) -> AsyncIterator[Sequence[SealedRecord]]:
        """The records of the case and the certificates of its erasures, in log order."""
        workspace = self._caller.workspace
        waiting = list(await self._records.certificates(workspace, scope, through=through))
        after = 0
        while records := list(
            await self._records.of_case(
                workspace, scope, after=after, through=through, limit=_BATCH
            )
        ):
            after = records[-1].seq
            here = {record.seq for record in records}
            due = [c for c in waiting if c.seq <= after and c.seq not in here]
            waiting = [c for c in waiting if c.seq > after]
            yield sorted([*records, *due], key=lambda record: record.seq)
        if waiting:
            yield waiting

    @property
    def _may_disclose(self) -> bool:
        return self._disclosure == PUBLIC or self._caller.role in MAY_DISCLOSE


@dataclass(frozen=True, slots=True)
class _Prove:
    """Makes records of the log into records of a bundle, each checked before it is handed out."""

    tree: SealedTree
    head: SealedHead
    disclosure: Disclosure
    fields: set[str] = field(default_factory=set)
    """The private fields that the records have."""

    async def __call__(self, records: Sequence[SealedRecord]) -> list[BundledRecord]:
        """The records with their proofs; `TreeInconsistent` when one does not hold."""
        indexes = [record.seq - self.head.first_seq for record in records]
        try:
            ranges = [pair for at in indexes for pair in inclusion_ranges(at, self.head.size)]
            source = tile_source(await self.tree.tiles(sorted(tiles_for(needed_nodes(ranges)))))
            note = parse_note(self.head.checkpoint)
            root = Checkpoint.parse(note.text).root
            made = []
            for index, record in zip(indexes, records, strict=True):
                proof = make_proof(index, note, source)
                leaf = leaf_hash(record.leaf_input)
                verify_inclusion(leaf, index, self.head.size, proof.hashes, root)
                made.append(self._bundled(index, record, str(proof)))
        except EvidenceError as fault:
            raise TreeInconsistent(_DAMAGED) from fault
        return made

    def _bundled(self, index: int, record: SealedRecord, proof: str) -> BundledRecord:
        made = bundled_record(
            index=index,
            seq=record.seq,
            leaf_input=record.leaf_input,
            proof=proof,
            private=record.private,
            disclosure=self.disclosure,
            erased=record.erased,
        )
        open_fields(made.committed, made.disclosed)
        self.fields.update(made.committed)
        return made


def _disclosure(text: str) -> tuple[Disclosure, Fault | None]:
    """The disclosure asked for; a fault, and the least disclosure, when it is none."""
    try:
        return disclosure_of(text), None
    except Malformed as fault:
        return PUBLIC, BadDisclosure(str(fault))


def _temporary() -> BinaryIO:
    return cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))


def _read_back(spool: BinaryIO) -> Iterator[BundledRecord]:
    spool.seek(0)
    for number, line in enumerate(spool, start=1):
        yield BundledRecord.parse(line.removesuffix(b"\n"), f"record {number}")
