"""Looks again and again for what there is to do by itself, in every replica."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end

log = structlog.get_logger(__name__)


class DueWatch:
    """Calls `look` every `every` seconds; at once again while it found a full round of `full`."""

    def __init__(
        self, look: Callable[[], Awaitable[int]], every: float, *, full: int, what: str
    ) -> None:
        self._look = look
        self._every = every
        self._full = full
        self._what = what
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns at once; looks from now on, whether or not the servers are there yet."""
        self._task = asyncio.create_task(self._keep_looking(), name=f"look at {self._what}")

    async def stop(self) -> None:
        """Ends; what is left waits in its document for the next look of any replica."""
        if self._task is not None:
            await end(self._task)

    async def ping(self) -> None:
        """Raises when nobody looks any more; for `/readyz`."""
        if self._task is not None and self._task.done():
            raise RuntimeError(f"nobody looks at {self._what} any more")

    async def _keep_looking(self) -> None:
        while True:
            try:
                written = await self._look()
            except Exception as error:  # noqa: BLE001 - a look that fails is made again
                log.warning("a look failed", at=self._what, reason=describe_error(error))
                written = 0
            if written < self._full:
                await asyncio.sleep(self._every)
