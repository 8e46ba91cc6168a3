"""Lines of an export: CSV that a spreadsheet reads and does not run, JSON lines, OCSF."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

Form = Literal["csv", "jsonl", "ocsf"]

COLUMNS: Final = (
    *("seq", "at", "recorded_at", "kind", "action", "summary", "actor_kind", "actor_id"),
    *("actor_name", "rule", "on_behalf_of", "target", "reason", "changes", "case_id"),
    *("ticket_id", "conversation_id", "event_id", "correlation_id", "leaf"),
)
OCSF_VERSION: Final = "1.3.0"
OCSF_CLASS: Final = 6003  # API Activity
_OCSF_CATEGORY: Final = 6  # Application Activity
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_ACTIVITIES: Final = {
    "access": _READ,
    "created": _CREATE,
    "opened": _CREATE,
    "received": _CREATE,
    "note_added": _CREATE,
    "erased": _DELETE,
    "status_changed": _UPDATE,
    "assigned": _UPDATE,
    "unassigned": _UPDATE,
    "transferred": _UPDATE,
    "escalated": _UPDATE,
    "deescalated": _UPDATE,
    "tagged": _UPDATE,
    "untagged": _UPDATE,
    "priority_changed": _UPDATE,
    "handed_off": _UPDATE,
    "linked": _UPDATE,
    "resolved": _UPDATE,
    "closed": _UPDATE,
    "reopened": _UPDATE,
}
_INFORMATIONAL: Final = 1
_SUCCESS, _FAILURE = 1, 2
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """The text as a spreadsheet shows it: what would be a formula there has a quote in front."""
    bare = text.lstrip(" \u00a0\u200b\ufeff")
    return f"'{text}" if bare.startswith(_FORMULAS) or text.startswith(_FORMULAS) else text


def csv_line(cells: Sequence[object]) -> bytes:
    """One line of RFC 4180; every text quoted where it has to be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "backslashreplace")


def csv_head() -> bytes:
    """The byte order mark, by which spreadsheets know UTF-8, and the names of the columns."""
    return b"\xef\xbb\xbf" + csv_line(COLUMNS)


def csv_record(view: Mapping[str, Any]) -> bytes:
    """A record as a line of the columns."""
    actor, other = view.get("actor") or {}, view.get("on_behalf_of") or {}
    told = {
        **view,
        "actor_kind": actor.get("kind"),
        "actor_id": actor.get("id"),
        "actor_name": actor.get("name"),
        "rule": actor.get("rule"),
        "on_behalf_of": f"{other['kind']}:{other['id']}" if other else None,
        "changes": _changes(view.get("changes") or ()),
    }
    return csv_line([told.get(column) for column in COLUMNS])


def json_line(value: Mapping[str, Any]) -> bytes:
    """The object on a line of its own."""
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )
        + b"\n"
    )


def ocsf_record(view: Mapping[str, Any], product_version: str) -> dict[str, Any]:
    """A record as an event of the OCSF class API Activity."""
    action = str(view.get("action") or view.get("kind"))
    activity = activity_of(action)
    actor = view.get("actor") or {"kind": "unknown", "id": "unknown"}
    at = _milliseconds(view.get("at") or view["recorded_at"])
    refused = action == "command.rejected" or (view.get("data") or {}).get("outcome") == "refused"
    resources = [
        {"type": noun, "uid": str(view[field])}
        for noun, field in (
            ("case", "case_id"),
            ("ticket", "ticket_id"),
            ("conversation", "conversation_id"),
        )
        if view.get(field)
    ]
    user = {
        "uid": f"{actor.get('kind')}:{actor.get('id')}",
        "name": actor.get("name") or str(actor.get("id")),
        "type": "System" if actor.get("kind") in {"service", "rule"} else "User",
        "type_id": 3 if actor.get("kind") in {"service", "rule"} else 1,
    }
    return {
        "activity_id": activity,
        "category_uid": _OCSF_CATEGORY,
        "class_uid": OCSF_CLASS,
        "type_uid": OCSF_CLASS * 100 + activity,
        "time": at,
        "severity_id": _INFORMATIONAL,
        "status_id": _FAILURE if refused else _SUCCESS,
        "message": view.get("summary"),
        "actor": {"user": user},
        "api": {"operation": action, "service": {"name": "casetrail"}},
        "src_endpoint": {"name": "casetrail", "uid": str(view.get("source") or "casetrail")},
        "resources": resources,
        "metadata": {
            "version": OCSF_VERSION,
            "product": {
                "name": "Casetrail",
                "vendor_name": "Casetrail",
                "version": product_version,
            },
            "uid": view.get("event_id") or str(view["seq"]),
            "sequence": view["seq"],
            "correlation_uid": view.get("correlation_id"),
            "logged_time": _milliseconds(view["recorded_at"]),
            "log_name": view.get("workspace") or "casetrail",
        },
        "unmapped": {
            "leaf": view.get("leaf"),
            "changes": view.get("changes") or [],
            "kind": view.get("kind"),
        },
    }


def activity_of(action: str) -> int:
    """Create, read, update, delete, or other."""
    noun, _, verb = action.partition(".")
    if noun == "access":
        return _READ
    return _ACTIVITIES.get(verb, _OTHER)


def _cell(value: object) -> object:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else value


def _changes(changes: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{c.get('field')}: {_short(c.get('old'))} → {_short(c.get('new'))}" for c in changes]
    return "; ".join(told)


def _short(value: object) -> str:
    return "nothing" if value is None else str(value)


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
