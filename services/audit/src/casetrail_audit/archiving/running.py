"""The archiver as a task of the service, one replica at a time."""

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog
from casetrail_runtime.lease import Lease
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from pymongo.errors import PyMongoError

from casetrail_audit.archiving.archive_records import ArchiveRecords

log = structlog.get_logger(__name__)

SOON: Final = 2.0
"""Seconds until the next look while an archive is under way."""
STUCK_AFTER: Final = 3600.0
_STOP_SECONDS: Final = 10.0


class ArchiverStuck(Exception):
    """Records that are due do not leave; the message says why."""


class Archiver:
    """Makes a pass every `interval` seconds while it has the lease; `alone` keeps erasures apart.

    The lease saves work only: two passes at once do every step twice, which changes nothing.
    """

    def __init__(
        self, archive: ArchiveRecords, lease: Lease, alone: asyncio.Lock, *, interval: float
    ) -> None:
        self._archive = archive
        self._lease = lease
        self._alone = alone
        self._interval = interval
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble: tuple[float, str] | None = None

    async def start(self) -> None:
        """Returns at once; archives from now on, whether or not the servers are there yet."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="archiver")

    async def stop(self) -> None:
        """Ends; what was under way is carried on by the next one."""
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        await end(self._task)
        with suppress(PyMongoError):  # it ends by itself in a few seconds
            await self._lease.release()

    async def ping(self) -> None:
        """Raises `ArchiverStuck` when nothing could be archived for an hour; for `/readyz`."""
        if self._task is not None and self._task.done() and not self._stopping.is_set():
            raise ArchiverStuck("the archiver has ended")
        if self._trouble is not None and time.monotonic() - self._trouble[0] > STUCK_AFTER:
            raise ArchiverStuck(self._trouble[1])

    async def _run(self) -> None:
        due_at = 0.0
        while not self._stopping.is_set():
            try:
                if await self._lease.acquire():
                    async with self._alone:
                        if time.monotonic() >= due_at:
                            await self._archive()
                            due_at = time.monotonic() + self._interval
                        else:
                            await self._archive.go_on()
                self._trouble = None
            except Exception as error:  # noqa: BLE001 - whatever it is, the next pass goes on
                why = describe_error(error)
                if self._trouble is None:
                    log.error("archiving will be tried again", reason=why)  # noqa: TRY400 - may hold text
                    self._trouble = (time.monotonic(), why)
            await happens(self._stopping, min(SOON, self._interval))
