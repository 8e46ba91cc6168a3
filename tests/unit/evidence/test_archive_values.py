"""Archived records that lost single fields, to one erasure after the other."""

import base64
import json
from typing import Any

import pytest
from casetrail_evidence.archive.document import ArchivedRecord
from casetrail_evidence.archive.values import check_values
from casetrail_evidence.bundle.faults import ValueMissing
from casetrail_evidence.disclosure import without
from casetrail_evidence.leaves import leaf_hash, leaf_input, public_event

PRIVATE = {
    "salt": base64.b64encode(bytes(range(32))).decode(),
    "text": "zebra",
    "phone": "923001114291",
    "name": "Sana",
}
TEXT = leaf_input(
    log="SUPPORT",
    seq=7,
    kind="event",
    recorded_at="2026-11-22T10:14:03.120000Z",
    subject="support.main.message.received",
    event=public_event({"id": "e-1", "private": PRIVATE}),
)


def mark(policy: str, *fields: str, **more: Any) -> dict[str, Any]:
    """The mark of an erasure."""
    return {"policy": policy, "policy_version": 1, "fields": list(fields), **more}


def record(left: list[str], erased: dict[str, Any]) -> ArchivedRecord:
    """The record with these values left."""
    gone = [name for name in PRIVATE if name not in {"salt", *left}]
    return ArchivedRecord(
        seq=7,
        leaf=leaf_hash(TEXT).hex(),
        leaf_input=TEXT,
        content=json.loads(TEXT),
        private=without(PRIVATE, gone),
        erased=erased,
    )


def test_each_erased_value_counts_under_the_policy_that_took_it() -> None:
    """INVARIANT I8: what is left opens with its own salt; what is gone has its policy."""
    erased = mark("message-content", "text", before=[mark("customer-request", "phone")])
    assert check_values(record(["name"], erased)) == (
        1,
        {"customer-request/1": 1, "message-content/1": 1},
    )
    with pytest.raises(ValueMissing, match="'phone'"):
        check_values(record(["name"], mark("message-content", "text")))
