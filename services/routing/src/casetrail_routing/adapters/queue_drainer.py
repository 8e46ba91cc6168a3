"""The task that serves the queue: at once when asked, and on its own every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end

from casetrail_routing.use_cases.drain_queue import DrainQueue
from casetrail_routing.use_cases.reconcile_slots import ReconcileSlots

log = structlog.get_logger(__name__)

REQUESTS: Final = 1_000
"""Requests kept waiting; more are dropped, the sweep finds what they would have found."""


@dataclass(frozen=True)
class _Request:
    workspace: str
    cause_id: str | None
    correlation_id: str | None


@dataclass(frozen=True)
class Round:
    """Something to look after every so many seconds; a failure waits for the next round."""

    what: str
    every: float
    work: Callable[[], Awaitable[object]]


class QueueDrainer:
    """Runs `DrainQueue` and `ReconcileSlots`, one at a time; one of these in every replica.

    Nothing depends on a request being served: a crash costs the time until the next sweep.
    """

    def __init__(self, *, sweep_every: float, reconcile_every: float) -> None:
        self._requests: asyncio.Queue[_Request] = asyncio.Queue(REQUESTS)
        self._sweep_every = sweep_every
        self._reconcile_every = reconcile_every
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, workspace: str, cause_id: str | None, correlation_id: str | None) -> None:
        """Returns at once; the queue is drained soon, naming the event as the cause."""
        if not self._requests.full():
            self._requests.put_nowait(_Request(workspace, cause_id, correlation_id))

    def start(self, drain: DrainQueue, reconcile: ReconcileSlots, *rounds: Round) -> None:
        """Serves from now on, and makes these rounds beside."""
        self._tasks = [
            asyncio.create_task(self._serve(drain), name="queue: on request"),
            asyncio.create_task(
                _every(self._sweep_every, "sweep of the queue", drain.sweep), name="queue: sweep"
            ),
            asyncio.create_task(
                _every(self._reconcile_every, "reconciliation of slots", reconcile),
                name="slots: reconcile",
            ),
            *(
                asyncio.create_task(_every(each.every, each.what, each.work), name=each.what)
                for each in rounds
            ),
        ]

    async def stop(self) -> None:
        """Ends; what is under way is cancelled, which is as harmless as a crash."""
        await end(*self._tasks)

    async def ping(self) -> None:
        """Raises when one of the tasks has ended; for `/readyz`."""
        for task in self._tasks:
            if task.done():
                raise RuntimeError(f"{task.get_name()} has ended")

    async def _serve(self, drain: DrainQueue) -> None:
        while True:
            request = await self._requests.get()
            await _attempt(
                "draining the queue",
                lambda asked=request: drain(  # type: ignore[misc]
                    asked.workspace, asked.cause_id, asked.correlation_id
                ),
            )


async def _every(seconds: float, what: str, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _attempt(what, work)


async def _attempt(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Does it; a failure waits for the next round, because the work is found again there."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - MongoDB away, or a fault of ours: the task goes on
        log.error(  # noqa: TRY400 - a traceback could show what a document holds
            "failed, will be tried again", what=what, reason=describe_error(error)
        )
