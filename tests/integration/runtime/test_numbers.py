"""Numbers that people read aloud, taken by many at once."""

import asyncio

import pytest
from casetrail_runtime.mongo import Database, ensure_indexes
from casetrail_runtime.numbers import NUMBER_INDEXES, NumberSeries


@pytest.fixture
async def replicas(mongo_db: Database) -> list[NumberSeries]:
    """Ten replicas of a service, each with its own view of the series `main:ticket`."""
    await ensure_indexes(mongo_db, {"numbers": NUMBER_INDEXES})
    return [NumberSeries(mongo_db.numbers, "main:ticket") for _ in range(10)]


async def test_a_hundred_at_once_are_without_gaps(replicas: list[NumberSeries]) -> None:
    """Ten replicas, ten causes each: 1001..1100."""
    taken = await asyncio.gather(
        *(replicas[n % 10].take(f"cause-{n}") for n in range(100)),
    )
    assert sorted(taken) == list(range(1001, 1101))


async def test_a_cause_has_one_number(replicas: list[NumberSeries]) -> None:
    """INVARIANT I3: asked for at once by every replica and again later, the same number."""
    taken = await asyncio.gather(*(replica.take("one") for replica in replicas))
    await replicas[0].take("two")
    assert {*taken, await replicas[1].take("one")} == {1001}
    assert await replicas[2].take("three") == 1003


async def test_series_do_not_touch_each_other(mongo_db: Database) -> None:
    """The tickets and cases of two workspaces count for themselves, from their own first number."""
    await ensure_indexes(mongo_db, {"numbers": NUMBER_INDEXES})
    tickets = NumberSeries(mongo_db.numbers, "main:ticket")
    other = NumberSeries(mongo_db.numbers, "other:ticket", first=1)
    assert [await tickets.take("a"), await tickets.take("b")] == [1001, 1002]
    assert [await other.take("a"), await other.take("b")] == [1, 2]
