"""Canonical JSON by the quick encoder, where that is sure to give the same bytes."""

from typing import Any, Final

import orjson
from casetrail_evidence.canonical import canonical_json
from casetrail_evidence.leaves import Encode

_DEPTH: Final = 100
"""Deeper nesting is the strict encoder's to judge."""
_AS_RFC_8785: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def quickly_parsed(data: bytes) -> dict[str, Any] | None:
    """The object of a JSON text that says nothing twice; None when that takes a closer look.

    A parser that keeps the last of two equal names would hide the other. But what gives the very
    same bytes when it is written again has lost nothing: that holds for all our own events, at a
    fifth of the cost.
    """
    try:
        value = orjson.loads(data)
        same = orjson.dumps(value) == data
    except (orjson.JSONDecodeError, TypeError, RecursionError):
        return None
    return value if same and isinstance(value, dict) else None


def encoder_of(data: bytes, parsed: dict[str, Any]) -> Encode:
    """The encoder for what `data` was quickly parsed to, and for its parts.

    What orjson writes otherwise than RFC 8785 are fractions, and the order of names beyond 16 bits
    (so a text that is not ASCII may have ASCII names only); what it would take and RFC 8785 does
    not are large integers, which it is told to refuse, and deep nesting.
    """
    return _encode if _is_plain(parsed, _DEPTH, any_name=data.isascii()) else canonical_json


def _is_plain(value: dict[str, Any] | list[Any], depth: int, *, any_name: bool) -> bool:
    if depth == 0:
        return False
    items: Any = value
    if isinstance(value, dict):
        if not (any_name or all(map(str.isascii, value))):
            return False
        items = value.values()
    for item in items:
        kind = type(item)
        if kind is str or item is None:
            continue
        if kind is float:
            return False
        if (kind is dict or kind is list) and not _is_plain(item, depth - 1, any_name=any_name):
            return False
    return True


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=_AS_RFC_8785)
    except TypeError:  # a large integer; or what is not from the text, such as the subject, is odd
        return canonical_json(value)
