"""The custody bar: who had a case and for how long, as places on a line from 0 to 1000."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from casetrail_gateway.domain.log import Interval

WIDTH: Final = 1000.0
LEAST: Final = 3.0
"""Narrower than this a stretch could not be seen or pointed at."""
NOBODY: Final = frozenset({"queue", "nobody"})


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval in its lane."""

    x: float
    width: float
    interval: Interval
    seconds: float


@dataclass(frozen=True, slots=True)
class Lane:
    """All intervals of one holder."""

    kind: str
    holder: str | None
    bars: tuple[Bar, ...]

    @property
    def seconds(self) -> float:
        """How long in all."""
        return sum(bar.seconds for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The lanes in the order in which their holders first had the case."""

    lanes: tuple[Lane, ...]
    begins: datetime
    ends: datetime
    handed_over: int
    """How often one person had it after another."""

    @property
    def unowned(self) -> float:
        """Seconds in which no person had it."""
        return sum(lane.seconds for lane in self.lanes if lane.kind in NOBODY)


def drawn(custody: Sequence[Interval], now: datetime) -> Drawing | None:
    """The drawing of these intervals, to scale; None when there are none."""
    if not custody:
        return None
    begins = custody[0].begins
    ends = max([now if i.ends is None else i.ends for i in custody] + [begins])
    whole = (ends - begins).total_seconds()
    lanes: dict[tuple[str, str | None], list[Bar]] = {}
    for interval in custody:
        until = ends if interval.ends is None else interval.ends
        seconds = max(0.0, (until - interval.begins).total_seconds())
        place = (interval.begins - begins).total_seconds() / whole * WIDTH if whole else 0.0
        width = max(LEAST, seconds / whole * WIDTH if whole else WIDTH / len(custody))
        bar = Bar(round(min(place, WIDTH - LEAST), 2), round(width, 2), interval, seconds)
        lanes.setdefault((interval.kind, interval.holder), []).append(bar)
    return Drawing(
        tuple(Lane(kind, holder, tuple(bars)) for (kind, holder), bars in lanes.items()),
        begins,
        ends,
        _handed_over(custody),
    )


def _handed_over(custody: Iterable[Interval]) -> int:
    owners = [interval.holder for interval in custody if interval.kind == "owner"]
    return sum(one != other for one, other in pairwise(owners))


def duration(seconds: float) -> str:
    """`4 s`, `03:12`, `1:43:00`, `2 d 04:10`: short, and read at a glance."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
