"""The quick parser reads and writes what the standard library does, or leaves it to that."""

import json
from typing import Any

import pytest
from casetrail_ingest.domain.reading import json_text
from casetrail_ingest.use_cases.quick_json import parse, write
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def outcome(read: Any, body: bytes) -> tuple[str, Any]:
    """What reading gives, or what kind of fault; numbers told from texts and each other."""
    try:
        return "read", repr(read(body))
    except (ValueError, RecursionError) as fault:
        return "fault", type(fault)


@given(VALUES)
def test_what_was_written_is_read_alike(value: Any) -> None:
    """Whoever wrote it, both parsers give the same value, and both writers the same one."""
    for body in (json.dumps(value).encode(), json_text(value).encode()):
        assert repr(parse(body)) == repr(json.loads(body))
    read = json.loads(json.dumps(value))
    assert json.loads(write(read)) == read
    assert parse(write(read).encode()) == read


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"\\ud800"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":"é"}'.encode("utf-16"),
        b'{"a":1,"a":2}',
        b'{"a":NaN,"b":-Infinity,"c":1e400,"d":-0,"e":-0.0,"f":1E5}',
        b'{"a":123456789012345678901234567890,"b":12345678901234567.123}',
        b"[1,]",
        b'{"a":01}',
        b'{"a":"\xff"}',
        b'{"a":"\x01"}',
        b"",
        b"[" * 300 + b"]" * 300,
        b"[" * 100_000,
        b'{"n":' + b"9" * 5_000 + b"}",
    ],
)
def test_odd_bodies_are_read_or_refused_alike(body: bytes) -> None:
    """What the quick parser does not take, or takes otherwise, is the standard library's."""
    assert outcome(parse, body) == outcome(json.loads, body)


def test_lone_surrogates_stay_escaped() -> None:
    """A text that UTF-8 cannot hold is written as the standard library escapes it."""
    assert write({"a": "\ud800é"}) == json_text({"a": "\ud800é"})
    write({"a": "\ud800é"}).encode()
