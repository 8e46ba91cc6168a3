"""The day as a table and as charts."""

import statistics
from pathlib import Path

from rich.table import Table

from tests.simulation.charts import bars, lines, stacked
from tests.simulation.day import Told
from tests.simulation.figures import BIN, Figures


def rows(told: Told) -> list[tuple[str, str]]:
    """What a day was, line by line."""
    figures, office, totals = told.figures, told.office, told.figures.totals
    breaches = {clock: sum(hours) for clock, hours in figures.breaches.items()}
    seconds = sorted(office.seconds)
    conflicts = f"{office.conflicts}, {office.told} of them told what had changed"
    bulks = "; ".join(
        f"{bulk['mode']} {bulk['action']} of {bulk['total']}: {bulk['state']}, "
        f"{bulk['done']} done, {bulk['refused']} refused"
        for bulk in told.staff.bulks
    )
    return [
        ("customers, agents, seed", f"{told.size.customers}, {told.size.agents}, {told.size.seed}"),
        ("simulated, real time", f"24 h, {told.seconds / 60:.1f} min"),
        ("webhooks, sent twice", f"{told.post.webhooks}, {told.post.repeated}"),
        ("items in them", str(told.post.taken)),
        (
            "cases opened, closed",
            f"{totals['conversation.opened']}, {totals['conversation.closed']}",
        ),
        ("owners found by rules or people", str(totals["conversation.assigned"])),
        ("given back at the end of a shift", str(told.staff.handed_back)),
        ("complaints escalated", str(totals["conversation.escalated"])),
        ("tickets made, closed", f"{totals['ticket.created']}, {totals['ticket.closed']}"),
        ("handed off to the courier", str(totals["ticket.handed_off"])),
        ("longest wait in the queue", f"{figures.longest_wait:.0f} min"),
        ("breaches", ", ".join(f"{clock} {count}" for clock, count in breaches.items())),
        ("commands, sent twice", f"{len(seconds)}, {office.repeated}"),
        ("command, real time", f"p50 {_ms(seconds, 0.5)}, p99 {_ms(seconds, 0.99)}"),
        ("commands refused by a rule", str(totals["command.rejected"])),
        ("two on one version", conflicts),
        ("bulks", bulks or "none"),
        ("kill -9", ", ".join(told.kills)),
        ("records in the log", str(told.verdict.checked["records"])),
        ("checked", ", ".join(f"{count} {name}" for name, count in told.verdict.checked.items())),
        ("invariants violated (I1-I5, I9)", str(len(told.verdict.violations))),
    ]


def table(told: Told) -> Table:
    """The same for a terminal."""
    shown = Table("The day", "")
    for name, value in rows(told):
        shown.add_row(name, value)
    return shown


def draw(figures: Figures, folder: Path) -> None:
    """load.svg, queue.svg, custody.svg and breaches.svg in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    minutes = f"per {BIN} min"
    load = {"webhook items": figures.items, "actions of the staff": figures.actions}
    custody = {
        "in the queue": figures.waiting,
        "with an agent": figures.held,
        "with the courier": figures.outside,
    }
    told = {
        "load.svg": lines("Load", minutes, load),
        "queue.svg": lines("Cases waiting in the queue", "cases", {"waiting": figures.waiting}),
        "custody.svg": stacked("Who has the open cases", "cases", custody),
        "breaches.svg": bars(
            "Breaches and escalations",
            "per hour",
            {**figures.breaches, "escalations": figures.escalations},
        ),
    }
    for name, text in told.items():
        (folder / name).write_text(text, encoding="utf-8")


def _ms(values: list[float], share: float) -> str:
    if not values:
        return "none"
    place = min(len(values) - 1, int(share * len(values)))
    middle = statistics.median(values) if share == 0.5 else values[place]
    return f"{middle * 1000:.0f} ms"
