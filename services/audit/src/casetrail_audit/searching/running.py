"""The index of words as a task of the service, one replica at a time."""

import asyncio
import time
from contextlib import suppress
from typing import Final, Protocol

import structlog
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from pymongo.errors import PyMongoError

from casetrail_audit.adapters.indexes import LEASES
from casetrail_audit.searching.mongo_entries import MongoSearchable
from casetrail_audit.settings import AuditSettings

log = structlog.get_logger(__name__)

AT_ONCE: Final = 500
INTERVAL: Final = 0.2
LEASE: Final = "indexer"
_STOP_SECONDS: Final = 10.0


class Searchable(Protocol):
    """The view and the log it follows."""

    async def complete_through(self) -> int:
        """How far the log is complete."""

    async def as_of(self) -> int:
        """How far the view is."""

    async def index(self, after: int, through: int, most: int) -> int:
        """One stretch more; the sequence it goes to."""


async def follow(searchable: Searchable, through: int) -> int:
    """Makes all entries up to a sequence; the sequence as of which the view is now."""
    at = await searchable.as_of()
    while at < through:
        at = await searchable.index(at, through, AT_ONCE)
    return at


class Indexer:
    """Follows the complete part of the log while it has the lease.

    The lease saves work only: two at once write the same. A fault delays searching and nothing
    else, so it is logged and tried again, and readiness does not depend on it.
    """

    def __init__(
        self,
        searchable: Searchable,
        lease: Lease,
        *,
        lease_seconds: float,
        interval: float = INTERVAL,
    ) -> None:
        self._searchable = searchable
        self._lease = lease
        self._renew_every = lease_seconds / 3
        self._leased_at = float("-inf")
        self._interval = interval
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._complained = False

    async def start(self) -> None:
        """Returns at once; indexes from now on, whether or not the database is there yet."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        """Ends after the stretch under way."""
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        await end(self._task)
        with suppress(PyMongoError):  # it ends by itself in a few seconds
            await self._lease.release()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if await self._has_lease():
                    await follow(self._searchable, await self._searchable.complete_through())
                self._complained = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next pass goes on
                if not self._complained:
                    why = describe_error(error)
                    log.error("words will be indexed later", reason=why)  # noqa: TRY400 - may hold text
                    self._complained = True
            await happens(self._stopping, self._interval)

    async def _has_lease(self) -> bool:
        if time.monotonic() - self._leased_at < self._renew_every:
            return True
        if not await self._lease.acquire():
            return False
        self._leased_at = time.monotonic()
        return True


def make_indexer(settings: AuditSettings, db: Database) -> Indexer:
    """The indexer of a process, not started."""
    key = settings.workspace_key.get_secret_value().encode()
    seconds = settings.lease_seconds
    lease = Lease(db[LEASES], LEASE, settings.instance, seconds)
    return Indexer(MongoSearchable(db, key), lease, lease_seconds=seconds)
