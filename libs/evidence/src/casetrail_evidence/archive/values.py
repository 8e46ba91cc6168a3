"""The personal values of an archived record, against what was committed to."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_evidence.bundle.certificates import policy_name
from casetrail_evidence.bundle.faults import ValueMissing
from casetrail_evidence.errors import CommitmentMismatch, Malformed
from casetrail_evidence.leaves import SALT_KEY, field_salts, verify_bytes, verify_commitment

BYTES: Final = "bytes"


def check_values(record: ArchivedRecord) -> tuple[int, dict[str, int]]:
    """How many values are there, and how many are erased, by policy; all of them as logged.

    Raises:
        CommitmentMismatch: a value is not the one that was logged.
        ValueMissing: a value is neither there nor said to be erased.
    """
    shown = _shown(record)
    gone = _gone(record.erased)
    logged = _logged(record.content)
    for name in sorted(logged - shown):
        if name not in gone:
            raise ValueMissing(
                f"Record {record.seq}: the value of {name!r} was logged, and is neither in the "
                "archive nor said to be erased: it is missing."
            )
    counts: dict[str, int] = {}
    for name in logged - shown:
        counts[gone[name]] = counts.get(gone[name], 0) + 1
    return len(shown), counts


def _gone(erased: Mapping[str, Any] | None) -> dict[str, str]:
    """The policy that took each value: of the mark, and of those before it."""
    gone: dict[str, str] = {}
    for mark in [] if erased is None else [*(erased.get("before") or ()), erased]:
        policy = policy_name(mark.get("policy"), mark.get("policy_version"))
        gone |= {str(name): policy for name in mark.get("fields") or ()}
    return gone


def _logged(content: Mapping[str, Any]) -> set[str]:
    event = content.get("event")
    if isinstance(event, dict):
        return set(event.get("private") or ())
    return set() if content.get("bytes") is None else {BYTES}


def _shown(record: ArchivedRecord) -> set[str]:
    """The names of the values that are there, each checked."""
    private = record.private
    if private is None:
        return set()
    event = record.content.get("event")
    if not isinstance(event, dict):
        return _shown_bytes(record, private)
    names = {name for name in private if name != SALT_KEY}
    committed: Mapping[str, str] = event.get("private") or {}
    if not names:
        return set()
    for name in sorted(names - set(committed)):
        raise CommitmentMismatch(
            f"Record {record.seq}: it was logged without a private field {name!r}."
        )
    try:
        salts = field_salts(private)
        for name in sorted(names):
            verify_commitment(committed[name], bytes.fromhex(salts[name]), name, private[name])
    except CommitmentMismatch as fault:
        raise CommitmentMismatch(f"Record {record.seq}: {fault}") from fault
    except (KeyError, TypeError, ValueError) as fault:
        raise Malformed(f"Record {record.seq} has no salts for its values.") from fault
    return names


def _shown_bytes(record: ArchivedRecord, private: Mapping[str, Any]) -> set[str]:
    committed = record.content.get(BYTES)
    if set(private) != {BYTES, SALT_KEY} or not isinstance(committed, str):
        raise Malformed(f"Record {record.seq} has values that its kind does not have.")
    try:
        data = base64.b64decode(private[BYTES], validate=True)
        salt = base64.b64decode(private[SALT_KEY], validate=True)
    except (binascii.Error, TypeError, ValueError) as fault:
        raise Malformed(f"Record {record.seq} has no bytes in base64.") from fault
    try:
        verify_bytes(committed, salt, data)
    except CommitmentMismatch as fault:
        raise CommitmentMismatch(f"Record {record.seq}: {fault}") from fault
    return {BYTES}
