"""An archive checked: everything is recomputed, and only the pinned key is believed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from casetrail_evidence.archive.container import read_lines
from casetrail_evidence.archive.covering import CoveredTree
from casetrail_evidence.archive.document import ArchivedRecord, Elsewhere, Header, parse_line
from casetrail_evidence.archive.faults import (
    ArchivedRecordMissing,
    ArchivedRecordTwice,
    ArchiveTreeDiffers,
    ArchiveUnreadable,
    HeaderDiffers,
)
from casetrail_evidence.archive.values import check_values
from casetrail_evidence.bundle.faults import RecordForeign
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.errors import LeafMismatch, RecordMisplaced, UnknownKey
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.merkle import Node
from casetrail_evidence.rotation import follow_rotations

Line = ArchivedRecord | Elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedArchive:
    """An archive in which everything holds."""

    header: Header
    opened: VerifiedCheckpoint
    pinned: bool
    """False when the key came out of the archive itself."""
    present: int
    """Personal values that are there."""
    withheld: Mapping[str, int]
    """Personal values that are said to be erased, by policy."""


def check_archive(
    file: BinaryIO,
    keys: Sequence[VerifierKey] = (),
    *,
    each: Callable[[ArchivedRecord], None] = lambda _record: None,
) -> CheckedArchive:
    """The archive, once all of it is what was logged, else the fault that was found.

    `each` is given every record; what it was given counts only once this has returned. Without
    `keys` the key inside is used, which shows only that the archive agrees with itself.
    """
    lines = read_lines(file)
    first = next(lines, None)
    if first is None:
        raise ArchiveUnreadable("The archive is empty.")
    header = Header.parse(first)
    opened = _open(header, keys)
    head = opened.checkpoint
    tree = CoveredTree()
    seqs: list[int] = []
    present, withheld = 0, dict[str, int]()
    parsed = (parse_line(line, number) for number, line in enumerate(lines, start=2))
    for line in parsed:
        node, value = _placed(line, header)
        if node.position << node.level != tree.size:
            raise _out_of_place(line, tree.size, header, parsed)
        if isinstance(line, ArchivedRecord):
            _require_logged(line, header)
            seqs.append(line.seq)
            there, gone = check_values(line)
            present += there
            for policy, count in gone.items():
                withheld[policy] = withheld.get(policy, 0) + count
            each(line)
        tree.add(node, value)
    if tree.size < head.size:
        raise ArchivedRecordMissing(
            f"The archive ends before record {tree.size + header.first_seq}, which is in the tree: "
            "its end was cut off."
        )
    if tree.size > head.size:
        raise ArchivedRecordTwice(
            f"The archive goes on to record {tree.size + header.first_seq - 1}, beyond the tree of "
            f"{head.size} leaves that was signed: something was put in."
        )
    if tree.root() != head.root:
        raise ArchiveTreeDiffers(
            f"The records and hashes of the archive have the root {tree.root().hex()}, the signed "
            f"checkpoint says {head.root.hex()}: a record or a hash was altered."
        )
    said = (header.first, header.last, header.records)
    found = (seqs[0], seqs[-1], len(seqs)) if seqs else (0, 0, 0)
    if said != found:
        raise HeaderDiffers(
            f"The first line says {said[2]} records from {said[0]} to {said[1]}; there are "
            f"{found[2]} from {found[0]} to {found[1]}."
        )
    return CheckedArchive(
        header=header, opened=opened, pinned=bool(keys), present=present, withheld=withheld
    )


def _open(header: Header, keys: Sequence[VerifierKey]) -> VerifiedCheckpoint:
    """The checkpoint, signed by a pinned key or one that it leads to."""
    key = VerifierKey.parse(header.key)
    trusted = follow_rotations(keys or [key], header.rotations)
    opened = open_checkpoint(header.checkpoint, trusted)
    if key not in [signature.key for signature in opened.signed_by]:
        raise UnknownKey(
            f"The key in the archive, {key}, is not trusted here, or did not sign its checkpoint."
        )
    return opened


def _placed(line: Line, header: Header) -> tuple[Node, bytes]:
    if isinstance(line, Elsewhere):
        return line.node, line.hash
    return Node(0, line.seq - header.first_seq), bytes.fromhex(line.leaf)


def _require_logged(record: ArchivedRecord, header: Header) -> None:
    content = record.content
    if content.get("seq") != record.seq:
        raise RecordMisplaced(
            f"Under sequence {record.seq} stands the record of sequence {content.get('seq')}: "
            "records were swapped or moved."
        )
    if leaf_hash(record.leaf_input).hex() != record.leaf:
        raise LeafMismatch(
            f"Record {record.seq} does not hash to its leaf: it was altered after it was logged."
        )
    if content.get("log") != header.log:
        raise RecordForeign(f"Record {record.seq} is of the log {content.get('log')}.")


def _out_of_place(
    line: Line, expected: int, header: Header, rest: Iterator[Line]
) -> RecordMisplaced | ArchivedRecordTwice | ArchivedRecordMissing:
    """What is wrong when a line does not follow the one before."""
    at = _start(line, header)
    seq = expected + header.first_seq
    if at < expected:
        return ArchivedRecordTwice(
            f"The place of record {at + header.first_seq} stands in the archive a second time: "
            "something was put in."
        )
    if any(_start(later, header) <= expected < _end(later, header) for later in rest):
        return RecordMisplaced(
            f"Record {at + header.first_seq} stands before record {seq}: lines were moved."
        )
    return ArchivedRecordMissing(
        f"Record {seq} is in the tree, and neither it nor a hash over it is in the archive: it was "
        "removed."
    )


def _start(line: Line, header: Header) -> int:
    node, _ = _placed(line, header)
    return node.position << node.level


def _end(line: Line, header: Header) -> int:
    node, _ = _placed(line, header)
    return node.position + 1 << node.level
