"""Canonical JSON: the RFC's own vectors, an independent implementation, and what is refused."""

import json
import struct
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from casetrail_evidence.canonical import MAX_DEPTH, canonical_json, format_number, parse_json
from casetrail_evidence.errors import NotCanonical
from hypothesis import example, given, settings
from hypothesis import strategies as st

SAFE = 2**53 - 1

# RFC 8785 appendix B: IEEE 754 bits and the text they are written as
RFC_NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("bits", "text"), RFC_NUMBERS)
def test_numbers_are_written_as_the_rfc_lists_them(bits: str, text: str) -> None:
    """Every sample of RFC 8785 appendix B is written as given there."""
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert format_number(number) == text
    assert canonical_json([number]) == f"[{text}]".encode()


def test_rfc_example_of_literals_and_strings() -> None:
    """The example of RFC 8785 §3.2.2 gives the bytes of §3.2.4."""
    source = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        ' "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",'
        ' "literals": [null, true, false]}'
    )
    assert (
        canonical_json(parse_json(source))
        == (
            '{"literals":[null,true,false],'
            '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_rfc_example_of_sorting() -> None:
    """Names sort by UTF-16 code units: an astral name comes before U+FB33 (RFC 8785 §3.2.3)."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    in_order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical_json(dict.fromkeys(names, 0)))) == in_order


@settings(deadline=None, max_examples=600)
@given(values)
@example({"\ufb33": 1, "\U0001f600": 2})
@example([1e21, 1e20, 123456789012345680000.0, 1e-6, 1e-7, -0.0, 5e-324])
@example('\x00\x1f\x7f\u2028"\\/')
def test_agrees_with_an_independent_implementation(value: Any) -> None:
    """Our bytes are those of the rfc8785 package, for any JSON value."""
    assert canonical_json(value) == rfc8785.dumps(value)


@settings(deadline=None, max_examples=300)
@given(values)
def test_canonical_text_is_a_fixed_point(value: Any) -> None:
    """Reading a canonical text and writing it again gives the same text, also for huge floats."""
    text = canonical_json(value)
    assert canonical_json(parse_json(text)) == text


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(number: float) -> None:
    """The text of a number reads back as the same double."""
    assert float(format_number(number)) == number


class _Colour(StrEnum):
    RED = "red"


class _Count(int):
    """As a database driver gives back a 64-bit integer."""

    def __repr__(self) -> str:
        return f"Count({int(self)})"


def test_subclasses_are_written_as_what_they_are() -> None:
    """Enums, integer subclasses, tuples and read-only mappings give the plain bytes."""
    value = MappingProxyType({"b": (_Colour.RED, _Count(7)), "a": _Count(1)})
    assert canonical_json(value) == b'{"a":1,"b":["red",7]}'


@pytest.mark.parametrize(
    ("value", "path", "why"),
    [
        ({"a": [1, float("nan")]}, "$.a[1]", "finite"),
        ({"a": float("-inf")}, "$.a", "finite"),
        ({"a b": {"c": SAFE + 1}}, '$["a b"].c', "2^53"),
        ([-SAFE - 1], "$[0]", "2^53"),
        ({"a": {"t": "x\ud800"}}, "$.a.t", "surrogate"),
        ({"a": {"\udc00": 1}}, "$.a, member name '\\udc00'", "surrogate"),
        ({"a": {1: 1}}, "$.a", "member name"),
        ({"a": b"raw"}, "$.a", "bytes"),
        ({"a": {3, 4}}, "$.a", "set"),
    ],
)
def test_values_without_a_form_are_refused_with_their_place(
    value: Any, path: str, why: str
) -> None:
    """The error names the JSON path and the reason."""
    with pytest.raises(NotCanonical) as fault:
        canonical_json(value)
    assert fault.value.path == path
    assert why in str(fault.value)


def test_nesting_has_a_limit_that_does_not_depend_on_the_machine() -> None:
    """`MAX_DEPTH` levels are written, one more is refused, a thousand more do not crash."""
    nested: Any = 0
    for _ in range(MAX_DEPTH):
        nested = [nested]
    assert canonical_json(nested) == b"[" * MAX_DEPTH + b"0" + b"]" * MAX_DEPTH
    with pytest.raises(NotCanonical, match="deeper"):
        canonical_json([nested])
    with pytest.raises(NotCanonical, match="deeper"):
        parse_json("[" * 100_000 + "]" * 100_000)
    with pytest.raises(NotCanonical, match="deeper"):
        parse_json('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":{"b":[{"c":1,"c":1}]}}', "twice"),
        (b'{"a" :1,"a" :2,"x":":"}', "twice"),
        (b'{"a"\n:1,"a"\n:2,"x":":"}', "twice"),
        (b'{"a"\t:1,"a"\t:2,"x":":"}', "twice"),
        (b'{"a"\r:1,"a"\r:2,"x":":"}', "twice"),
        (b'{"a":1,"a":2,"x":":"}', "twice"),
        (b'{"a":1,"a":2,"x":"\\u003a"}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'{"a":1,"a":2,"b\\\\":3}', "twice"),
        (b'{"a\\\\":1,"a\\\\":2,"x":":"}', "twice"),
        (b'{"a":1,"a":1.5}', "twice"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "UTF-8"),
        (b"[NaN]", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[1e999]", "finite"),
        (b"[9007199254740993]", "double"),
        (b"[" + b"9" * 5000 + b"]", "double"),
        (b'["\\ud800"]', "surrogate"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        ('"\ud800"', "surrogate"),
    ],
)
def test_texts_without_one_meaning_are_refused(text: bytes | str, why: str) -> None:
    """Texts that two readers could understand differently are not parsed at all."""
    with pytest.raises(NotCanonical, match=why):
        parse_json(text)


names = st.sampled_from(["a", "b", ":", '"', "\\", 'a":', "a\\", ' "', "ä"])
spaces = st.sampled_from(["", "", " ", "\n", "\t"])


@settings(deadline=None, max_examples=500)
@given(st.lists(st.tuples(names, names, spaces, st.booleans()), max_size=5))
def test_a_name_that_stands_twice_is_always_seen(
    members: list[tuple[str, str, str, bool]],
) -> None:
    """However names and values are spelled and spaced, doubles are refused and the rest is read."""
    written = [
        f"{json.dumps(name, ensure_ascii=escaped)}{space}:{json.dumps(value)}"
        for name, value, space, escaped in members
    ]
    text = "{" + ",".join(written) + "}"
    if len({name for name, *_ in members}) < len(members):
        with pytest.raises(NotCanonical, match="twice"):
            parse_json(text)
    else:
        assert parse_json(text) == json.loads(text)


def test_exact_integers_beyond_the_safe_range_are_floats() -> None:
    """An integer text that is exactly how a double is written is that double, as in ECMAScript."""
    assert parse_json("[100000000000000000000,-9007199254740992]") == [1e20, -(2.0**53)]
    assert type(parse_json("9007199254740991")) is int
    assert type(parse_json("9007199254740992")) is float
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
