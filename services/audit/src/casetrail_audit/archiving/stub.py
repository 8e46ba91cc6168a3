"""What is left of a record in MongoDB once it is archived: its place, not its content.

Everything that is indexed stays, so whatever was found is found still, every sequence has its one
record, and a copy of an event is known as one for ever. What was only read is in the archive.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from casetrail_evidence import leaves
from casetrail_evidence.archive.document import ArchivedRecord

from casetrail_audit.domain import envelope as read
from casetrail_audit.domain import record as make
from casetrail_audit.domain.erased import fields_of, restored
from casetrail_audit.domain.record import Record

CONTENT: Final = (
    "source",
    "actor",
    "on_behalf_of",
    "changes",
    "reason",
    "data",
    "correlation_id",
    "causation_id",
    "private",
    "differs",
    "problem",
    "leaf_input",
)
"""The fields that leave."""
_PASSING: Final = frozenset({"certified", "pending"})


def archived_mark(record: Mapping[str, Any], file: str, by: int, at: datetime) -> dict[str, Any]:
    """`archived` of a record: the file, the sequence of the event that says so, and when that was.

    `fields` are the names of the personal values that the archive holds.
    """
    fields = fields_of(record) if record.get("private") is not None else []
    return {"file": file, "by": by, "at": at, "fields": fields}


def stub_of(record: Mapping[str, Any], mark: Mapping[str, Any]) -> Record:
    """The record without what is in the archive."""
    return {**record, **dict.fromkeys(CONTENT), "archived": dict(mark)}


def line_of(record: Mapping[str, Any]) -> ArchivedRecord:
    """A record as an archive holds it."""
    content: dict[str, Any] = json.loads(record["leaf_input"])
    kind, private, erased = record["kind"], record["private"], record.get("erased")
    event_id: str | None = record["of_event_id"] if kind == "duplicate" else record["event_id"]
    if kind == "event" and read.text(content["event"], "id") == event_id:
        event_id = None
    if private is not None and kind != "event":
        private = {
            "bytes": base64.b64encode(private["bytes"]).decode(),
            leaves.SALT_KEY: private[leaves.SALT_KEY],
        }
    return ArchivedRecord(
        seq=record["_id"],
        leaf=bytes(record["leaf"]).hex(),
        leaf_input=record["leaf_input"],
        private=private,
        erased=None if erased is None else told_mark(erased),
        event_id=event_id,
        noted_at=_text(record["recorded_at"]) if kind == "gap" else None,
    )


def told_mark(erased: Mapping[str, Any]) -> dict[str, Any]:
    """The mark of an erasure as plain JSON; whether it is certified yet is not told."""
    told = {name: value for name, value in erased.items() if name not in _PASSING}
    if "before" in told:
        told["before"] = [told_mark(each) for each in told["before"]]
    return {**told, "at": _text(erased["at"])}


def mark_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The mark that was told so."""
    mark = {**told, "at": datetime.fromisoformat(told["at"])}
    if "before" in told:
        mark["before"] = [mark_of(each) for each in told["before"]]
    return mark


def record_of_line(line: ArchivedRecord) -> Record:
    """The record that an archive holds, as it stood in MongoDB.

    Raises:
        KeyError, ValueError: the line is no record.
    """
    content: Mapping[str, Any] = json.loads(line.leaf_input)
    if content["kind"] == "gap":
        noted_at = datetime.fromisoformat(line.noted_at or "")
        return make.gap(content["log"], line.seq, content["reason"], noted_at)
    erased = None if line.erased is None else {**mark_of(line.erased), "certified": True}
    record = restored(line.leaf_input, line.event_id, erased or {})
    if erased is None:
        del record["erased"]
    private = None if line.private is None else dict(line.private)
    if private is not None and content["kind"] != "event":
        private = {**private, "bytes": base64.b64decode(private["bytes"]), "detail": None}
    return {**record, "private": private}


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def without_content(record: Mapping[str, Any]) -> Record:
    """What a record has in common with what is left of it once it is archived."""
    left = {**record, **dict.fromkeys(CONTENT)}
    left.pop("archived", None)
    return left
