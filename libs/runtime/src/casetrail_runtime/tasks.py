"""Tasks that end when they are told to.

`asyncio.wait_for` of Python 3.11 returns the result and forgets the cancellation when both come in
the same turn of the loop. A task that waits that way in a `while` loop then goes on for ever, and
whoever awaits its end waits for ever too. Our own waits use `asyncio.timeout`, which forgets
nothing; libraries underneath may not, so a cancellation is repeated until it has worked.
"""

import asyncio
from typing import Any, Final

import structlog

from casetrail_runtime.redaction import describe_error

log = structlog.get_logger(__name__)

_AGAIN: Final = 1.0
"""Seconds a cancelled task has to tidy up before it is cancelled again."""


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Returns once these tasks have ended; cancels those that have not, as often as it takes.

    What a task raised is logged, not raised: the end of one must not keep others from theirs.
    """
    while alive := [task for task in tasks if not task.done()]:
        for task in alive:
            task.cancel()
        await asyncio.wait(alive, timeout=_AGAIN)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a task had failed", task=task.get_name(), reason=describe_error(error))


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """True once the event is set; False when it was not within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
