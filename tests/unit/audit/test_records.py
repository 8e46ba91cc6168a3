"""A message made into a record."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_audit.domain import record as make
from casetrail_audit.domain.message import Message, moment
from casetrail_audit.use_cases.quick_json import quickly_parsed
from casetrail_evidence import leaves
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import KEY, History, message, story

AT = datetime(2026, 11, 22, 10, 14, 3, 120_456, tzinfo=UTC)
SALT = base64.b64encode(b"s" * 32).decode()


def of(data: bytes | dict[str, Any], subject: str = "erp.orders", **given: Any) -> Message:
    """A message with this content."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    values = {"log": "SUPPORT", "seq": 7, "msg_id": "m-1", "recorded_at": AT, **given}
    return Message(subject=subject, data=raw, **values)


def test_an_event_keeps_its_envelope_and_hides_its_private_part() -> None:
    """The leaf holds the envelope verbatim, with commitments in the place of personal values."""
    history = History()
    event = history.says(text="parcel nahi aya")
    record = make.record_of(message(event, 3, AT), KEY)
    leaf = json.loads(record["leaf_input"])
    envelope = json.loads(event.to_bytes())
    assert leaf["event"] == {**envelope, "private": leaf["event"]["private"]}
    assert "parcel" not in record["leaf_input"]
    assert leaf["event"]["private"] == leaves.commitments(envelope["private"])
    assert record["private"] == envelope["private"]
    assert record["leaf"] == hashlib.sha256(b"\x00" + record["leaf_input"].encode()).digest()
    assert leaf["recorded_at"] == "2026-11-22T10:14:03.120456Z"


def test_the_searchable_fields_are_those_of_the_envelope() -> None:
    """What stands beside the leaf says the same as the leaf."""
    history = History()
    event = history.opens(history.says())
    record = make.record_of(message(event, 3), KEY)
    envelope = json.loads(event.to_bytes())
    assert {name: record[name] for name in ("_id", "kind", "event_id", "workspace", "action")} == {
        "_id": 3,
        "kind": "event",
        "event_id": event.id,
        "workspace": "main",
        "action": "conversation.opened",
    }
    assert record["target"] == "conversation/cv_a"
    assert record["sequence"] == 1
    assert record["case_id"] == "CASE-1001"
    assert record["actor"] == envelope["data"]["actor"]
    assert record["actor_ref"] == "service:routing"
    assert record["data"] == envelope["data"]
    assert record["occurred_at"] == event.time


def test_a_look_is_marked_and_nothing_else_is() -> None:
    """What a timeline leaves out stands apart in the indexes."""
    for type_, marked in (
        ("casetrail.access.viewed.v1", True),
        ("casetrail.access.searched.v1", True),
        ("casetrail.accessory.sold.v1", False),
        ("casetrail.conversation.opened.v1", False),
    ):
        made = make.record_of(of({"specversion": "1.0", "id": "e", "type": type_}), KEY)
        assert made.get("look") is (True if marked else None), type_
        assert ("look" in made) is marked


def test_unknown_attributes_and_odd_types_survive_in_the_leaf() -> None:
    """Nothing is dropped, defaulted or refused for its type."""
    odd = {
        "specversion": "1.0",
        "type": "casetrail.conversation.opened.v9",
        "id": 7,
        "subject": ["x"],
        "sequence": "0",
        "time": "yesterday",
        "workspace": {"a": 1},
        "caseid": None,
        "zukunft": {"é": [1.5, True]},
        "data": "text",
    }
    record = make.record_of(of(odd, "support.main.conversation.opened"), KEY)
    assert record["kind"] == "event"
    assert json.loads(record["leaf_input"])["event"] == odd
    assert record["event_id"] == "m-1"
    assert (record["target"], record["sequence"], record["occurred_at"]) == (None, None, None)
    assert record["workspace"] == "main"
    assert record["data"] == {"value": "text"}


def test_a_message_that_is_no_cloud_event_becomes_an_event() -> None:
    """Another team's JSON is recorded under its subject and its message id."""
    record = make.record_of(of({"order": 12, "private": {"name": "Ali"}}), KEY)
    assert record["kind"] == "event"
    assert (record["type"], record["event_id"]) == ("foreign.erp.orders", "m-1")
    assert record["data"] == {"order": 12}
    assert record["workspace"] is None
    assert make.record_of(of({"order": 12}, msg_id=None), KEY)["event_id"] == "SUPPORT:7"


def test_a_private_part_without_salt_gets_one_that_a_rebuild_finds_again() -> None:
    """The derived salt depends on the key and the place only, and nobody without the key has it."""
    first = make.record_of(of({"private": {"name": "Ali"}}), KEY)
    again = make.record_of(of({"private": {"name": "Ali"}}), KEY)
    assert first["leaf"] == again["leaf"]
    salt = leaves.derived_salt(KEY, "SUPPORT", 7)
    assert base64.b64decode(first["private"]["salt"]) == salt
    commitment = json.loads(first["leaf_input"])["event"]["private"]["name"]
    leaves.verify_commitment(commitment, leaves.field_salt(salt, "name"), "name", "Ali")
    assert make.record_of(of({"private": {"name": "Ali"}}), b"k" * 32)["leaf"] != first["leaf"]
    assert make.record_of(of({"private": {"name": "Ali"}}, seq=8), KEY)["leaf"] != first["leaf"]


@pytest.mark.parametrize("private", [True, "secret text", ["a"], 12])
def test_a_private_that_is_no_object_is_poison_and_hidden(private: object) -> None:
    """Nobody can commit to fields that are none; the value never stands in the leaf."""
    message = of({"private": private})
    record = make.record_of(message, KEY)
    assert (record["kind"], record["problem"]) == ("poison", make.PRIVATE_MALFORMED)
    assert record["private"]["bytes"] == message.data
    assert json.loads(record["leaf_input"])["reason"] == "private-malformed"


@pytest.mark.parametrize("private", [None, {}, {"salt": SALT}, {"salt": None}])
def test_a_private_without_values_is_committed_to_without_any(private: object) -> None:
    """Nothing is made up where there is nothing."""
    record = make.record_of(of({"private": private}), KEY)
    assert record["kind"] == "event"
    assert not json.loads(record["leaf_input"])["event"]["private"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", make.NOT_CANONICAL),
        (b"not json", make.NOT_CANONICAL),
        (b'{"a": "\xff"}', make.NOT_CANONICAL),
        (b'{"a": 1, "a": 2}', make.NOT_CANONICAL),
        (b'{"a": 123456789012345678901234567891}', make.NOT_CANONICAL),
        (b'{"a": NaN}', make.NOT_CANONICAL),
        (b'{"a": "\\ud800"}', make.NOT_CANONICAL),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", make.NOT_CANONICAL),
        (b'{"a":' + b"[" * 127 + b"]" * 127 + b"}", make.NOT_CANONICAL),
        (b"[1, 2]", make.NOT_AN_OBJECT),
        (b"null", make.NOT_AN_OBJECT),
        (b'{"private": {"salt": "short", "text": "x"}}', make.SALT_MALFORMED),
        (b'{"private": {"salt": 5, "text": "x"}}', make.SALT_MALFORMED),
    ],
)
def test_what_cannot_be_an_event_is_poison_with_its_bytes(data: bytes, problem: str) -> None:
    """INVARIANT I1: nothing that was published is lost, however odd."""
    record = make.record_of(of(data, "support.main.message.received"), KEY)
    assert (record["kind"], record["problem"]) == ("poison", problem)
    assert record["private"]["bytes"] == data
    assert record["workspace"] == "main"
    assert record["event_id"] is None
    leaf = json.loads(record["leaf_input"])
    word = make.POISON_WORDS[problem]
    assert (leaf["kind"], leaf["reason"], leaf["event"]) == ("poison", word, None)
    leaves.verify_bytes(leaf["bytes"], leaves.derived_salt(KEY, "SUPPORT", 7), data)


def test_the_same_time_is_the_same_text_however_it_was_read() -> None:
    """A consumer gives nanoseconds, a direct read gives text: both are cut to microseconds."""
    assert moment(1_795_343_643_120_456_789) == datetime(
        2026, 11, 22, 10, 34, 3, 120_456, tzinfo=UTC
    )


def test_a_copy_says_what_differs_apart_from_salts_and_receive_times() -> None:
    """INVARIANT I3: a second delivery is the same event; other content under its id is told."""
    first = {
        "id": "1",
        "time": "2026-11-22T10:14:03Z",
        "data": {"message_id": "ms_1", "origin": {"position": "0"}},
        "private": {"salt": SALT, "text": "a"},
    }
    again = {**first, "data": {**first["data"], "origin": {"position": "9"}}, "private": None}  # type: ignore[dict-item]
    assert make.differences(first, again) == []
    assert make.differences(first, {**again, "time": "2026-11-22T10:14:04Z"}) == ["time"]
    received = {"message_id": "ms_1", "time_source": "received"}
    assert make.differences({**first, "data": received}, {"id": "1", "data": received}) == []
    assert make.differences(first, {**again, "data": {}, "more": 1}) == ["data", "more"]


def test_a_duplicate_names_the_first_copy_and_commits_to_its_own_bytes() -> None:
    """INVARIANT I3: the copy is a visible fact, and it cannot be altered unseen either."""
    history = History()
    event = history.says()
    first = make.record_of(message(event, 3), KEY)
    copy = message(event, 9)
    record = make.duplicate(copy, KEY, first)
    leaf = json.loads(record["leaf_input"])
    assert (record["kind"], record["of"], record["differs"]) == ("duplicate", 3, [])
    assert (leaf["kind"], leaf["of"], leaf["reason"]) == ("duplicate", 3, None)
    assert record["event_id"] is None
    assert record["conversation_id"] is None
    leaves.verify_bytes(leaf["bytes"], leaves.derived_salt(KEY, "SUPPORT", 9), copy.data)


def test_a_provisional_duplicate_keeps_its_message_exactly() -> None:
    """What becomes final later has the same leaf as if it had been so at once."""
    original = of({"id": "1"})
    provisional = make.provisional_duplicate(original, KEY, 3, "1")
    kept = make.message_of("SUPPORT", provisional)
    assert kept is not None
    assert make.record_of(kept, KEY) == make.record_of(original, KEY)


SPELLINGS = [
    b'{"a":1,"a":2}',
    b'{"a": 1}',
    b'{"a":1}',
    b'{"n":10000000000000000}',
    b'{"n":1152921504606846976}',
    b'{"n":-0.0,"m":1e5,"k":1.5}',
    b'{"t":"\\ud83d\\ude00","s":"\\u00e9","c":"\\u001f\\u007f"}',
    '{"t":"😀","é":{"b":[],"a":{}}}'.encode(),
    b"[1]",
    b"\xef\xbb\xbf{}",
    b'{"a":' + b"[" * 126 + b"]" * 126 + b"}",
    b'{"a":' + b"[" * 127 + b"]" * 127 + b"}",
    b'{"private":{"salt":"x","a":1}}',
]


@pytest.mark.parametrize("data", SPELLINGS)
def test_the_quick_parser_changes_no_record(data: bytes) -> None:
    """INVARIANT I6: the record does not depend on which parser read it."""
    strict = make.record_of(of(data), KEY)
    assert make.record_of(of(data), KEY, quickly_parsed(data)) == strict


def test_our_own_events_take_the_quick_way() -> None:
    """INVARIANT I1: one by one compared, the quick records are the strict ones."""
    for n, event in enumerate(story().events, start=1):
        data = event.to_bytes()
        quick = quickly_parsed(data)
        assert quick is not None
        assert make.record_of(message(event, n), KEY, quick) == make.record_of(
            message(event, n), KEY
        )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "private", "data", "x"]), JSON))
def test_any_json_gives_the_same_record_by_both_parsers(
    value: dict[str, Any],
) -> None:
    """INVARIANT I6: numbers, names and escapes of every kind."""
    for ensure_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"))
        data = text.encode("utf-8", "surrogatepass")
        strict = make.record_of(of(data), KEY)
        assert make.record_of(of(data), KEY, quickly_parsed(data)) == strict
