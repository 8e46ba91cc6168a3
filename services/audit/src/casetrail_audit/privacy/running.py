"""The worker of erasures as a task of the service, one replica at a time."""

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog
from casetrail_runtime.lease import Lease
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from pymongo.errors import PyMongoError

from casetrail_audit.privacy.carrying_out import CarryOutErasures

log = structlog.get_logger(__name__)

STUCK_AFTER: Final = 60.0
_STOP_SECONDS: Final = 10.0


class EraserStuck(Exception):
    """Erasures are not carried out; the message says why."""


class Eraser:
    """Makes a pass every `interval` seconds while it has the lease.

    The lease saves work only: two passes at once do every step twice, which changes nothing.
    """

    def __init__(
        self,
        carry_out: CarryOutErasures,
        lease: Lease,
        *,
        interval: float,
        alone: asyncio.Lock | None = None,
    ) -> None:
        self._carry_out = carry_out
        self._lease = lease
        self._interval = interval
        self._alone = alone or asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble: tuple[float, str] | None = None

    async def start(self) -> None:
        """Returns at once; erases from now on, whether or not the servers are there yet."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="eraser")

    async def stop(self) -> None:
        """Ends after the pass under way."""
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        await end(self._task)
        with suppress(PyMongoError):  # it ends by itself in a few seconds
            await self._lease.release()

    async def ping(self) -> None:
        """Raises `EraserStuck` when nothing could be erased for a minute; for `/readyz`."""
        if self._task is not None and self._task.done() and not self._stopping.is_set():
            raise EraserStuck("the worker of erasures has ended")
        if self._trouble is not None and time.monotonic() - self._trouble[0] > STUCK_AFTER:
            raise EraserStuck(self._trouble[1])

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if await self._lease.acquire():
                    async with self._alone:  # records do not leave while they are erased
                        await self._carry_out()
                self._trouble = None
            except Exception as error:  # noqa: BLE001 - whatever it is, the next pass goes on
                why = describe_error(error)
                if self._trouble is None:
                    log.error("an erasure will be tried again", reason=why)  # noqa: TRY400 - may hold text
                    self._trouble = (time.monotonic(), why)
            await happens(self._stopping, self._interval)
