"""From bytes to leaf: which messages are events, which are poison, and that nothing is lost."""

import base64
import json
from typing import Any

import pytest
from casetrail_evidence.canonical import parse_json
from casetrail_evidence.leaves import (
    commit_bytes,
    commitments,
    derived_salt,
    leaf_hash,
    verify_bytes,
)
from casetrail_evidence.messages import gap_leaf, message_leaf, read_message
from hypothesis import given, settings
from hypothesis import strategies as st

FALLBACK = derived_salt(b"k" * 32, "SUPPORT", 9)
SALT = bytes(range(32))
PRIVATE = {"salt": base64.b64encode(SALT).decode(), "text": "where is my parcel"}
EVENT = json.dumps({"id": "e-1", "private": PRIVATE}).encode()
PLACE: dict[str, Any] = {
    "log": "SUPPORT",
    "seq": 9,
    "recorded_at": "2026-11-22T10:14:03.120000Z",
    "subject": "support.main.message.received",
}


def test_an_event_is_hashed_with_commitments() -> None:
    """The leaf of an event holds its envelope with commitments, and the record keeps it whole."""
    message = read_message(EVENT, FALLBACK)
    assert message.envelope == {"id": "e-1", "private": PRIVATE}
    leaf = message_leaf(message, **PLACE)
    assert (leaf.kind, leaf.seq, leaf.hash) == ("event", 9, leaf_hash(leaf.text))
    held = parse_json(leaf.text)
    assert held["event"] == {"id": "e-1", "private": commitments(PRIVATE)}
    assert held["bytes"] is None


def test_another_teams_event_is_an_event() -> None:
    """Any JSON object is an event, whatever its members; without a salt it takes the fallback."""
    message = read_message(b'{"courier": {"lat": 31.5204}, "private": {"note": "x"}}', FALLBACK)
    leaf = message_leaf(message, **PLACE)
    salted = {"salt": base64.b64encode(FALLBACK).decode(), "note": "x"}
    assert parse_json(leaf.text)["event"]["private"] == commitments(salted)
    assert message_leaf(read_message(b"{}", FALLBACK), **PLACE).kind == "event"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-canonical-json"),
        (b"\xff\x00", "not-canonical-json"),
        (b'{"a":1,"a":2}', "not-canonical-json"),
        (b'{"id":9007199254740993}', "not-canonical-json"),
        (b"[1]", "not-an-object"),
        (b"null", "not-an-object"),
        (b'{"private":"text"}', "private-malformed"),
        (b'{"private":{"salt":"!","a":1}}', "salt-malformed"),
        (b'{"private":{"salt":7,"a":1}}', "salt-malformed"),
    ],
)
def test_what_cannot_be_an_event_is_poison_with_its_bytes(data: bytes, reason: str) -> None:
    """Poison is in the log too: a fixed word for the reason and a commitment to the bytes."""
    message = read_message(data, FALLBACK)
    leaf = message_leaf(message, **PLACE)
    held = parse_json(leaf.text)
    assert (leaf.kind, held["reason"], held["event"]) == ("poison", reason, None)
    assert message.fault
    assert message.fault not in leaf.text
    verify_bytes(held["bytes"], FALLBACK, data)


def test_a_duplicate_names_the_first_and_commits_to_its_bytes() -> None:
    """A later copy holds the sequence of the first and a commitment under the derived salt."""
    message = read_message(EVENT, FALLBACK)
    leaf = message_leaf(message, **PLACE, duplicate_of=3, differs="differs in time")
    held = parse_json(leaf.text)
    assert (leaf.kind, held["of"], held["event"]) == ("duplicate", 3, None)
    assert held["bytes"] == commit_bytes(FALLBACK, EVENT)
    assert held["reason"] == "differs in time"
    poison = message_leaf(read_message(b"\xff", FALLBACK), **PLACE, duplicate_of=3)
    assert poison.kind == "duplicate"


def test_a_duplicate_of_poison_salt_uses_the_fallback() -> None:
    """A copy whose salt cannot be read is committed to under the fallback."""
    message = read_message(b'{"private":{"salt":"!","a":1}}', FALLBACK)
    leaf = message_leaf(message, **PLACE, duplicate_of=3)
    assert parse_json(leaf.text)["bytes"] == commit_bytes(FALLBACK, message.data)


def test_an_unused_salt_need_not_be_good() -> None:
    """With nothing to commit to, a bad salt neither poisons an event nor its duplicate."""
    message = read_message(b'{"private":{"salt":"!"}}', FALLBACK)
    assert message_leaf(message, **PLACE).kind == "event"
    copy = message_leaf(message, **PLACE, duplicate_of=3)
    assert parse_json(copy.text)["bytes"] == commit_bytes(FALLBACK, message.data)


def test_a_gap_has_a_leaf() -> None:
    """A sequence that the stream lost keeps its place in the tree."""
    leaf = gap_leaf(log="SUPPORT", seq=9, reason="deleted")
    assert (leaf.kind, leaf.hash) == ("gap", leaf_hash(leaf.text))
    assert parse_json(leaf.text)["reason"] == "deleted"


@settings(deadline=None, max_examples=300)
@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["private", "salt", "a"]) | st.text(), inner, max_size=3
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([None, 3]),
)
def test_every_message_has_a_leaf(data: bytes, duplicate_of: int | None) -> None:
    """INVARIANT I1: whatever bytes were published, there is one leaf for them, always the same."""
    leaf = message_leaf(read_message(data, FALLBACK), **PLACE, duplicate_of=duplicate_of)
    assert leaf == message_leaf(read_message(data, FALLBACK), **PLACE, duplicate_of=duplicate_of)
    assert parse_json(leaf.text)["seq"] == 9
