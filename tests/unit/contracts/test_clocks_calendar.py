"""Working time against a second implementation that looks at every single minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from casetrail_contracts.clocks import ALWAYS, Calendar
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
ZONES = [
    "UTC",
    "Asia/Karachi",
    "Asia/Kathmandu",  # a quarter of an hour off
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # summer time is half an hour
    "America/Sao_Paulo",  # in years when it changed at midnight
    "Pacific/Apia",  # left out a whole day in 2011
]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin, forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin, back
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York, forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York, back
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, back by half an hour
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo, forward at midnight
    datetime(2018, 2, 18, 2, tzinfo=UTC),  # São Paulo, back at midnight
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia, a day left out
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2025, 12, 31, 23, tzinfo=UTC),
    datetime(2026, 2, 28, 20, tzinfo=UTC),
]


@st.composite
def weeks(draw: st.DrawFn) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Hours for each weekday: none, one stretch, or two; at least one day has some."""
    days = []
    for _ in range(7):
        marks = draw(
            st.lists(st.integers(0, 48), min_size=0, max_size=4, unique=True).filter(
                lambda found: len(found) % 2 == 0
            )
        )
        marks = sorted(30 * mark for mark in marks)
        days.append(tuple(zip(marks[::2], marks[1::2], strict=True)))
    if not any(days):
        days[0] = ((540, 1020),)
    return tuple(days)


@st.composite
def calendars(draw: st.DrawFn, near: datetime) -> Calendar:
    """A calendar with holidays around a moment."""
    offsets = draw(st.sets(st.integers(-3, 5), max_size=3))
    holidays = frozenset(near.date() + timedelta(days=offset) for offset in offsets)
    return Calendar(draw(st.sampled_from(ZONES)), draw(weeks()), holidays)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """A whole minute within two days of a change of the clocks, a month's or a year's end."""
    around = draw(st.sampled_from(CHANGES))
    return around + draw(st.integers(-48 * 60, 48 * 60)) * MINUTE


def is_working(calendar: Calendar, at: datetime) -> bool:
    """What the wall clock says at a moment: the slow definition."""
    wall = at.astimezone(ZoneInfo(calendar.zone))
    if wall.date() in calendar.holidays:
        return False
    minute = wall.hour * 60 + wall.minute
    return any(opens <= minute < closes for opens, closes in calendar.week[wall.weekday()])


def minutes(start: datetime) -> Iterator[datetime]:
    """Every minute from a moment on."""
    at = start
    while True:
        yield at
        at += MINUTE


@given(st.data(), moments(), st.integers(0, 4 * 24 * 60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_worked_counts_every_minute(data: st.DataObject, start: datetime, length: int) -> None:
    """The working time between two moments is the number of working minutes."""
    calendar = data.draw(calendars(start))
    end = start + length * MINUTE
    slow = sum(is_working(calendar, start + number * MINUTE) for number in range(length))
    assert calendar.worked(start, end) == slow * MINUTE


@given(st.data(), moments(), st.integers(1, 12 * 60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_is_the_minute_in_which_the_work_is_done(
    data: st.DataObject, start: datetime, work: int
) -> None:
    """The due moment is the end of the minute with which the target is used up."""
    calendar = data.draw(calendars(start))
    due = calendar.after(start, work * MINUTE)
    left = work
    for at in minutes(start):
        if left == 0:
            assert due == at
            return
        if at - start > timedelta(days=60):
            assert due is not None
            assert due > at
            return
        left -= is_working(calendar, at)


@given(moments(), st.timedeltas(timedelta(0), timedelta(days=90)))
@example(datetime(2026, 3, 29, 0, 59, 59, 999000, tzinfo=UTC), timedelta(milliseconds=2))
def test_around_the_clock_is_plain_time(start: datetime, length: timedelta) -> None:
    """Without hours and holidays working time is time."""
    assert ALWAYS.worked(start, start + length) == length
    assert ALWAYS.after(start, length) == start + length


@given(st.data(), moments(), st.timedeltas(timedelta(seconds=1), timedelta(hours=9)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_and_worked_are_each_others_inverse(
    data: st.DataObject, start: datetime, work: timedelta
) -> None:
    """What is worked until the due moment is the target, to the microsecond."""
    calendar = data.draw(calendars(start))
    due = calendar.after(start, work)
    assert due is not None
    assert calendar.worked(start, due) == work
    assert calendar.worked(start, due - timedelta(microseconds=1)) < work


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 2), (date(2026, 10, 25), 4), (date(2026, 6, 28), 3)]
)
def test_a_shift_across_the_change_of_clocks(day: date, hours: int) -> None:
    """From one to four at night in Berlin: two hours in spring, four in autumn, else three."""
    calendar = Calendar("Europe/Berlin", (((60, 240),),) * 7)
    midnight = datetime.combine(day, time(), ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert calendar.worked(midnight, midnight + timedelta(hours=12)) == timedelta(hours=hours)


def test_a_holiday_is_a_day_of_the_zone() -> None:
    """1 May in Karachi begins five hours before it does in UTC."""
    calendar = Calendar("Asia/Karachi", (((0, 1440),),) * 7, frozenset({date(2026, 5, 1)}))
    start = datetime(2026, 4, 30, 18, tzinfo=UTC)
    assert calendar.after(start, timedelta(hours=2)) == datetime(2026, 5, 1, 20, tzinfo=UTC)


def test_hours_nobody_works_are_never_done() -> None:
    """A calendar without hours gives no due moment, and gives it soon."""
    assert Calendar("UTC", ((),) * 7).after(CHANGES[0], MINUTE) is None
