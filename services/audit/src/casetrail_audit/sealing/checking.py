"""A record as it is stored, checked against its leaf.

`checked_leaf` is what every record passes before its leaf goes into the tree: quick, and sure that
the leaf is the one of this place. `require_fields` compares what stands beside the leaf input.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from casetrail_evidence.merkle import HASH_BYTES

from casetrail_audit.domain import envelope as read
from casetrail_audit.sealing.faults import (
    RecordAltered,
    RecordDiffers,
    RecordMisplaced,
    RecordMissing,
)

Record = Mapping[str, Any]

_LOG: Final = ',"log":'
_SEQ: Final = ',"seq":'
_MILLISECOND: Final = 1000
_SAFE: Final = 2**53 - 1


def checked_leaves(
    records: Sequence[Record], first: int, last: int, log: str, first_seq: int
) -> list[bytes]:
    """The leaf hashes of the records `first` to `last`, given in order, one for each sequence.

    Raises:
        SealingRefused: one is missing, altered, or in another's place.
    """
    leaves = []
    for seq, record in zip(range(first, last + 1), records, strict=False):
        if record["_id"] != seq:
            raise _missing(seq)
        leaves.append(checked_leaf(record, log, first_seq))
    if len(leaves) < last - first + 1:
        raise _missing(first + len(leaves))
    return leaves


def checked_leaf(record: Record, log: str, first_seq: int) -> bytes:
    """The leaf hash of a record that is what it was when it was made, else `SealingRefused`."""
    seq, text, leaf = record["_id"], record.get("leaf_input"), record.get("leaf")
    if is_archived(record) and isinstance(leaf, bytes) and len(leaf) == HASH_BYTES:
        return leaf
    if not isinstance(text, str) or not isinstance(leaf, bytes):
        raise RecordAltered(f"Record {seq} has lost its leaf; index {seq - first_seq} of the tree.")
    if hashlib.sha256(b"\x00" + text.encode()).digest() != leaf:
        raise RecordAltered(
            f"Record {seq} does not hash to its leaf: its leaf input or its leaf was edited."
        )
    # canonical JSON: after the last ,"log": and ,"seq": stand the leaf's own, for what follows them
    # are texts, in which a quotation mark is escaped
    if not text.rpartition(_SEQ)[2].startswith(f"{seq},"):
        raise RecordMisplaced(
            f"Under sequence {seq} stands the record of another place: records were swapped or "
            "moved."
        )
    if not text.rpartition(_LOG)[2].startswith(f'"{log}",'):
        raise RecordMisplaced(f"Record {seq} is not of the log {log}.")
    return leaf


def is_archived(record: Record) -> bool:
    """Whether only the place of a record is here; that the log says so is for others to check."""
    return record.get("archived") is not None and record.get("leaf_input") is None


def require_fields(record: Record) -> None:
    """Nothing when each field says what the leaf input says, else `RecordDiffers` with its name."""
    columns = _columns(orjson.loads(record["leaf_input"]))
    for name, expected in columns.items():
        if not same(record.get(name), expected):
            raise _edited(record, name)
    if "look" in record and not _is_marked_look(record, columns):
        raise _edited(record, "look")


def _is_marked_look(record: Record, columns: Mapping[str, Any]) -> bool:
    """Whether a record with a mark is a look, and the mark the one that looks have.

    A timeline leaves out whatever has the field, also a null.
    """
    return record["look"] is True and read.is_look(columns.get("action") or "")


def _edited(record: Record, name: str) -> RecordDiffers:
    seq = record["_id"]
    return RecordDiffers(
        f"Field {name!r} of record {seq} is not what its leaf input says: it was edited."
    )


def _columns(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of the record follows from its leaf input alone (docs/reference/log.md)."""
    columns: dict[str, Any] = {
        "kind": content["kind"],
        "subject_nats": content["subject"],
        "of": content["of"],
    }
    if content["recorded_at"] is not None:
        columns["recorded_at"] = _milliseconds(content["recorded_at"])
    event = content["event"]
    if event is not None:
        columns.update(_event_columns(event, content["subject"]))
    return columns


def _event_columns(event: Mapping[str, Any], subject: str) -> dict[str, Any]:
    type_ = read.type_of(event, subject)
    data = read.data_of(event)
    columns = {
        "type": type_,
        "action": read.action_of(type_),
        "workspace": read.workspace_of(event, subject),
        "data": data,
        "actor": _if(dict, data.get("actor")),
        "on_behalf_of": _if(dict, data.get("on_behalf_of")),
        "actor_ref": read.actor_ref(data.get("actor")),
        "changes": _if(list, data.get("changes")),
        "reason": read.text(data, "reason"),
        "sequence": read.version_of(event),
    }
    for column, attribute in _ATTRIBUTES.items():
        columns[column] = read.text(event, attribute)
    if (event_id := read.text(event, "id")) is not None and event_id != "":
        columns["event_id"] = event_id
    return columns


_ATTRIBUTES: Final = {
    "source": "source",
    "target": "subject",
    "conversation_id": "conversationid",
    "case_id": "caseid",
    "ticket_id": "ticketid",
    "correlation_id": "correlationid",
    "causation_id": "causationid",
}


def _if(kind: type[Any], value: Any) -> Any:
    return value if isinstance(value, kind) else None


def _milliseconds(text: str) -> datetime:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // _MILLISECOND * _MILLISECOND)


def same(stored: Any, expected: Any) -> bool:
    """Whether two JSON values are one: 1 and 1.0 are, 1 and true are not, order counts in lists."""
    if isinstance(expected, dict):
        return (
            isinstance(stored, dict)
            and len(stored) == len(expected)
            and all(name in stored and same(stored[name], v) for name, v in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(stored, list)
            and len(stored) == len(expected)
            and all(map(_same, stored, expected))
        )
    if isinstance(stored, bool) or isinstance(expected, bool):
        return stored is expected
    if isinstance(expected, int) and abs(expected) > _SAFE and isinstance(stored, float):
        return stored == float(expected)  # canonical JSON writes a large double without exponent
    return bool(stored == expected)


_same: Callable[[Any, Any], bool] = same


def _missing(seq: int) -> RecordMissing:
    return RecordMissing(f"Record {seq} is gone, although the log was complete beyond it.")
