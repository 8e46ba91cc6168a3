"""`casetrail case clocks`: the clocks of a case as a table, and whether the events agree."""

from __future__ import annotations

from typing import Any, Final

from rich.table import Table

Json = dict[str, Any]

_NAMES: Final = {
    "first_response": "first response",
    "next_response": "next response",
    "resolution": "resolution",
}
_COLOURS: Final = {"breached": "red", "met": "green", "running": "yellow", "paused": "dim"}
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def clocks_report(answer: Json) -> tuple[Table, str, bool]:
    """The table, the sentence under it, and True when every event says what was recomputed."""
    table = Table(
        "ticket",
        "clock",
        "policy",
        "began",
        "target",
        "used",
        "due",
        "state",
        "records",
        "events",
        box=None,
        padding=(0, 2, 0, 0),
        title=f"{answer['case_id']} · what was promised, recomputed from the log",
        title_justify="left",
    )
    clocks = answer.get("clocks") or []
    for each in clocks:
        colour = _COLOURS.get(each["state"], "white")
        told = [str(each[name]) for name in ("started_seq", "breached_seq") if each[name]]
        table.add_row(
            each["ticket_id"],
            _NAMES.get(each["clock"], each["clock"]),
            f"{each['policy']} {each['policy_version'][7:15]}",
            _moment(each["started_at"]),
            _span(each["target_seconds"]),
            _span(each["used_seconds"]),
            _moment(each["due_at"]),
            f"[{colour}]{each['state']}[/{colour}]",
            ", ".join(told),
            "[green]agree[/green]" if each["agrees"] else "[red]differ[/red]",
        )
    faults = [
        f"{each['ticket_id']} {_NAMES.get(each['clock'], each['clock'])}: {fault}"
        for each in clocks
        for fault in each["differences"]
    ] + list(answer.get("clock_faults") or [])
    if faults:
        return table, "\n".join(["The events and the records differ:", *faults]), False
    if not clocks:
        return table, "Nothing was promised for the tickets of this case.", True
    through = answer["complete_through"]
    return table, f"{len(clocks)} clocks recomputed through record {through}: all agree.", True


def _moment(value: str | None) -> str:
    return "-" if value is None else value[:19].replace("T", " ")


def _span(seconds: int) -> str:
    if seconds >= _DAY:
        return f"{seconds // _DAY}d {seconds % _DAY // _HOUR}h"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR}h {seconds % _HOUR // _MINUTE}m"
    return f"{seconds // _MINUTE}m" if seconds >= _MINUTE else f"{seconds}s"
