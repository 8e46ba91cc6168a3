"""One effect per cause: the name it is remembered by, and trying again against rivals."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final

from casetrail_routing.ports import Key, VersionConflict

ATTEMPTS: Final = 40
_LONGEST_PAUSE: Final = 0.1  # seconds


def once_key(cause_id: str, store: str, key: Key) -> str:
    """The name under which a cause is remembered for good: one cause, one aggregate."""
    return f"{cause_id}@{store}/{key.document}"


class Rivals:
    """Attempts at one write, each a little later than the one before.

    Iterating ends with `VersionConflict` when rivals were faster every time; safe to try again.
    """

    def __init__(self, key: Key) -> None:
        self._key = key

    async def __aiter__(self) -> AsyncIterator[int]:
        """The number of the attempt, from 0."""
        pause = 0.002
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - spreads rivals
                pause = min(pause * 2, _LONGEST_PAUSE)
            yield attempt
        raise VersionConflict(f"{self._key.document} was changed by others {ATTEMPTS} times")
