"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PATIENCE = 4
"""What a quiet machine does in `within` seconds may take a busy one so many times as long; what
becomes true is noticed at once all the same."""
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1


@overload
async def eventually(check: Callable[[], Awaitable[T]], within: float = 5) -> T: ...
@overload
async def eventually(check: Callable[[], T], within: float = 5) -> T: ...
async def eventually(check: Callable[[], Any], within: float = 5) -> Any:
    """What `check` gives once it gives something true, asked again and again for `within` seconds.

    Seconds of a quiet machine: `PATIENCE` times as long is waited. `check` may be a coroutine
    function, and may assert: its last AssertionError is the one shown. Any other exception is a
    fault of the test and passes through.
    """
    deadline = time.monotonic() + within * PATIENCE
    pause = _FIRST_PAUSE
    while True:
        failed: AssertionError | None = None
        value = None
        try:
            given = check()
            value = await given if inspect.isawaitable(given) else given
        except AssertionError as error:
            failed = error
        if failed is None and value:
            return value
        if time.monotonic() > deadline:
            raise failed or AssertionError(
                f"not true within {within * PATIENCE} s; the last answer: {value!r}"
            )
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def always(check: Callable[[], object | Awaitable[object]], during: float = 0.3) -> None:
    """Returns when `check` was true for that long; for what must not happen."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        given = check()
        value = await given if inspect.isawaitable(given) else given
        assert value, f"became untrue: {value!r}"
        await asyncio.sleep(0.01)
