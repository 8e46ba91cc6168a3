"""What is published of a record on `audit.>`: an `AuditRecord`, and its subject.

Made of the leaf input, which holds commitments in the place of personal values, so nothing
personal can slip in.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from casetrail_contracts.subjects import audit_subject

from casetrail_audit.domain import envelope as read

_ODD: Final = re.compile(r"[^a-z0-9_-]+")
_LONGEST: Final = 80
_SANE: Final = 1000
_NO_WORKSPACE: Final = "log"
_SOURCE: Final = "casetrail/audit"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "specversion": lambda value: value == "1.0",
    "id": _is_text,
    "source": _is_text,
    "type": _is_text,
    "subject": _is_text_or_null,
    "time": lambda value: value is None or read.time_of(value) is not None,
    "workspace": _is_text_or_null,
    "correlationid": _is_text_or_null,
    "causationid": _is_text_or_null,
    "sequence": _is_text_or_null,
    "conversationid": _is_text_or_null,
    "caseid": _is_text_or_null,
    "ticketid": _is_text_or_null,
    "data": lambda value: value is None or isinstance(value, dict),
}
"""What `AuditRecord` takes for each attribute of an envelope."""

_OWN: Final = frozenset(
    {"seq", "leaf", "kind", "recordedtime", "commitments", "of", "problem", "envelope", "cut"}
)


def published(
    content: Mapping[str, Any], leaf: bytes, recorded_at: datetime, event_id: str | None
) -> tuple[str, dict[str, Any]]:
    """The subject and the content of the message that tells of a record with this leaf input.

    `recorded_at` stands in for the time of a gap, whose leaf has none.
    """
    place = {
        "seq": content["seq"],
        "leaf": leaf.hex(),
        "kind": content["kind"],
        "recordedtime": content["recorded_at"] or recorded_at.isoformat(),
    }
    event = content["event"]
    subject: str | None = content["subject"]
    workspace = None if subject is None else read.workspace_of(event, subject)
    if event is None:
        about = {
            "specversion": "1.0",
            "id": f"{content['log']}:{content['seq']}",
            "source": _SOURCE,
            "type": f"casetrail.record.{content['kind']}.v1",
            "workspace": workspace,
            "of": content["of"],
            "problem": content["reason"],
        }
        return _subject(workspace, "record", content["kind"]), {**about, **place}
    assert subject is not None
    type_ = read.type_of(event, subject)
    noun, verb = read.noun_verb(type_) or ("foreign", _slug(type_))
    return _subject(workspace, noun, verb), {**_attributes(event, subject, event_id), **place}


def cut(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same record without what makes it large."""
    names = {name: str(content[name])[:_SANE] for name in ("id", "source", "type")}
    place = {name: content[name] for name in ("seq", "leaf", "kind", "recordedtime")}
    return {**place, "specversion": "1.0", **names, "cut": True}


def _attributes(event: Mapping[str, Any], subject: str, event_id: str | None) -> dict[str, Any]:
    """The envelope as `AuditRecord` has it; when it does not fit, whole under `envelope` too."""
    given = {name: value for name, value in event.items() if name != "private"}
    if not read.is_cloud_event(event):
        given = {"data": given}
    attributes: dict[str, Any] = {name: v for name, v in given.items() if name not in _OWN}
    for name, fits in _TYPES.items():
        if not fits(attributes.get(name)):
            attributes[name] = None
    attributes["specversion"] = "1.0"
    attributes["id"] = attributes["id"] or event_id or ""
    attributes["source"] = attributes["source"] or f"nats:{subject}"
    attributes["type"] = read.type_of(event, subject)
    attributes["commitments"] = event.get("private") or {}
    if any(attributes.get(name) != value for name, value in given.items()):
        attributes["envelope"] = dict(event)
    return attributes


def _subject(workspace: str | None, noun: str, verb: str) -> str:
    return audit_subject(workspace or _NO_WORKSPACE, noun, verb)


def _slug(type_: str) -> str:
    return _ODD.sub("-", type_.lower())[:_LONGEST].strip("-") or "event"
