"""The timeline as a rail: entries with the holes that stand in front of them, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from casetrail_contracts.api import Hole, Timeline, TimelineEntry

WEIGHTY: Final = frozenset(
    {
        "conversation.assigned",
        "conversation.transferred",
        "conversation.escalated",
        "ticket.created",
        "ticket.handed_off",
        "ticket.resolved",
        "conversation.closed",
    }
)
"""What decided how the case went on: it stands out by weight."""
MARKS: Final = {
    "conversation.escalated": "escalated",
    "ticket.sla_breached": "breached",
    "command.rejected": "refused",
    "ticket.handed_off": "outside",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the rail; `holes` are missing in front of it, `day` begins a new day."""

    entry: TimelineEntry
    holes: tuple[Hole, ...]
    day: date | None
    weighty: bool
    mark: str | None

    @property
    def reason(self) -> str | None:
        """The reason, unless the sentence says it already."""
        said = self.entry.reason
        return None if said is None or said in self.entry.summary else said

    @property
    def recorded_apart(self) -> bool:
        """True when it was recorded noticeably later than it happened."""
        return (self.entry.recorded_at - self.entry.at).total_seconds() > 60  # noqa: PLR2004


def row_of(entry: TimelineEntry, holes: tuple[Hole, ...] = (), day: date | None = None) -> Row:
    """The row of one entry."""
    return Row(entry, holes, day, entry.action in WEIGHTY, MARKS.get(entry.action))


def rail_of(timeline: Timeline) -> Sequence[Row]:
    """The rows of a history; the holes behind the last entry stand in none of them."""
    rows: list[Row] = []
    shown: date | None = None
    for entry in timeline.entries:
        day = entry.at.date()
        holes = tuple(hole for hole in timeline.holes if hole.before_seq == entry.seq)
        rows.append(row_of(entry, holes, None if day == shown else day))
        shown = day
    return rows
