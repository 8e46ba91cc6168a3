"""Working time: hours of each weekday in a time zone, without holidays.

Hours are read off the wall clock of the zone. A time of day that a change to summer time leaves out
never comes; one that the change back repeats comes, and counts, twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 24 * 60
"""Minutes."""
HORIZON: Final = timedelta(days=5 * 366)
"""How far ahead work is looked for."""
_STEP: Final = timedelta(hours=12)  # no zone changes its offset twice within it
_NONE: Final = timedelta(0)

Hours = tuple[tuple[int, int], ...]
"""Stretches of one day, in minutes since midnight on the wall clock; the end is not part of it."""
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Calendar:
    """When somebody is there to work."""

    zone: str
    """A name of the IANA time zone database, e.g. `Asia/Karachi`."""
    week: tuple[Hours, ...]
    """The hours of Monday to Sunday, in order and apart from each other."""
    holidays: frozenset[date] = frozenset()
    """Dates, in the zone, on which nobody works."""

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def stretches(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """The working stretches between two moments, in order, in UTC."""
        at, last = start.astimezone(UTC), end.astimezone(UTC)
        while at < last:
            until, offset = self._steady(at, min(at + _STEP, last))
            yield from self._on_the_wall(at, until, offset)
            at = until

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two moments."""
        return sum((until - at for at, until in self.stretches(start, end)), _NONE)

    def after(self, start: datetime, work: timedelta) -> datetime | None:
        """The first moment by which so much has been worked; None when it is years away."""
        if work <= _NONE:
            return start.astimezone(UTC)
        for at, until in self.stretches(start, start + HORIZON):
            if until - at >= work:
                return at + work
            work -= until - at
        return None

    def _steady(self, at: datetime, until: datetime) -> tuple[datetime, timedelta]:
        """How far the offset from UTC stays the same, at most to `until`; and the offset."""
        offset = self._offset(at.timestamp())
        low, high = int(at.timestamp()), int(until.timestamp()) + 1
        if self._offset(high) == offset:
            return until, offset
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == offset:
                low = middle
            else:
                high = middle
        return min(until, datetime.fromtimestamp(high, UTC)), offset

    def _offset(self, timestamp: float) -> timedelta:
        return datetime.fromtimestamp(timestamp, self._zone).utcoffset() or _NONE

    def _on_the_wall(self, at: datetime, until: datetime, offset: timedelta) -> Iterator[Stretch]:
        begin, end = at + offset, until + offset  # the wall clock's time, though it says UTC
        today = begin.date()
        while today <= end.date():
            if today not in self.holidays:
                midnight = datetime.combine(today, time(), UTC)
                for opens, closes in self.week[today.weekday()]:
                    first = max(begin, midnight + timedelta(minutes=opens))
                    last = min(end, midnight + timedelta(minutes=closes))
                    if first < last:
                        yield first - offset, last - offset
            today += timedelta(days=1)


ALWAYS: Final = Calendar("UTC", (((0, DAY),),) * 7)
"""Around the clock."""
