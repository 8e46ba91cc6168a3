"""What subscribers are told."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from casetrail_audit.domain import record as make
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.published import cut, published
from casetrail_contracts import AuditRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import KEY, History, message

AT = datetime(2026, 11, 22, 10, 14, 3, 120_000, tzinfo=UTC)


def told(record: make.Record) -> tuple[str, AuditRecord, dict[str, Any]]:
    """Subject, parsed and raw content of what is published of a record."""
    leaf_input = orjson.loads(record["leaf_input"])
    subject, content = published(
        leaf_input, record["leaf"], record["recorded_at"], record["event_id"]
    )
    raw = orjson.dumps(content)
    return subject, AuditRecord.model_validate_json(raw), json.loads(raw)


def foreign(content: Any, subject: str = "erp.orders.created") -> make.Record:
    """The record of another team's message."""
    data = json.dumps(content).encode()
    return make.record_of(Message("SUPPORT", 7, subject, data, "m-1", AT), KEY)


def test_an_event_of_ours_is_its_envelope_without_anything_personal() -> None:
    """INVARIANT I8: commitments leave on audit.>, values never do."""
    history = History()
    event = history.says(text="parcel nahi aya")
    record = make.record_of(message(event, 3), KEY)
    subject, parsed, raw = told(record)
    assert subject == "audit.main.message.received"
    assert (parsed.seq, parsed.kind, parsed.id) == (3, "event", event.id)
    assert parsed.leaf == record["leaf"].hex()
    assert parsed.data == record["data"]
    assert parsed.commitments == json.loads(record["leaf_input"])["event"]["private"]
    assert "parcel" not in json.dumps(raw)
    assert "private" not in raw
    assert "envelope" not in raw


@pytest.mark.parametrize(
    ("content", "subject"),
    [
        ({"order": 1}, "audit.log.foreign.foreign-erp-orders-created"),
        ({"type": "com.shop/Order Created", "workspace": "main"}, None),
        ({"specversion": "1.0", "type": "x", "data": [1], "time": "noon"}, None),
        ({"seq": 99, "kind": "forged", "leaf": "00", "of": 3, "commitments": 1}, None),
        ({"private": {"name": "Ali"}}, None),
    ],
)
def test_a_foreign_event_is_told_whole(content: dict[str, Any], subject: str | None) -> None:
    """What the record's model does not know or take is still there, and forges nothing."""
    record = foreign(content)
    told_on, parsed, raw = told(record)
    assert subject is None or told_on == subject
    assert parsed.seq == 7
    assert parsed.kind == "event"
    assert parsed.leaf == record["leaf"].hex()
    public = {name: value for name, value in content.items() if name != "private"}
    whole: dict[str, Any] = raw.get("envelope") or raw["data"]
    assert public.items() <= whole.items()
    assert "Ali" not in json.dumps(raw)


def test_duplicates_gaps_and_poison_are_told_on_subjects_of_their_own() -> None:
    """INVARIANT I1: every record is told, whatever its kind."""
    history = History()
    event = history.says()
    first = make.record_of(message(event, 3), KEY)
    subject, parsed, _ = told(make.duplicate(message(event, 9), KEY, first))
    assert (subject, parsed.kind, parsed.of) == ("audit.main.record.duplicate", "duplicate", 3)
    subject, parsed, _ = told(make.gap("SUPPORT", 4, "deleted", AT))
    assert (subject, parsed.problem) == ("audit.log.record.gap", "deleted")
    assert parsed.recordedtime == AT
    poison = make.record_of(Message("SUPPORT", 5, "erp.x", b"no", None, AT), KEY)
    subject, parsed, _ = told(poison)
    assert (subject, parsed.problem) == ("audit.log.record.poison", "not-canonical-json")
    assert parsed.id == "SUPPORT:5"


def test_what_is_too_large_is_told_without_its_data() -> None:
    """A subscriber learns that it is there, and where."""
    record = foreign({"specversion": "1.0", "id": "x" * 5000, "type": "t", "data": {"a": "b" * 99}})
    short = cut(told(record)[2])
    parsed = AuditRecord.model_validate(short)
    assert (parsed.seq, parsed.leaf) == (7, record["leaf"].hex())
    assert len(json.dumps(short)) < 2000


NAMES = st.sampled_from([*AuditRecord.model_fields, "private", "envelope", "cut", "odd", "é"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["1.0", "2026-11-22T10:14:03Z", "2026-11-22t10:14:03.1234567z", "0001-01-01T00:00:00+14:00"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(NAMES | TEXTS, JSON, max_size=8), st.sampled_from(["erp.a", "support.b.c"]))
def test_whatever_is_published_becomes_a_record_that_subscribers_can_parse(
    content: dict[str, Any], subject: str
) -> None:
    """INVARIANT I1: any JSON object has a record, and its record parses with our own package."""
    record = foreign(content, subject)
    _, parsed, _ = told(record)
    assert parsed.seq == record["_id"]
    assert parsed.kind == record["kind"]
    assert (
        make.record_of(Message("SUPPORT", 7, subject, json.dumps(content).encode(), "m-1", AT), KEY)
        == record
    )


@pytest.mark.parametrize("number", ["1e20", "100000000000000000000", "1.5", "9007199254740991"])
def test_every_number_that_has_a_record_can_be_told(number: str) -> None:
    """INVARIANT I1: one odd number of another team does not hold the log up."""
    data = f'{{"n": {number}}}'.encode()
    record = make.record_of(Message("SUPPORT", 7, "erp.orders.created", data, "m-1", AT), KEY)
    assert told(record)[2]["data"] == {"n": float(number)}
