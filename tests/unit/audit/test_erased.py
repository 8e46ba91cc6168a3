"""What a record is after its erasure, and made again from its certificate."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_audit.domain import record as make
from casetrail_audit.domain.erased import as_the_first, fields_of, mark, restored
from casetrail_audit.domain.message import Message

from tests.integration.privacy.office import said

KEY = b"a key of the tests"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ERASURE = {"erasure_id": "er_1", "policy": "customer-request", "policy_version": 1}


def message(data: bytes, seq: int = 7) -> Message:
    """A message of the stream."""
    at = datetime(2026, 11, 22, 10, 14, 3, 120456, tzinfo=UTC)
    return Message("SUPPORT", seq, "support.main.message.received", data, "said-1", at)


def records() -> list[dict[str, Any]]:
    """An event, an odd event, a copy of the event that differs, and poison."""
    event = said(1, "zebra").to_bytes()
    other = json.dumps({**json.loads(event), "source": "elsewhere"}).encode()
    odd = json.dumps({"order": 1, "price": 1.5, "private": {"name": "Ali"}}).encode()
    first = make.record_of(message(event), KEY)
    return [
        first,
        make.record_of(message(odd), KEY),
        make.duplicate(message(other, 9), KEY, first),
        make.duplicate(message(event, 10), KEY, first),
        make.record_of(message(b"no json: zebra"), KEY),
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_certificate_brings_the_erased_record_back(number: int) -> None:
    """INVARIANT I6: what a certificate lists is enough to make the same record again."""
    record = records()[number]
    marked = mark(ERASURE, fields_of(record), AT)
    erased = {**record, "private": None, "erased": marked}
    again = restored(record["leaf_input"], record["event_id"] or record["of_event_id"], marked)
    assert again == erased


def test_the_fields_of_each_kind() -> None:
    """Names of values without the salt; copies and poison have bytes."""
    event, odd, *others = records()
    assert fields_of(event) == ["name", "phone", "raw", "text"]
    assert fields_of(odd) == ["name"]
    assert [fields_of(other) for other in others] == [["bytes"]] * 3


def test_a_copy_of_an_erased_event_keeps_nothing() -> None:
    """INVARIANT I8: its leaf is the true one, its bytes are not kept, its message is still due."""
    first, *_, copy, _ = records()
    assert as_the_first(copy, first) is copy
    marked = mark(ERASURE, fields_of(first), AT)
    forgotten = as_the_first(copy, {**first, "erased": marked})
    assert forgotten["private"] is None
    assert forgotten["leaf"] == copy["leaf"]
    assert (forgotten["erased"]["fields"], forgotten["erased"]["pending"]) == (["bytes"], True)
    assert forgotten["erased"]["certified"] is False
