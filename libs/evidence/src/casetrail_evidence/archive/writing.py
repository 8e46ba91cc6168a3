"""Archives written, and written again without values that were erased."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from casetrail_evidence.archive.container import read_lines, write_lines
from casetrail_evidence.archive.covering import covering
from casetrail_evidence.archive.document import ArchivedRecord, Elsewhere, Header, parse_line
from casetrail_evidence.checkpoint import Checkpoint
from casetrail_evidence.merkle import Node, NodeSource
from casetrail_evidence.notes import parse_note

Lines = Iterable[ArchivedRecord | Elsewhere]


def covered_nodes(header: Header, seqs: Sequence[int]) -> list[Node]:
    """The subtrees whose hashes an archive of these records needs: what to fetch for it."""
    size = Checkpoint.parse(parse_note(header.checkpoint).text).size
    indexes = [seq - header.first_seq for seq in seqs]
    members = set(indexes)
    return [n for n in covering(indexes, size) if n.level or n.position not in members]


def write_archive(
    out: BinaryIO,
    header: Header,
    records: Sequence[ArchivedRecord],
    source: NodeSource,
) -> None:
    """Writes the archive of these records, which are in the order of the log.

    `source` gives the hashes of `covered_nodes`. The same arguments give the same bytes.
    """
    write_lines(out, (line.line() for line in (header, *_lines(header, records, source))))


def _lines(
    header: Header, records: Sequence[ArchivedRecord], source: NodeSource
) -> Iterator[ArchivedRecord | Elsewhere]:
    by_index = {record.seq - header.first_seq: record for record in records}
    size = Checkpoint.parse(parse_note(header.checkpoint).text).size
    for node in covering(sorted(by_index), size):
        record = by_index.get(node.position) if node.level == 0 else None
        yield Elsewhere(node, source(*node)) if record is None else record


def rewrite_archive(
    file: BinaryIO, out: BinaryIO, change: Callable[[ArchivedRecord], ArchivedRecord]
) -> bool:
    """Writes the archive in `file` again with its records changed; whether any of them was."""
    changed = False

    def lines() -> Iterator[bytes]:
        nonlocal changed
        read = read_lines(file)
        yield next(read)
        for number, line in enumerate(read, start=2):
            was = parse_line(line, number)
            if isinstance(was, Elsewhere):
                yield line
                continue
            now = change(was)
            changed = changed or now != was
            yield now.line()

    write_lines(out, lines())
    return changed
