"""The follower: completes the log, folds the views, tells subscribers, over and over."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from casetrail_runtime.tasks import end, happens

from casetrail_audit.ports import Bounds, Clock, LogBook, LogForked, Standing, Stream
from casetrail_audit.use_cases.complete import CompleteLog
from casetrail_audit.use_cases.find_missing import FindMissing
from casetrail_audit.use_cases.fold_views import FoldViews
from casetrail_audit.use_cases.publish import PublishRecords

log = structlog.get_logger(__name__)

IDLE: Final = 0.1
"""Seconds between two looks when this process recorded nothing: another replica may have."""
STEP: Final = 2000
"""Records that are completed before they are folded and published: a backlog is shown as it
shrinks, not when it is gone."""
NOTE_EVERY: Final = 1.0
RETRY_FIRST: Final = 0.2
RETRY_MOST: Final = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far each part is."""

    standing: Standing
    views_as_of: int
    published_through: int
    stream: Bounds | None


class Lease(Protocol):
    """Which replica follows; for efficiency only."""

    async def acquire(self) -> bool:
        """True while it is this one."""

    async def release(self) -> None:
        """Lets another one."""


class Follow:
    """One pass after the other until it is stopped; another replica waits for the lease.

    `recorded` is set by who recorded something, so that a pass begins at once.

    Safe when two do it: every step is a compare-and-set on what it was computed from.
    """

    def __init__(
        self,
        *,
        recorded: asyncio.Event,
        stream: Stream,
        book: LogBook,
        complete: CompleteLog,
        find_missing: FindMissing,
        fold_views: FoldViews,
        publish: PublishRecords,
        lease: Lease,
        lease_seconds: float,
        now: Clock,
        report: Callable[[Progress], None],
        stands_by: Callable[[], None],
        describe: Callable[[BaseException], str],
    ) -> None:
        self._recorded = recorded
        self._stream = stream
        self._book = book
        self._complete = complete
        self._find_missing = find_missing
        self._fold_views = fold_views
        self._publish = publish
        self._lease = lease
        self._renew_every = lease_seconds / 3
        self._now = now
        self._report = report
        self._stands_by = stands_by
        self._describe = describe
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._leased_at = float("-inf")
        self._noted_at = float("-inf")
        self._bounds: Bounds | None = None
        self._complete_through = 0
        self.forked: str | None = None
        """Why the log cannot go on; None while it can."""

    async def start(self) -> None:
        """Begins to follow in the background."""
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="follower")

    async def stop(self) -> None:
        """Ends after the pass under way and gives the lease up."""
        self._stopping = True
        self._recorded.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=5)
            await end(self._task)
            self._task = None

    async def ping(self) -> None:
        """Raises when the log cannot go on."""
        if self.forked is not None:
            raise RuntimeError(self.forked)
        if self._task is None or self._task.done():
            raise RuntimeError("the follower does not run")

    async def one_pass(self) -> Progress:
        """Does what there is to do now."""
        before = self._complete_through
        standing = await self._complete(STEP)
        self._complete_through = standing.complete_through
        if standing.complete_through - before >= STEP:
            self._recorded.set()  # there may be more already
        views, published = await asyncio.gather(
            self._fold_views(standing.complete_through), self._publish(standing.complete_through)
        )
        if await self._find_missing(standing):
            self._recorded.set()
        if time.monotonic() - self._noted_at > NOTE_EVERY:
            self._noted_at = time.monotonic()
            self._bounds = await self._stream.bounds()
            await self._book.note_stream(self._bounds, self._now(), published)
        return Progress(standing, views, published, self._bounds)

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._recorded.clear()
            try:
                if await self._has_lease():
                    self._report(await self.one_pass())
                else:
                    self._stands_by()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the log must go on
                failures += 1
                self._complain(error, failures)
            pause = IDLE if failures == 0 else min(RETRY_FIRST * 2.0**failures, RETRY_MOST)
            await happens(self._recorded, pause)
            if failures and not self._stopping:
                await asyncio.sleep(RETRY_FIRST)
        with contextlib.suppress(Exception):  # it ends by itself
            await self._lease.release()

    def _complain(self, error: Exception, failures: int) -> None:
        if isinstance(error, LogForked):
            self.forked = str(error)
        if failures in {1, 2, 5} or failures % 20 == 0:
            log.error(
                "the follower will try again", reason=self._describe(error), failures=failures
            )

    async def _has_lease(self) -> bool:
        if time.monotonic() - self._leased_at < self._renew_every:
            return True
        if not await self._lease.acquire():
            return False
        self._leased_at = time.monotonic()
        return True
