"""INVARIANT I7: an archive proves itself, and whatever is done to it has its own message."""

import base64
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from casetrail_evidence.archive import faults
from casetrail_evidence.archive.checking import CheckedArchive, check_archive
from casetrail_evidence.archive.container import read_lines, write_lines
from casetrail_evidence.archive.covering import CoveredTree, covering
from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_evidence.archive.writing import covered_nodes, rewrite_archive
from casetrail_evidence.bundle.faults import RecordForeign, ValueMissing
from casetrail_evidence.cli import EXIT_CODES, main
from casetrail_evidence.errors import (
    CommitmentMismatch,
    EvidenceError,
    LeafMismatch,
    Malformed,
    RecordMisplaced,
    SignatureInvalid,
    UnknownKey,
)
from casetrail_evidence.leaves import leaf_hash
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.evidence.archives import (
    ERASURE,
    FIRST_SEQ,
    FORGER,
    LOG,
    ArchiveLog,
    Line,
    at,
    lines_of,
    sealed,
    tampered,
)
from tests.unit.evidence.bundles import flips
from tests.unit.evidence.trees import numbered_leaves, rfc_root

OURS = ArchiveLog()
SEQS = [4, 5, 6, 7, 9, 10, 14]
ARCHIVE = OURS.archive(SEQS)
Change = Callable[[list[Line]], None]


def check(data: bytes, **given: Any) -> CheckedArchive:
    """The archive, checked with the pinned key."""
    return check_archive(io.BytesIO(data), [LOG.verifier], **given)


def test_an_archive_holds_what_it_was_made_of() -> None:
    """Records of every kind come back as they were put in, and everything holds."""
    seen: list[ArchivedRecord] = []
    checked = check(ARCHIVE, each=seen.append)
    assert seen == [record for record in OURS.records if record.seq in SEQS]
    assert checked.pinned
    assert (checked.present, checked.withheld) == (6, {})
    assert checked.header.name == "SUPPORT-4-14.jsonl.gz"


def test_any_program_can_read_it() -> None:
    """It is gzip of JSON lines; what is not in it stands there as a hash, as few as can be."""
    lines = [json.loads(line) for line in gzip.decompress(ARCHIVE).splitlines()]
    assert lines[0]["format"] == "casetrail-archive/1"
    assert [line["seq"] for line in lines if "seq" in line] == SEQS
    assert [line["node"] for line in lines if "node" in line] == ["0/4", "0/7", "1/4", "0/11"]
    assert set(lines[-1]) == {"sha256"}


def test_the_same_records_give_the_same_bytes() -> None:
    """Two archivers at once write one file."""
    assert OURS.archive(SEQS) == ARCHIVE


@given(st.data())
def test_the_root_follows_from_any_leaves_and_the_hashes_between(data: st.DataObject) -> None:
    """The tree put together from any part of its leaves has the root of RFC 6962 §2.1."""
    size = data.draw(st.integers(1, 70))
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    leaves = numbered_leaves(size)
    tree = CoveredTree()
    for node in covering(chosen, size):
        start, end = node.position << node.level, node.position + 1 << node.level
        assert node.level == 0 or not set(chosen) & set(range(start, end))
        tree.add(node, rfc_root(leaves[start:end]))
    assert (tree.size, tree.root()) == (size, rfc_root(leaves))


def test_only_the_hashes_between_are_fetched() -> None:
    """What a writer has to fetch is what the archive shows."""
    nodes = covered_nodes(OURS.header(SEQS), SEQS)
    assert [f"{node.level}/{node.position}" for node in nodes] == ["0/4", "0/7", "1/4", "0/11"]


def edited(lines: list[Line]) -> None:
    """A word of what was logged."""
    line = lines[at(lines, 5)]
    line["leaf_input"] = line["leaf_input"].replace("least-loaded", "most-loaded!")


def edited_with_its_leaf(lines: list[Line]) -> None:
    """The same, and the leaf made to fit."""
    edited(lines)
    line = lines[at(lines, 5)]
    line["leaf"] = leaf_hash(line["leaf_input"]).hex()


def edited_hash(lines: list[Line]) -> None:
    """A hash of what is not in the archive."""
    hashes = [line for line in lines if "node" in line]
    hashes[0]["hash"], hashes[1]["hash"] = hashes[1]["hash"], hashes[0]["hash"]


def edited_value(lines: list[Line]) -> None:
    """A personal value."""
    lines[at(lines, 9)]["private"]["text"] = "the parcel came"


def edited_bytes(lines: list[Line]) -> None:
    """The bytes of what could not be read."""
    lines[at(lines, 7)]["private"]["bytes"] = "AAAA"


def torn_out_value(lines: list[Line]) -> None:
    """A personal value, without saying that it was erased."""
    lines[at(lines, 9)]["private"] = None


def put_in_value(lines: list[Line]) -> None:
    """A personal value that was never logged."""
    lines[at(lines, 9)]["private"]["name"] = "Ali"


def deleted(lines: list[Line]) -> None:
    """A record."""
    del lines[at(lines, 9)]


def deleted_and_counted(lines: list[Line]) -> None:
    """A record, with the header made to fit."""
    del lines[at(lines, 9)]
    lines[0]["records"] -= 1


def deleted_hash(lines: list[Line]) -> None:
    """A hash."""
    del lines[next(number for number, line in enumerate(lines) if line.get("node") == "1/4")]


def hidden(lines: list[Line]) -> None:
    """A record, replaced by its hash: the header still counts it."""
    line = lines[at(lines, 14)]
    value = base64.b64encode(bytes.fromhex(line["leaf"])).decode()
    lines[at(lines, 14)] = {"node": "0/10", "hash": value}


def inserted(lines: list[Line]) -> None:
    """A record once more."""
    lines.insert(at(lines, 9), lines[at(lines, 5)])


def appended(lines: list[Line]) -> None:
    """A record behind the end of the tree."""
    lines.append({**lines[at(lines, 5)], "seq": 16})


def appended_hash(lines: list[Line]) -> None:
    """A hash behind the end of the tree."""
    lines.append({"node": "2/3", "hash": lines[-1]["hash"]})


def reordered(lines: list[Line]) -> None:
    """Two records in each other's line."""
    first, second = at(lines, 4), at(lines, 5)
    lines[first], lines[second] = lines[second], lines[first]


def swapped(lines: list[Line]) -> None:
    """Two records under each other's sequence."""
    first, second = lines[at(lines, 4)], lines[at(lines, 5)]
    first["seq"], second["seq"] = 5, 4
    reordered(lines)


def truncated(lines: list[Line]) -> None:
    """The end."""
    del lines[-2:]


def other_count(lines: list[Line]) -> None:
    """The header's count."""
    lines[0]["records"] += 1


def other_stretch(lines: list[Line]) -> None:
    """The header's first record."""
    lines[0]["first"] = 5


def other_first_seq(lines: list[Line]) -> None:
    """Where the log begins, so that every record has another place."""
    lines[0]["first_seq"] = 3


def other_log(lines: list[Line]) -> None:
    """The header's log."""
    lines[0]["log"] = "OTHER"


def other_checkpoint(lines: list[Line]) -> None:
    """The signed root."""
    lines[0]["checkpoint"] = lines[0]["checkpoint"].replace("\n12\n", "\n13\n")


def forged_checkpoint(lines: list[Line]) -> None:
    """A checkpoint of another key of that name."""
    theirs = OURS.header(SEQS, FORGER)
    lines[0] |= {"checkpoint": theirs.checkpoint, "key": theirs.key}


def other_member(lines: list[Line]) -> None:
    """A member that no line has."""
    lines[at(lines, 5)]["note"] = "trust me"


MATRIX: list[tuple[Change, type[EvidenceError], str]] = [
    (edited, LeafMismatch, "Record 5 does not hash to its leaf"),
    (edited_with_its_leaf, faults.ArchiveTreeDiffers, "a record or a hash was altered"),
    (edited_hash, faults.ArchiveTreeDiffers, "a record or a hash was altered"),
    (edited_value, CommitmentMismatch, "Record 9: The value shown for 'text'"),
    (edited_bytes, CommitmentMismatch, "Record 7: The bytes shown"),
    (torn_out_value, ValueMissing, "Record 9: the value of 'text' was logged"),
    (put_in_value, CommitmentMismatch, "Record 9: it was logged without a private field 'name'"),
    (deleted, faults.ArchivedRecordMissing, "Record 9 is in the tree"),
    (deleted_and_counted, faults.ArchivedRecordMissing, "Record 9 is in the tree"),
    (deleted_hash, faults.ArchivedRecordMissing, "Record 12 is in the tree"),
    (hidden, faults.HeaderDiffers, "says 7 records from 4 to 14; there are 6 from 4 to 10"),
    (inserted, faults.ArchivedRecordTwice, "record 5 stands in the archive a second time"),
    (appended, RecordMisplaced, "Under sequence 16 stands the record of sequence 5"),
    (appended_hash, faults.ArchivedRecordTwice, "beyond the tree of 12 leaves"),
    (reordered, RecordMisplaced, "Record 5 stands before record 4: lines were moved"),
    (swapped, RecordMisplaced, "Under sequence 4 stands the record of sequence 5"),
    (truncated, faults.ArchivedRecordMissing, "ends before record 14"),
    (other_count, faults.HeaderDiffers, "says 8 records from 4 to 14; there are 7"),
    (other_stretch, faults.HeaderDiffers, "says 7 records from 5 to 14"),
    (other_first_seq, faults.ArchivedRecordMissing, "Record 3 is in the tree"),
    (other_log, RecordForeign, "Record 4 is of the log SUPPORT"),
    (other_checkpoint, SignatureInvalid, "is not over this text"),
    (forged_checkpoint, UnknownKey, "key"),
    (other_member, Malformed, "does not have the members"),
]


@pytest.mark.parametrize(
    ("change", "fault", "sentence"), MATRIX, ids=[m[0].__name__ for m in MATRIX]
)
def test_each_attack_has_its_own_message(
    change: Change, fault: type[EvidenceError], sentence: str
) -> None:
    """INVARIANT I7: with a fresh seal over it, what was signed still tells what was done."""
    with pytest.raises(fault, match=sentence):
        check(tampered(ARCHIVE, change))


def test_without_a_fresh_seal_the_file_is_called_damaged() -> None:
    """INVARIANT I7: changed bytes, a cut end, something behind it: three sentences."""
    changed = bytearray(ARCHIVE)
    changed[100] ^= 1
    for data, fault, sentence in (
        (bytes(changed), faults.ArchiveDamaged, "changed or damaged"),
        (ARCHIVE[:-1], faults.ArchiveCutOff, "cut off"),
        (ARCHIVE + b"\0", faults.ArchiveCutOff, "put behind it"),
        (ARCHIVE[:90], faults.ArchiveCutOff, "cut off"),
        (b"PK\x03\x04" + ARCHIVE, faults.ArchiveUnreadable, "does not begin like one"),
        (b"", faults.ArchiveUnreadable, "does not begin like one"),
    ):
        with pytest.raises(fault, match=sentence):
            check(data)


def test_every_flipped_bit_is_caught() -> None:
    """INVARIANT I7: whichever bit of a small archive is flipped, it no longer verifies."""
    small = OURS.archive([5])
    check(small)
    tried = 0
    for flipped in flips(small, 1):
        tried += 1
        with pytest.raises(EvidenceError):
            check(flipped)
    assert tried == 8 * len(small)


def test_every_flipped_bit_of_the_lines_is_caught_behind_a_fresh_seal() -> None:
    """INVARIANT I7: the seal is no proof; each bit of each line hangs on what was signed."""
    lines = list(read_lines(io.BytesIO(OURS.archive([5, 6]))))
    for number, line in enumerate(lines):
        for flipped in flips(line, 3):
            out = io.BytesIO()
            write_lines(out, [*lines[:number], flipped, *lines[number + 1 :]])
            try:
                check(out.getvalue())
            except EvidenceError:
                continue
            was, now = json.loads(line), json.loads(flipped)
            differing = {name for name in was if was[name] != now[name]}
            # when a gap was noted is in no leaf; base64 spells one salt in several ways
            assert differing == {"noted_at"} or _salts(was) == _salts(now)


def _salts(line: Line) -> tuple[bytes, Any]:
    private = line["private"]
    return base64.b64decode(private["salt"]), {**line, "private": {**private, "salt": None}}


def test_every_truncation_is_caught() -> None:
    """INVARIANT I7: an archive cut off anywhere is none."""
    for cut in range(0, len(ARCHIVE), 7):
        with pytest.raises(EvidenceError):
            check(ARCHIVE[:cut])


def test_an_erased_value_leaves_the_file_and_the_archive_still_verifies() -> None:
    """INVARIANT I8: written again without a value, it holds and says what is gone."""
    out = io.BytesIO()

    def erase(record: ArchivedRecord) -> ArchivedRecord:
        return replace(record, private=None, erased=ERASURE) if record.seq == 9 else record

    assert rewrite_archive(io.BytesIO(ARCHIVE), out, erase)
    checked = check(out.getvalue())
    assert (checked.present, checked.withheld) == (5, {"customer-request/1": 1})
    assert OURS.records[5].private is not None
    text = OURS.records[5].private["text"]
    assert text.encode() not in gzip.decompress(out.getvalue())
    again = io.BytesIO()
    assert not rewrite_archive(io.BytesIO(out.getvalue()), again, lambda record: record)
    assert again.getvalue() == out.getvalue()


def test_a_log_of_another_name_is_not_believed() -> None:
    """Records of another log with a checkpoint of this one."""
    theirs = ArchiveLog(log="THEIRS")
    lines = lines_of(ARCHIVE)
    lines[1:] = lines_of(theirs.archive(SEQS))[1:]
    with pytest.raises(RecordForeign, match="of the log THEIRS"):
        check(sealed(lines))


def test_a_format_of_the_future_is_named() -> None:
    """A newer format is no damage."""

    def newer(lines: list[Line]) -> None:
        lines[0]["format"] = "casetrail-archive/2"

    with pytest.raises(faults.ArchiveFormatUnknown, match="knows casetrail-archive/1"):
        check(tampered(ARCHIVE, newer))


def test_the_command_says_what_holds_and_what_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and one exit code for each; a missing key is said loudly."""
    good = tmp_path / "SUPPORT-4-14.jsonl.gz"
    good.write_bytes(ARCHIVE)
    assert main(["archive", str(good), "--key", str(LOG.verifier)]) == 0
    said = capsys.readouterr().out
    assert "SUPPORT-4-14.jsonl.gz: 7 records, 4 to 14, are what was logged." in said
    assert "Personal values: 6 present, 0 missing." in said
    assert "WARNING" not in said
    assert main(["archive", str(good)]) == 0
    assert "WARNING: NO KEY WAS GIVEN" in capsys.readouterr().out
    assert main(["archive", str(good), "--key", str(FORGER.verifier)]) == EXIT_CODES[UnknownKey]
    renamed = tmp_path / "SUPPORT-4-15.jsonl.gz"
    renamed.write_bytes(ARCHIVE)
    key = ["--key", str(LOG.verifier)]
    assert main(["archive", str(renamed), *key]) == EXIT_CODES[faults.NameDiffers]
    assert "files were swapped or renamed" in capsys.readouterr().err
    assert main(["archive", str(good), str(renamed), *key]) == EXIT_CODES[faults.NameDiffers]
    assert f"{renamed}: " in capsys.readouterr().err
    assert main(["archive", str(tmp_path / "none.jsonl.gz"), *key]) == 1


def test_every_fault_of_an_archive_has_its_own_code() -> None:
    """No two kinds of fault share an exit code."""
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert faults.CODES.keys() <= EXIT_CODES.keys()
    assert min(SEQS) == FIRST_SEQ
