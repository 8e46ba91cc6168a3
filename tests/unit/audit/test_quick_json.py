"""The quick encoder gives the bytes of RFC 8785, or leaves it to the strict one."""

import json
from typing import Any

import orjson
import pytest
from casetrail_audit.domain import record as make
from casetrail_audit.domain.message import Message
from casetrail_audit.use_cases.quick_json import encoder_of, quickly_parsed
from casetrail_evidence.canonical import canonical_json
from casetrail_evidence.errors import NotCanonical
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import KEY, START, story

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
BOTH_ORDERS = {"\ue000": 1, "\U0001f600": 2, "a": 3}


@settings(max_examples=500)
@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_it_agrees_with_the_strict_encoder(value: dict[str, Any]) -> None:
    """INVARIANT I6: whatever is encoded quickly has the bytes of RFC 8785."""
    data = orjson.dumps(value) if _fits(value) else json.dumps(value).encode()
    parsed = quickly_parsed(data)
    if parsed is None:
        return
    try:
        strict = canonical_json(parsed)
    except NotCanonical:
        with pytest.raises(NotCanonical):
            encoder_of(data, parsed)(parsed)
        return
    assert encoder_of(data, parsed)(parsed) == strict


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1e16},
        {"a": [1.5, 2]},
        BOTH_ORDERS,
        {"a": -0.0},
        {"a": json.loads("[" * 100 + "]" * 100)},
    ],
)
def test_what_it_may_write_otherwise_is_left_to_the_strict_encoder(value: dict[str, Any]) -> None:
    """INVARIANT I6: fractions, names beyond 16 bits, deep nesting."""
    assert encoder_of(orjson.dumps(value), value) is canonical_json


@pytest.mark.parametrize("value", [{"a": 2**53}, {"a": [-(2**53)]}, {"a": {"b": 2**63}}])
def test_integers_that_a_double_cannot_tell_apart_are_refused(value: dict[str, Any]) -> None:
    """INVARIANT I6: the quick encoder refuses them as the strict one does."""
    with pytest.raises(NotCanonical):
        encoder_of(orjson.dumps(value), value)(value)


@pytest.mark.parametrize("text", ["".join(map(chr, range(256))), "اردو :1.5 ,2.5", '":1', "\u2028"])
def test_every_character_is_written_as_rfc_8785_writes_it(text: str) -> None:
    """INVARIANT I6: escapes are the same."""
    value = {text: text, "b": [text]}
    assert encoder_of(orjson.dumps(value), value)(value) == canonical_json(value)


def test_the_records_of_the_story_are_the_same_both_ways() -> None:
    """INVARIANT I6: the service and a strict reader make the same record of an event."""
    for seq, event in enumerate(story().events, start=1):
        data = event.to_bytes()
        message = Message("SUPPORT", seq, event.nats_subject, data, event.id, START)
        parsed = quickly_parsed(data)
        assert parsed is not None
        assert encoder_of(data, parsed) is not canonical_json
        quick = make.record_of(message, KEY, parsed, encoder_of(data, parsed))
        assert quick == make.record_of(message, KEY)


def _fits(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
