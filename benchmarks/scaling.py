"""How far one deployment goes: a day of conversations through queues with measured costs.

`python -m benchmarks.scaling [--charts FOLDER]` prints the table of docs/explanation/scaling.md. It
is a simulation of queues, minute by minute, not of processes: what a record costs each part was
measured on real processes (`COSTS`, by the soak and the recorder's benchmark), what a day looks
like is the sale day's (`SHAPE`, `RECORDS`), and what waits, waits for the part that is full.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.charts import lines

RECORDS: Final = 16.3
"""Records of a conversation, and..."""
MESSAGES: Final = 10.0
"""...messages from or to WhatsApp among them (the sale day: 81,355 and 50,005 of 5,000)."""
SHAPE: Final = (
    *(0.4, 0.3, 0.2, 0.2, 0.2, 0.3, 0.6, 1.0, 1.6, 2.2, 2.6, 2.8),
    *(2.6, 2.4, 2.4, 2.6, 2.8, 3.0, 3.2, 3.6, 4.0, 3.2, 1.8, 0.8),
)
"""Weight of each hour of a sale day."""
CAMPAIGN: Final = (20 * 60, 20 * 60 + 10, 4.0)
"""From and to which minute of the day how many times as much comes in: a message to everybody."""
MINUTES: Final = 24 * 60


@dataclass(frozen=True)
class Part:
    """A part of the system: what one event costs it, and what cannot be had twice.

    `seconds` of a core for each `per`; `most` events a second for one of a partition (a stream's
    leader, the follower of a log, a primary), None where replicas share the work.
    """

    name: str
    seconds: float
    per: str
    most: float | None
    why: str


COSTS: Final = (
    Part("ingest", 0.00185, "message", None, "replicas; 2,273 POSTs/s of one"),
    Part("routing", 0.0044, "message", None, "replicas, in order per conversation"),
    Part("tickets", 0.0020, "message", None, "replicas, in order per ticket"),
    Part("stream SUPPORT", 0.0017, "record", 9000.0, "one leader, one fsync a batch"),
    Part("audit, recording", 0.000146, "record", None, "replicas"),
    Part("audit, following", 0.000146, "record", 5351.0, "one follower of a log at a time"),
    Part("MongoDB", 0.0061, "record", 2600.0, "one primary; 16 cores"),
)
BYTES: Final = {"MongoDB": 707.0, "stream": 1100.0, "archive": 666.0}
"""Of a record: with indexes and views; as a message; what stays after it was archived."""


def arrivals(conversations: float) -> Iterator[float]:
    """Conversations in each minute of a day of so many."""
    weights = [SHAPE[minute // 60] for minute in range(MINUTES)]
    begins, ends, times = CAMPAIGN
    weights[begins:ends] = [weight * times for weight in weights[begins:ends]]
    whole = sum(weights)
    return (conversations * weight / whole for weight in weights)


@dataclass(frozen=True)
class Day:
    """What a day of so many conversations on so many partitions does to one part of one of them."""

    part: Part
    busiest: float
    """Events a second in the busiest minute."""
    cores: float
    """Busy in that minute, over all replicas."""
    waiting: Sequence[float]
    """Seconds that what arrives in a minute waits at its end."""

    @property
    def longest(self) -> float:
        """Seconds, at the worst."""
        return max(self.waiting)


def day(part: Part, conversations: float, partitions: int = 1) -> Day:
    """One part of one partition."""
    each = MESSAGES if part.per == "message" else RECORDS
    rates = [count * each / 60 / partitions for count in arrivals(conversations)]
    backlog, waits = 0.0, []
    for rate in rates:
        if part.most is not None:
            backlog = max(0.0, backlog + (rate - part.most) * 60)
        waits.append(0.0 if part.most is None else backlog / part.most)
    return Day(part, max(rates), max(rates) * part.seconds, waits)


def partitions_for(conversations: float, patience: float = 10.0) -> int:
    """The least number of partitions with which nothing waits longer than `patience` seconds."""
    number = 1
    while any(day(part, conversations, number).longest > patience for part in COSTS):
        number += 1
    return number


def table(sizes: Sequence[float]) -> Iterator[str]:
    """Lines of Markdown: a row for each size of a day."""
    yield (
        "| conversations a day | records/s, mean and busiest minute | first to be full with one "
        "partition | longest wait | partitions | cores, busiest minute | disk a day |"
    )
    yield "|---:|---:|---|---:|---:|---:|---:|"
    for size in sizes:
        days = [day(part, size) for part in COSTS]
        worst = max(days, key=lambda each: each.longest)
        records = next(each for each in days if each.part.per == "record")
        full = f"{worst.part.name} ({worst.part.most:,.0f}/s)" if worst.longest > 0 else "nothing"
        cores = sum(each.cores for each in days)
        disk = size * RECORDS * (BYTES["MongoDB"] + 3 * BYTES["stream"]) / 1e9
        yield (
            f"| {size:,.0f} | {size * RECORDS / 86400:,.0f}, {records.busiest:,.0f} | {full} | "
            f"{_time(worst.longest)} | {partitions_for(size)} | {cores:,.0f} | {disk:,.0f} GB |"
        )


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def main() -> int:
    """0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="draw the waits there")
    options = parser.parse_args()
    sizes = (10_000, 100_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000)
    for line in table(sizes):
        print(line)
    if options.charts is not None:
        options.charts.mkdir(parents=True, exist_ok=True)
        waits = {}
        for size in (1_000_000, 3_000_000, 10_000_000):
            worst = max((day(part, size) for part in COSTS), key=lambda each: each.longest)
            waits[f"{size / 1e6:g} M a day"] = [
                max(worst.waiting[hour * 60 : hour * 60 + 60]) / 60 for hour in range(24)
            ]
        chart = lines("How long an event waits for its record, one partition", "minutes", waits)
        (options.charts / "waiting.svg").write_text(chart, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
