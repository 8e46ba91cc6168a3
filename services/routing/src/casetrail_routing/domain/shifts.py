"""When a shift is planned to end, by the wall clock where the person works."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def planned_end(now: datetime, until: str, zone: str) -> datetime:
    """The next moment after `now` at which the clocks of the zone show `until` (`18:00`), in UTC.

    A time of day that a change to summer time leaves out is taken as the one an hour later; of one
    that the change back repeats, the first that is still to come.
    """
    place = ZoneInfo(zone)
    clock = time.fromisoformat(until)
    day = now.astimezone(place).date()
    for ahead in (0, 1, 2):
        on = day + timedelta(days=ahead)
        for fold in (0, 1):
            at = datetime.combine(on, clock, place).replace(fold=fold).astimezone(UTC)
            if at > now:
                return at
    raise AssertionError("unreachable: every time of day comes within two days")
