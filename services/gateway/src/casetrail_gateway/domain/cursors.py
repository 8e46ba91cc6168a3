"""Opaque cursors: a place in the log, never a time, bound to the list they were made for."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from casetrail_gateway.domain.errors import CursorMalformed

_LONGEST: Final = 200
_LARGEST: Final = 2**63 - 1


def fingerprint(name: str, filters: Mapping[str, Any]) -> str:
    """Eight characters that differ for another list or other filters."""
    text = json.dumps([name, dict(filters)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def encode(list_of: str, seq: int) -> str:
    """The cursor that goes on after sequence `seq` in the list with this fingerprint."""
    return base64.urlsafe_b64encode(f"{list_of}.{seq}".encode()).decode().rstrip("=")


def decode(list_of: str, cursor: str) -> int:
    """The sequence to go on after.

    Raises:
        CursorMalformed: for anything `encode` did not make for this list.
    """
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise CursorMalformed("The cursor is damaged: use the next_cursor of the page before.")
    try:
        text = base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        ).decode("ascii")
    except (binascii.Error, ValueError):
        raise CursorMalformed(
            "The cursor is damaged: use the next_cursor of the page before."
        ) from None
    made_for, _, seq = text.partition(".")
    number = int(seq) if seq.isdecimal() and len(seq) < 20 else -1  # noqa: PLR2004 - int64
    if not 0 <= number <= _LARGEST or encode(made_for, number) != cursor:
        raise CursorMalformed("The cursor is damaged: use the next_cursor of the page before.")
    if made_for != list_of:
        raise CursorMalformed(
            "The cursor belongs to another list or other filters: start again without it."
        )
    return number


def place(list_of: str, after: str | None) -> int | None:
    """Like `decode`, but also takes a plain sequence number, and None for the beginning."""
    if after is None:
        return None
    if after.isascii() and after.isdecimal() and len(after) < 19:  # noqa: PLR2004 - int64
        return int(after)
    return decode(list_of, after)
