"""What the follower keeps in memory says the same as the records."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from casetrail_audit.domain.folding import Entry, Origin, starts_episode
from casetrail_audit.ports import FinalRecord
from casetrail_audit.use_cases.finals import ReadOnce
from casetrail_audit.use_cases.recent import RecentEntries
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import entries_of, origin_of, records_of
from tests.unit.audit.random_history import STEPS, Step, history_of


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(1, 60), st.data())
def test_an_origin_is_the_one_in_the_records_or_is_not_known(
    steps: list[Step], most: int, data: st.DataObject
) -> None:
    """Whatever the batches, the room and the place it began at; all of it is known if it fits."""
    records = records_of(history_of(steps).events)
    entries = entries_of(records)
    recent, position = RecentEntries(most), data.draw(st.integers(0, 5))
    whole = position == 0 and most >= len(entries)
    while position < len(entries):
        batch = entries[position : position + data.draw(st.integers(1, 10))]
        recent.add(batch, [records[entry.seq - 1]["event_id"] for entry in batch])
        for entry in filter(starts_episode, batch):
            known, told = recent.origin(entry), origin_of(records, entry)
            assert known in (None, told)
            if whole and told.cause_seq is not None:
                assert known == told
        position += len(batch)


def test_a_stretch_that_does_not_follow_begins_anew() -> None:
    """Between two stretches there may be anything, so what lies before is forgotten."""
    history = history_of([])
    cause = history.says("cv_a")
    history.opens(cause, "cv_a", "CASE-1")
    records = records_of(history.events)
    message, opening = entries_of(records)
    recent = RecentEntries()
    recent.add([message], [cause.id])
    assert recent.origin(opening) == origin_of(records, opening) != Origin()
    recent.add([Entry(4, "gap", datetime(2026, 11, 22, tzinfo=UTC))], [None])
    assert recent.origin(opening) is None


class Store:
    """Counts how often it is read; fails when told to."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []
        self.away = False

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """One record."""
        self.reads.append((after, through))
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError("away")
        return [FinalRecord(after + 1, {}, b"", datetime.now(UTC), None)]

    async def origin(self, entry: Entry) -> Origin:
        """None."""
        return Origin()


async def test_a_stretch_is_read_once() -> None:
    """Who asks at the same time or right after gets the same; another stretch is read."""
    store = Store()
    once = ReadOnce(store)
    first, second = await asyncio.gather(once.finals(0, 5), once.finals(0, 5))
    assert first is second is await once.finals(0, 5)
    await once.finals(1, 5)
    assert store.reads == [(0, 5), (1, 5)]


async def test_a_failed_reading_is_not_kept() -> None:
    """Each who waited hears of it; the next one reads again."""
    store = Store()
    store.away = True
    once = ReadOnce(store)
    told = await asyncio.gather(once.finals(0, 5), once.finals(0, 5), return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    store.away = False
    assert len(await once.finals(0, 5)) == 1


async def test_what_need_not_be_read_is_not() -> None:
    """Only the stretch that was kept; the next one is read."""
    store = Store()
    once = ReadOnce(store)
    ready = [FinalRecord(seq, {}, b"", datetime.now(UTC), None) for seq in (4, 5)]
    once.keep(3, ready)
    assert await once.finals(3, 5) is ready
    assert store.reads == []
    await once.finals(5, 6)
    assert store.reads == [(5, 6)]
