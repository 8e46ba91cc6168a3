"""A task that was told to end does, whatever happens in the same turn of the loop."""

import asyncio
from contextlib import suppress

import pytest
from casetrail_runtime.tasks import end, happens
from structlog.testing import capture_logs


@pytest.mark.parametrize("turns", range(6))
async def test_a_wait_hears_the_end_in_the_turn_in_which_its_event_comes(turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11 loses the cancellation in one of these turns."""
    event = asyncio.Event()

    async def forever() -> None:
        while True:
            await happens(event, 60)
            event.clear()

    task = asyncio.create_task(forever())
    await asyncio.sleep(0.01)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done == {task}
    assert task.cancelled()


async def test_a_task_that_misses_its_cancellation_is_told_again() -> None:
    """Once is not always enough: a library's wait may forget it."""
    told = 0

    async def deaf() -> None:
        nonlocal told
        while told < 2:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            told += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end(task)
    assert told == 2


async def test_a_task_that_failed_keeps_no_other_from_its_end() -> None:
    """Its error is logged, and the others end."""

    async def fails() -> None:
        raise ValueError("no such file")

    failed, other = asyncio.create_task(fails(), name="one"), asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    with capture_logs() as logged:
        await end(failed, other)
    assert other.cancelled()
    assert [(line["task"], line["reason"]) for line in logged] == [
        ("one", "ValueError: no such file")
    ]


async def test_an_event_that_does_not_come_is_no_error() -> None:
    """The wait says which it was."""
    event = asyncio.Event()
    assert not await happens(event, 0.01)
    event.set()
    assert await happens(event, 0.01)
