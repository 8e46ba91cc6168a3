"""Leaves and commitments: what is hashed, what stays out, and what a disclosure shows."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from casetrail_evidence.canonical import canonical_json, parse_json
from casetrail_evidence.errors import (
    CommitmentMismatch,
    LeafMalformed,
    NotCanonical,
    PrivateMalformed,
    SaltMalformed,
    SaltMissing,
)
from casetrail_evidence.leaves import (
    PublicEvent,
    commit_bytes,
    commitments,
    derived_salt,
    event_leaf_input,
    event_salt,
    field_salt,
    field_salts,
    leaf_hash,
    leaf_input,
    public_event,
    recorded_at_text,
    verify_bytes,
    verify_commitment,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SALT = bytes(range(32))
PRIVATE = {
    "salt": base64.b64encode(SALT).decode(),
    "text": "میرا پارسل نہیں آیا",
    "phone": "+923001234567",
    "items": [1, None],
}
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "type": "casetrail.message.received.v1",
    "subject": "message/ms_1",
    "data": {"changes": []},
    "private": PRIVATE,
}
PLACE: dict[str, Any] = {
    "log": "SUPPORT",
    "seq": 7,
    "recorded_at": "2026-11-22T10:14:03.120000Z",
    "subject": "support.main.message.received",
}


def test_a_commitment_is_what_the_reference_says() -> None:
    """The commitment is recomputed here step by step from the documented format."""
    salt = hmac.new(SALT, b"phone", hashlib.sha256).digest()
    expected = hashlib.sha256(
        b"casetrail private field v1\x00" + salt + b"\x00\x00\x00\x05phone" + b'"+923001234567"'
    ).hexdigest()
    assert commitments(PRIVATE)["phone"] == expected
    assert field_salt(SALT, "phone") == salt


def test_the_salt_itself_is_not_committed() -> None:
    """Every field but the salt has a commitment."""
    assert set(commitments(PRIVATE)) == {"text", "phone", "items"}


def test_a_disclosed_field_verifies_with_its_own_salt_only() -> None:
    """One value and its field salt verify; another value, name or salt does not."""
    made = commitments(PRIVATE)
    salts = {name: bytes.fromhex(salt) for name, salt in field_salts(PRIVATE).items()}
    verify_commitment(made["phone"], salts["phone"], "phone", "+923001234567")
    for name, salt, value in [
        ("phone", salts["phone"], "+923001234568"),
        ("text", salts["phone"], "+923001234567"),
        ("phone", salts["text"], "+923001234567"),
        ("phone", SALT, "+923001234567"),
    ]:
        with pytest.raises(CommitmentMismatch):
            verify_commitment(made["phone"], salt, name, value)


def test_chosen_fields_only_give_their_salts() -> None:
    """Asking for one field's salt gives that one."""
    assert field_salts(PRIVATE, ["phone"]) == {"phone": field_salt(SALT, "phone").hex()}


@settings(deadline=None)
@given(
    st.binary(min_size=16, max_size=40),
    st.dictionaries(st.text().filter(lambda name: name != "salt"), st.text(), max_size=5),
)
def test_every_field_verifies(salt: bytes, fields: dict[str, str]) -> None:
    """Any names and values can be committed to and disclosed one by one."""
    private = {"salt": base64.b64encode(salt).decode(), **fields}
    made = commitments(private)
    assert len(set(made.values())) == len(fields)
    for name, value in fields.items():
        verify_commitment(made[name], field_salt(salt, name), name, value)


def test_equal_values_under_other_names_or_salts_differ() -> None:
    """Nobody sees from two commitments that two customers share a phone number."""
    other = {**PRIVATE, "salt": base64.b64encode(bytes(32)).decode()}
    assert commitments(PRIVATE)["phone"] != commitments(other)["phone"]
    twice = commitments({"salt": PRIVATE["salt"], "a": "x", "b": "x"})
    assert twice["a"] != twice["b"]


@pytest.mark.parametrize(
    ("private", "fault"),
    [
        ({"text": "hello"}, SaltMissing),
        ({"salt": None, "text": "hello"}, SaltMissing),
        ({"salt": "not base64!", "text": "hello"}, SaltMalformed),
        ({"salt": 7, "text": "hello"}, SaltMalformed),
        ({"salt": "", "text": "hello"}, SaltMalformed),
        ({"salt": base64.b64encode(b"short").decode(), "text": "hello"}, SaltMalformed),
        ({"salt": PRIVATE["salt"], "text": float("nan")}, NotCanonical),
        ({"salt": PRIVATE["salt"], "\ud800": 1}, PrivateMalformed),
    ],
)
def test_what_cannot_be_committed_to_is_refused(private: Any, fault: type[Exception]) -> None:
    """A missing or short salt and a value without a form each have their own error."""
    with pytest.raises(fault):
        commitments(private)


def test_nothing_private_needs_no_salt() -> None:
    """An empty `private`, or one with only a salt, commits to nothing."""
    assert commitments({}) == {}
    assert commitments({"salt": "whatever"}) == {}


def test_public_event_leaves_the_original_alone_and_holds_no_private_value() -> None:
    """INVARIANT I8: no private value and no salt is in the text that is hashed."""
    before = json.dumps(EVENT)
    text = leaf_input(**PLACE, kind="event", event=public_event(EVENT))
    assert json.dumps(EVENT) == before
    for value in ("میرا", "+923001234567", PRIVATE["salt"], SALT.hex()):
        assert str(value) not in text
    assert parse_json(text)["event"]["private"] == commitments(PRIVATE)


def test_public_event_without_private_stays() -> None:
    """`private` absent or null is hashed as it came."""
    assert "private" not in public_event({"id": "x"})
    assert public_event({"id": "x", "private": None})["private"] is None


def test_a_message_without_salt_takes_the_derived_one() -> None:
    """A fallback salt is used only when the event brought none."""
    salt = derived_salt(b"k" * 32, "SUPPORT", 7)
    without = {"id": "x", "private": {"note": "call me"}}
    with pytest.raises(SaltMissing):
        public_event(without)
    made = public_event(without, salt)["private"]["note"]
    verify_commitment(made, field_salt(salt, "note"), "note", "call me")
    assert public_event(EVENT, salt) == public_event(EVENT)


def test_derived_salts_differ_by_key_log_and_place() -> None:
    """Each of the three inputs changes the salt, and their joint cannot be shifted."""
    salts = {
        derived_salt(key, log, seq)
        for key in (b"k" * 32, b"l" * 32)
        for log in ("SUPPORT", "SUPPORT1")
        for seq in (1, 11)
    }
    assert len(salts) == 8


def test_private_that_is_no_object_is_refused() -> None:
    """Another team's event with a text as `private` cannot be committed to."""
    with pytest.raises(PrivateMalformed):
        public_event({"private": "secret"})


def test_a_leaf_has_always_the_same_members() -> None:
    """The text is canonical and holds the ten members, null where a kind has none."""
    text = leaf_input(**PLACE, kind="event", event=public_event(EVENT))
    assert canonical_json(parse_json(text)).decode() == text
    assert list(json.loads(text)) == [
        "bytes", "event", "kind", "log", "of", "reason", "recorded_at", "seq", "subject", "v",
    ]  # fmt: skip


def test_the_golden_leaf_never_changes() -> None:
    """A published format: this text and hash are in the reference and must stay."""
    text = leaf_input(
        log="SUPPORT",
        seq=7,
        kind="event",
        recorded_at="2026-11-22T10:14:03.120000Z",
        subject="support.main.message.received",
        event=public_event(
            {"id": "e-1", "private": {"salt": PRIVATE["salt"], "phone": "+923001234567"}}
        ),
    )
    assert text == (
        '{"bytes":null,"event":{"id":"e-1","private":{"phone":'
        '"b0f37a1adeecf35063349689722e4ed12ccb34da670a91bc13bcfdc84fc20b70"}},'
        '"kind":"event","log":"SUPPORT","of":null,"reason":null,'
        '"recorded_at":"2026-11-22T10:14:03.120000Z","seq":7,'
        '"subject":"support.main.message.received","v":1}'
    )
    assert (
        leaf_hash(text).hex() == "b385aea85a7dd74e7af5abd3bd8a8066d193807db5479c6223d03c0bcef971e7"
    )


def test_the_other_kinds() -> None:
    """Duplicate, poison and gap leaves carry what is known of them and nothing else."""
    salt = derived_salt(b"k" * 32, "SUPPORT", 7)
    raw = commit_bytes(salt, b"\xff\x00")
    duplicate = leaf_input(**PLACE, kind="duplicate", of=3, bytes_commitment=raw)
    poison = leaf_input(**PLACE, kind="poison", reason="not UTF-8", bytes_commitment=raw)
    gap = leaf_input(log="SUPPORT", seq=7, kind="gap", reason="deleted from the stream")
    assert len({leaf_hash(leaf) for leaf in (duplicate, poison, gap)}) == 3
    assert json.loads(gap)["recorded_at"] is None
    verify_bytes(raw, salt, b"\xff\x00")
    with pytest.raises(CommitmentMismatch):
        verify_bytes(raw, salt, b"\xff\x01")


@pytest.mark.parametrize(
    "arguments",
    [
        {**PLACE, "kind": "event"},
        {**PLACE, "kind": "event", "event": PublicEvent({}), "of": 3},
        {**PLACE, "kind": "duplicate"},
        {**PLACE, "kind": "duplicate", "of": 7},
        {**PLACE, "kind": "duplicate", "of": 0},
        {**PLACE, "kind": "poison", "reason": "x"},
        {**PLACE, "kind": "poison", "bytes_commitment": "ab" * 32},
        {**PLACE, "kind": "poison", "reason": "x", "bytes_commitment": "AB" * 32},
        {**PLACE, "kind": "gap"},
        {**PLACE, "kind": "gap", "reason": "x", "bytes_commitment": "ab" * 32},
        {**PLACE, "kind": "gap", "reason": "x", "seq": 0},
        {**PLACE, "kind": "gap", "reason": "x", "log": ""},
        {**PLACE, "kind": "seen", "reason": "x"},
        {**PLACE, "kind": "event", "event": PublicEvent({}), "subject": None},
        {**PLACE, "kind": "event", "event": PublicEvent({}), "recorded_at": None},
        {**PLACE, "kind": "gap", "reason": "x", "recorded_at": "2026-11-22T10:14:03+05:00"},
        {**PLACE, "kind": "gap", "reason": "x", "recorded_at": "yesterday"},
    ],
)
def test_a_leaf_that_does_not_fit_its_kind_is_refused(arguments: Any) -> None:
    """Each kind of leaf has exactly the members it needs."""
    with pytest.raises(LeafMalformed):
        leaf_input(**arguments)


@pytest.mark.parametrize(
    "private",
    [
        {"salt": "ab" * 32},
        {"text": "hello"},
        {"text": "AB" * 32},
        {"text": 1},
        "hello",
        ["ab" * 32],
    ],
)
def test_private_values_cannot_slip_into_a_leaf(private: Any) -> None:
    """INVARIANT I8: an envelope whose private part is not commitments is refused."""
    with pytest.raises(PrivateMalformed):
        leaf_input(**PLACE, kind="event", event=PublicEvent({"id": "x", "private": private}))


@given(st.binary(max_size=200), st.text(max_size=100).filter(str.isprintable))
def test_field_salts_are_the_hmac_of_the_standard_library(salt: bytes, name: str) -> None:
    """RFC 2104 with SHA-256, also for salts longer than a block."""
    assert field_salt(salt, name) == hmac.digest(salt, name.encode(), "sha256")


@given(
    st.integers(1, 2**53 - 1),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])),
    st.dictionaries(st.text(max_size=5), st.integers(-5, 5) | st.text(max_size=9), max_size=4),
)
def test_the_short_way_gives_the_same_leaf(seq: int, moment: datetime, data: Any) -> None:
    """An event's leaf without each check is the leaf with them."""
    event = public_event(
        {"id": "1", "data": data, "private": {"salt": PRIVATE["salt"], "text": "x"}}
    )
    common: dict[str, Any] = {"log": "SUPPORT", "seq": seq, "subject": "support.a.b.c"}
    short = event_leaf_input(**common, recorded_at=moment, event=event)
    careful = leaf_input(**common, kind="event", recorded_at=recorded_at_text(moment), event=event)
    assert short == careful
    for fault in ({"seq": 0}, {"log": ""}, {"subject": ""}):
        with pytest.raises(LeafMalformed):
            event_leaf_input(**{**common, **fault}, recorded_at=moment, event=event)


def test_leaf_hash_is_that_of_the_rfc() -> None:
    """RFC 6962 §2.1: the hash of an empty leaf is that of one zero byte."""
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty
    assert leaf_hash("é") == leaf_hash("é".encode())


def test_times_have_one_spelling() -> None:
    """The same instant from any zone is written alike, always with six digits."""
    moment = datetime(2026, 11, 22, 10, 14, 3, 120000, tzinfo=UTC)
    karachi = moment.astimezone(timezone(timedelta(hours=5)))
    assert recorded_at_text(moment) == recorded_at_text(karachi) == "2026-11-22T10:14:03.120000Z"
    with pytest.raises(LeafMalformed):
        recorded_at_text(datetime(2026, 11, 22, 10, 14, 3))  # noqa: DTZ001


def test_event_salt_needs_base64() -> None:
    """The salt of an event is its decoded bytes."""
    assert event_salt(PRIVATE) == SALT
