"""What is left of an archived record, and the record that its archive gives back."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_audit.archiving.model import ranges_of, seqs_of
from casetrail_audit.archiving.stub import (
    CONTENT,
    archived_mark,
    line_of,
    record_of_line,
    stub_of,
)
from casetrail_audit.domain import record as make
from casetrail_audit.domain.message import Message
from casetrail_evidence.archive.document import ArchivedRecord, parse_line
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.audit.publishing import mixture

KEY = b"a key of the tests that is long enough to be one"
AT = datetime(2026, 11, 22, 10, 14, 3, 120456, tzinfo=UTC)
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def messages() -> list[Message]:
    """Events of ours and of others, copies and poison, as the stream keeps them."""
    return [
        Message("SUPPORT", seq, sent.subject, sent.data, sent.msg_id, AT)
        for seq, sent in enumerate(mixture(300, seed=3), start=1)
    ]


def records() -> list[dict[str, Any]]:
    """Their records, one of them a duplicate and one a gap."""
    made = [make.record_of(message, KEY) for message in messages()]
    first = next(record for record in made if record["kind"] == "event")
    copy = Message("SUPPORT", 400, first["subject_nats"], messages()[0].data, "again", AT)
    return [*made, make.duplicate(copy, KEY, first), make.gap("SUPPORT", 401, "It is gone.", NOW)]


def through_the_file(record: dict[str, Any]) -> ArchivedRecord:
    """The record's line, written and read."""
    line = parse_line(line_of(record).line(), 2)
    assert isinstance(line, ArchivedRecord)
    return line


def test_an_archive_gives_back_the_record_as_it_was() -> None:
    """INVARIANT I6: every field of every kind of record, but for what a library said of poison."""
    for record in records():
        back = record_of_line(through_the_file(record))
        if record["kind"] == "poison":
            record["private"]["detail"] = None
        if record["kind"] == "duplicate":
            assert back["workspace"] == record["workspace"]
        assert back == record


def test_an_erased_record_comes_back_erased() -> None:
    """INVARIANT I8: the marks of erasures go into the archive and come back, certified."""
    mark = {
        "erasure_id": "er_2",
        "policy": "customer-request",
        "policy_version": 1,
        "at": NOW,
        "fields": ["text"],
    }
    record = {
        **records()[0],
        "private": None,
        "erased": {**mark, "certified": True, "before": [{**mark, "fields": ["phone"]}]},
    }
    assert record_of_line(through_the_file(record)) == record


def test_what_is_indexed_stays_and_what_is_read_leaves() -> None:
    """The place of a record says where its content is, and holds nothing personal."""
    record = next(r for r in records() if r["private"] is not None and r["kind"] == "event")
    mark = archived_mark(record, "SUPPORT-1-9.jsonl.gz", 12, NOW)
    stub = stub_of(record, mark)
    assert all(stub[name] is None for name in CONTENT)
    assert stub["archived"] == {
        "file": "SUPPORT-1-9.jsonl.gz",
        "by": 12,
        "at": NOW,
        "fields": sorted(set(record["private"]) - {"salt"}),
    }
    for name in ("event_id", "leaf", "case_id", "conversation_id", "action", "actor_ref", "target"):
        assert stub[name] == record[name]


def test_bytes_are_base64_in_the_file() -> None:
    """Poison keeps its bytes, whatever they are."""
    poison = next(r for r in records() if r["kind"] == "poison" and r["private"]["bytes"])
    private = line_of(poison).private
    assert private is not None
    assert base64.b64decode(private["bytes"]) == poison["private"]["bytes"]
    assert set(private) == {"bytes", "salt"}


@given(st.sets(st.integers(1, 60)))
def test_runs_say_which_sequences(seqs: set[int]) -> None:
    """Runs and sequences are two ways to say the same."""
    assert seqs_of(ranges_of(sorted(seqs))) == sorted(seqs)


def test_a_line_that_is_no_record_is_refused() -> None:
    """An archive of another program is no reason to crash with something else."""
    line = ArchivedRecord(seq=1, leaf="00" * 32, leaf_input="{}")
    with pytest.raises((KeyError, ValueError)):
        record_of_line(line)
