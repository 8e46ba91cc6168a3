"""What the CLI prints: a case's history, records, processes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from casetrail_contracts.records import AuditRecord
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from casetrail_local.gateway import Json


def timeline_table(timeline: Json, title: str) -> Table:
    """The history of a case as a reviewer reads it: when, what, who and how."""
    table = Table(title=escape(title), box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("when", no_wrap=True)
    table.add_column("what", ratio=3)
    table.add_column("who and how", ratio=2)
    for entry in timeline["entries"]:
        table.add_row(clock(entry["at"]), escape(what_happened(entry)), escape(who_and_how(entry)))
    return table


def record_line(record: AuditRecord) -> str:
    """One record in one line: its place in the log, when, what, on what, who and how."""
    moment = record.time or record.recordedtime
    what = record.type.removeprefix("casetrail.") if record.kind == "event" else record.kind
    actor = record.actor
    who = "" if actor is None else who_and_how({"actor": actor.model_dump()})
    about = " ".join(part for part in (record.caseid, record.ticketid) if part)
    line = f"{record.seq:>7}  {clock(moment.isoformat())}  {what}  {record.subject or ''}"
    return "  ".join(part for part in (line, about, who) if part)


def facts_table(facts: Mapping[str, object]) -> Table:
    """Names and values, two columns."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(escape(name), escape(str(value)))
    return table


def what_happened(entry: Json) -> str:
    """The sentence of an entry, with old → new where it does not say it itself."""
    return str(entry.get("summary") or entry["action"])


def who_and_how(entry: Json) -> str:
    """`Agent A` or `routing, by rule least-loaded`, and on whose behalf."""
    actor = entry.get("actor") or {}
    who = str(actor.get("name") or actor.get("id") or actor.get("kind") or "unknown")
    if actor.get("kind") == "customer":
        who = "customer"
    parts = [who]
    if actor.get("rule"):
        parts.append(f"by rule {actor['rule']}")
    behalf = entry.get("on_behalf_of") or {}
    if behalf:
        parts.append(f"for {behalf.get('name') or behalf.get('id') or behalf.get('kind')}")
    return ", ".join(parts)


def clock(moment: str | None) -> str:
    """Local time of day of an RFC 3339 moment, to the second."""
    if moment is None:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
