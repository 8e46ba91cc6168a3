"""Canonical JSON by the quick encoder, where that is sure to give the same bytes."""

import re
from typing import Any, Final

import orjson
from casetrail_evidence.canonical import canonical_json
from casetrail_evidence.leaves import Encode

_ODD: Final = rb"-?(?:[0-9]+[.eE]|[0-9]{16})"
_ODD_MEMBER: Final = re.compile(rb'":' + _ODD)
_ODD_FIRST_ITEM: Final = re.compile(rb"\[" + _ODD)
_ODD_ITEM: Final = re.compile(rb"," + _ODD)
"""A fraction, or an integer that may be beyond 2^53: ECMAScript writes them in its own way. In a
text without spaces a number follows a name, a bracket or a comma; strings only look like one. Three
patterns, because a pattern that begins with fixed bytes is searched for several times as fast."""
_ASTRAL: Final = re.compile(rb"[\xf0-\xff]")
"""Beyond 16 bits UTF-16 sorts names otherwise than UTF-8."""
_DEPTH: Final = 100


def encoder_of(data: bytes) -> Encode:
    """The encoder for what `data` was parsed to, and for its parts.

    `data` must be a text that orjson writes in the same way again (see `quickly_parsed`): then
    what is left to differ from RFC 8785 are numbers, the order of names, and nesting.
    """
    if (
        _ODD_MEMBER.search(data) is not None
        or _ODD_ITEM.search(data) is not None
        or _ODD_FIRST_ITEM.search(data) is not None
        or (not data.isascii() and _ASTRAL.search(data) is not None)
        or data.count(b"{") + data.count(b"[") > _DEPTH
    ):
        return canonical_json
    return _encode


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what does not come from the text, such as the subject, is odd
        return canonical_json(value)
