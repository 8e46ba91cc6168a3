"""The day in figures, read off the log alone."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from casetrail_local.description import StackDescription
from pymongo import AsyncMongoClient

from tests.simulation.plan import BEGINS, DAY

Json = dict[str, Any]
BIN: Final = 15
"""Minutes of one point of a curve."""
BINS: Final = DAY // BIN
CLOCKS: Final = ("first_response", "next_response", "resolution")
_STAFF: Final = frozenset({"agent", "lead", "admin"})


@dataclass
class Figures:
    """Curves of the day, one value each quarter of an hour, and totals."""

    items: list[int] = field(default_factory=lambda: [0] * BINS)
    actions: list[int] = field(default_factory=lambda: [0] * BINS)
    waiting: list[int] = field(default_factory=lambda: [0] * BINS)
    held: list[int] = field(default_factory=lambda: [0] * BINS)
    outside: list[int] = field(default_factory=lambda: [0] * BINS)
    breaches: dict[str, list[int]] = field(
        default_factory=lambda: {clock: [0] * 24 for clock in CLOCKS}
    )
    escalations: list[int] = field(default_factory=lambda: [0] * 24)
    totals: Counter[str] = field(default_factory=Counter)
    longest_wait: float = 0
    """Minutes a case waited in the queue, at most."""


class _Day:
    """Folds events in log order into curves."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.queued: dict[str, float] = {}
        self.held: set[str] = set()
        self.outside: dict[str, str] = {}
        self.bin = 0

    def take(self, record: Json) -> None:
        minute = _minute(record["occurred_at"])
        while self.bin < BINS and minute >= (self.bin + 1) * BIN:
            self.end_bin()
        action: str = record["action"] or ""
        self.figures.totals[action] += 1
        place, hour = int(minute // BIN), int(minute // 60)
        if record["source"] == "casetrail/ingest":
            self.figures.items[place] += 1
        elif (record["actor"] or {}).get("kind") in _STAFF and not action.startswith("access."):
            self.figures.actions[place] += 1
        self._custody(action, record, minute)
        if action == "ticket.sla_breached":
            self.figures.breaches[record["data"]["clock"]][hour] += 1
        if action == "conversation.escalated":
            self.figures.escalations[hour] += 1

    def _custody(self, action: str, record: Json, minute: float) -> None:
        conversation, ticket = record["conversation_id"], record["ticket_id"]
        match action:
            case "conversation.queued":
                self.queued.setdefault(conversation, minute)
                self.held.discard(conversation)
            case "conversation.assigned" | "conversation.transferred":
                since = self.queued.pop(conversation, minute)
                self.figures.longest_wait = max(self.figures.longest_wait, minute - since)
                self.held.add(conversation)
            case "conversation.unassigned":
                self.held.discard(conversation)
            case "conversation.closed":
                self.queued.pop(conversation, None)
                self.held.discard(conversation)
            case "conversation.reopened":
                self.held.add(conversation)
            case "ticket.handed_off":
                self.outside[ticket] = conversation
            case "ticket.resolved" | "ticket.closed":
                self.outside.pop(ticket, None)

    def end_bin(self) -> None:
        figures = self.figures
        outside = set(self.outside.values()) & self.held
        figures.waiting[self.bin] = len(self.queued)
        figures.outside[self.bin] = len(outside)
        figures.held[self.bin] = len(self.held) - len(outside)
        self.bin += 1


async def figures_of(stack: StackDescription) -> Figures:
    """The figures of the whole log."""
    day = _Day()
    wanted = dict.fromkeys(
        (
            "action",
            "occurred_at",
            "source",
            "actor.kind",
            "conversation_id",
            "ticket_id",
            "data.clock",
        ),
        1,
    )
    client: AsyncMongoClient[Json] = AsyncMongoClient(stack.mongo_url, tz_aware=True)
    try:
        records = client.get_default_database().records
        found = records.find({"kind": "event"}, wanted).sort([("occurred_at", 1), ("_id", 1)])
        async for record in found.allow_disk_use(True):
            day.take(record)
    finally:
        await client.close()
    while day.bin < BINS:
        day.end_bin()
    return day.figures


def _minute(moment: datetime) -> float:
    return min(max((moment - BEGINS).total_seconds() / 60, 0), DAY - 0.001)
