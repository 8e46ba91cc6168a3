"""A record is checked against its leaf before the leaf goes into the tree."""

import copy
from typing import Any

import orjson
import pytest
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import duplicate, gap, record_of
from casetrail_audit.sealing import faults
from casetrail_audit.sealing.checking import checked_leaf, checked_leaves, require_fields, same
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sealing import BEGAN, LOG, WORKSPACE_KEY, envelope, record

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _FLOATS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


def stored(made: dict[str, Any]) -> dict[str, Any]:
    """The record as MongoDB gives it back: times to the millisecond."""
    at = made["recorded_at"]
    return {**made, "recorded_at": at.replace(microsecond=at.microsecond // 1000 * 1000)}


def test_the_leaf_of_an_untouched_record_is_its_own() -> None:
    """An event as the recorder made it passes, with the leaf it was given."""
    made = stored(record(7))
    assert checked_leaf(made, LOG, 1) == made["leaf"]
    require_fields(made)


def test_every_kind_of_record_passes() -> None:
    """Gaps, poison and duplicates are checked by what they have."""
    first = record(1)
    copied = Message(LOG, 2, "support.main.x.y", orjson.dumps(envelope(1)), "m-2", BEGAN)
    records = [
        first,
        duplicate(copied, WORKSPACE_KEY, first),
        record(3, b"\xff not JSON"),
        gap(LOG, 4, "The stream no longer has it.", BEGAN),
        record(5, b'{"hello": [1, 2.5, {"subject": ",\\"seq\\":99,"}]}'),
    ]
    for made in records:
        require_fields(stored(made))
    leaves = checked_leaves(records, 1, 5, LOG, 1)
    assert leaves == [made["leaf"] for made in records]


@given(_JSON, st.dictionaries(_TEXT, _JSON, max_size=3))
def test_whatever_the_recorder_makes_of_a_message_passes(body: Any, more: dict[str, Any]) -> None:
    """The recorder's fields and the sealer's reading of the leaf never disagree."""
    for message in (body, {**envelope(3), **more}, {**envelope(3), "data": body}):
        at = BEGAN.replace(microsecond=123456)
        sent = Message(LOG, 3, "other.team.thing", orjson.dumps(message), None, at)
        made = stored(record_of(sent, WORKSPACE_KEY))
        assert checked_leaf(made, LOG, 1) == made["leaf"]
        require_fields(made)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "poison"),
        ("type", "casetrail.conversation.closed.v1"),
        ("action", "conversation.closed"),
        ("actor", {"kind": "agent", "id": "b"}),
        ("actor_ref", "agent:b"),
        ("on_behalf_of", {"kind": "agent", "id": "b"}),
        ("target", "conversation/cv_2"),
        ("conversation_id", "cv_2"),
        ("case_id", "CASE-1002"),
        ("ticket_id", "T-1"),
        ("workspace", "other"),
        ("sequence", 8),
        ("changes", []),
        ("reason", None),
        ("data", {}),
        ("event_id", "e-8"),
        ("source", "elsewhere"),
        ("correlation_id", "x"),
        ("causation_id", "x"),
        ("subject_nats", "support.main.conversation.closed"),
        ("recorded_at", BEGAN),
        ("of", 3),
    ],
)
def test_an_edited_field_is_named(field: str, value: Any) -> None:
    """INVARIANT I7: a field that says something else than the leaf input is caught by its name."""
    edited = {**stored(record(7)), field: value}
    with pytest.raises(faults.RecordDiffers, match=f"Field '{field}' of record 7"):
        require_fields(edited)


def test_only_a_look_is_marked_as_one() -> None:
    """INVARIANT I7: what is marked is left out of timelines. An earlier version marked none."""
    look = {**envelope(7), "type": "casetrail.access.viewed.v1"}
    made = stored(record(7, orjson.dumps(look)))
    assert made["look"] is True
    require_fields(made)
    require_fields({name: value for name, value in made.items() if name != "look"})
    other = stored(record(7))
    for edited in (
        *({**made, "look": mark} for mark in ("yes", 1, None)),
        *({**other, "look": mark} for mark in (True, False, None)),
    ):
        with pytest.raises(faults.RecordDiffers, match="'look' of record 7"):
            require_fields(edited)


def test_a_value_deep_in_the_data_is_compared() -> None:
    """INVARIANT I7: true for 1, another text in a list: nothing passes as nearly the same."""
    made = stored(record(7, orjson.dumps({**envelope(7), "data": {"list": [{"n": 1}]}})))
    edited = copy.deepcopy(made)
    edited["data"]["list"][0]["n"] = True
    require_fields(made)
    with pytest.raises(faults.RecordDiffers, match="'data'"):
        require_fields(edited)


def test_an_edited_leaf_input_is_caught() -> None:
    """INVARIANT I7: the leaf input no longer hashes to the leaf."""
    made = stored(record(7))
    edited = {**made, "leaf_input": made["leaf_input"].replace("agent:7", "agent:8")}
    with pytest.raises(faults.RecordAltered, match="Record 7 does not hash"):
        checked_leaf(edited, LOG, 1)
    with pytest.raises(faults.RecordAltered, match="lost its leaf"):
        checked_leaf({**made, "leaf": None}, LOG, 1)


def test_a_record_in_the_place_of_another_is_caught() -> None:
    """INVARIANT I7: a record that is whole but stands under another sequence."""
    with pytest.raises(faults.RecordMisplaced, match="Under sequence 8"):
        checked_leaf({**stored(record(7)), "_id": 8}, LOG, 1)
    with pytest.raises(faults.RecordMisplaced, match="not of the log OTHER"):
        checked_leaf(stored(record(7)), "OTHER", 1)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_record_is_named(missing: int) -> None:
    """INVARIANT I7: a deleted record is named, wherever in the batch it was."""
    records = [stored(record(seq)) for seq in (1, 2, 3) if seq != missing]
    with pytest.raises(faults.RecordMissing, match=f"Record {missing} is gone"):
        checked_leaves(records, 1, 3, LOG, 1)


def test_numbers_are_the_same_as_json_has_them() -> None:
    """1 and 1.0 are one number; 1 and true, and lists in another order, are not."""
    assert same({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same(1, True)
    assert not same([1, 2], [2, 1])
    assert not same({"a": 1}, {"a": 1, "b": None})
    assert not same("1", 1)
    assert same(2.241708804953277e16, 22417088049532770)
    assert not same(2.2417088049532e16, 22417088049532770)
