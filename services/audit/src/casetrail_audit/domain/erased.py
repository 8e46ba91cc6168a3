"""What a record is after its personal values were erased (docs/adr/0015-erasure.md).

`private` is null, or holds what is left of it, and `erased` says why; leaf and leaf input stay for
ever.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_evidence import leaves
from casetrail_evidence.disclosure import disclose, open_fields, without
from casetrail_evidence.errors import EvidenceError

from casetrail_audit.domain import envelope as read
from casetrail_audit.domain import record as make
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import Record

Mark = dict[str, Any]
"""`{erasure_id, policy, policy_version, at, fields, certified}`, and `pending` for a copy that came
later: true while its message is still in the stream. `certified` is false until a certificate that
lists the record is committed. `before` holds the marks of earlier erasures, which took other values
(without `certified`: they are)."""

BYTES: Final = "bytes"
_OF_BEFORE: Final = ("erasure_id", "policy", "policy_version", "at", "fields")


def mark(
    erasure: Mapping[str, Any],
    fields: Sequence[str],
    at: datetime,
    earlier: Mapping[str, Any] | None = None,
) -> Mark:
    """The mark of a record that loses these personal values to this erasure.

    What an earlier erasure took, and no certificate lists yet, this one answers for.
    """
    made: Mark = {
        "erasure_id": erasure["erasure_id"],
        "policy": erasure["policy"],
        "policy_version": erasure["policy_version"],
        "at": at,
        "fields": list(fields),
        "certified": False,
    }
    if earlier is None:
        return made
    before = list(earlier.get("before", []))
    if earlier["certified"]:
        before.append({name: earlier[name] for name in _OF_BEFORE})
    else:
        made["fields"] = sorted({*earlier["fields"], *fields})
    return {**made, "before": before} if before else made


def marks(erased: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The mark of a record and those before it, the oldest first."""
    return [] if erased is None else [*erased.get("before", []), erased]


def left_of(record: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any] | None:
    """The personal values of a record without these; bytes go whole, whatever is in them."""
    return without(record["private"], fields) if record["kind"] == "event" else None


def kept_as_logged(record: Mapping[str, Any]) -> bool:
    """Whether what is left of the values of a record is what its leaf commits to."""
    committed: dict[str, str] = json.loads(record["leaf_input"])["event"]["private"]
    private = record["private"]
    try:
        open_fields(committed, disclose(private, *fields_of(record)))
    except (EvidenceError, KeyError):
        return False
    return True


def fields_of(record: Mapping[str, Any]) -> list[str]:
    """The names of the personal values of a record, sorted; `bytes` of what is kept as bytes."""
    if record["kind"] != "event":
        return [BYTES]
    return sorted(name for name in record.get("private") or {} if name != leaves.SALT_KEY)


def as_the_first(copy: Record, first: Mapping[str, Any]) -> Record:
    """The record of a later copy; without its bytes when the first copy's values are erased."""
    known = first.get("erased")
    if known is None:
        return copy
    again = {**known, "fields": [BYTES], "certified": False, "pending": True}
    again.pop("before", None)
    return {**copy, "private": None, "erased": again}


def restored(leaf_input: str, event_id: str | None, erased: Mark) -> Record:
    """The erased record made of its leaf input, as a certificate lists it: for a rebuild.

    Raises:
        KeyError, ValueError: the text is no leaf input of an event, a duplicate or poison.
    """
    content: dict[str, Any] = json.loads(leaf_input)
    event = content["event"]
    message = Message(
        log=content["log"],
        seq=content["seq"],
        subject=content["subject"],
        data=b"" if event is None else json.dumps({**event, "private": None}).encode(),
        msg_id=event_id,
        recorded_at=datetime.fromisoformat(content["recorded_at"]),
    )
    if content["kind"] == "event":
        record = make.record_of(message, b"")
    else:
        record = make.poison(message, b"", make.problem_of(content["reason"]))
    if content["kind"] == "duplicate":
        differs = (content["reason"] or "").removeprefix("differs in ")
        record |= {
            "kind": "duplicate",
            "of": content["of"],
            "of_event_id": event_id,
            "differs": differs.split(", ") if differs else [],
            "problem": None,
            "workspace": read.workspace_of(None, content["subject"]),
        }
    return {
        **record,
        "private": None,
        "erased": erased,
        "leaf_input": leaf_input,
        "leaf": leaves.leaf_hash(leaf_input),
    }
