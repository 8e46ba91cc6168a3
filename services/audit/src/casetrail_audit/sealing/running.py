"""The sealer as a task of the service: round after round, while it has the lease."""

import asyncio
from contextlib import suppress
from typing import Final, Protocol

import structlog
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pymongo.errors import PyMongoError

from casetrail_audit.sealing.faults import Behind, SealingRefused
from casetrail_audit.sealing.ports import CheckpointStream, Head
from casetrail_audit.sealing.recheck import RecheckRecords
from casetrail_audit.sealing.seal_log import SealLog

log = structlog.get_logger(__name__)

REFUSED_PAUSE: Final = 5.0
"""Seconds between two looks at a log that must not be sealed: somebody may put it right."""
CATCHING_UP: Final = 2_000
"""A round that sealed more has no time to recheck: after an outage the log itself goes first."""
_STOP_SECONDS: Final = 10.0
_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Turn(Protocol):
    """A lease: for efficiency only."""

    async def acquire(self) -> bool:
        """True while it is this process's turn."""

    async def release(self) -> None:
        """Lets another have it at once."""


class Instruments:
    """The figures of the sealer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.size = Gauge("casetrail_sealed_size", "Leaves that are sealed.", registry=registry)
        self.published = Gauge(
            "casetrail_checkpoint_published_size",
            "Leaves of the checkpoint published last.",
            registry=registry,
        )
        self.refused = Gauge(
            "casetrail_sealing_refused",
            "1 while nothing is signed, by the reason: look at the log at once.",
            ["reason"],
            registry=registry,
        )
        self.failed = Counter(
            "casetrail_sealing_failed", "Rounds that failed and are repeated.", registry=registry
        )
        self.seconds = Histogram(
            "casetrail_sealing_seconds",
            "Seconds of a round that sealed something.",
            registry=registry,
            buckets=_BUCKETS,
        )


class SealerStuck(Exception):
    """Nothing is sealed; the message says why."""


class Sealer:
    """Seals every `interval` seconds at most, publishes each new head, one replica at a time."""

    def __init__(
        self,
        seal: SealLog,
        recheck: RecheckRecords,
        checkpoints: CheckpointStream,
        turn: Turn,
        registry: CollectorRegistry,
        *,
        interval: float = 1.0,
        refused_pause: float = REFUSED_PAUSE,
        stuck_after: float = 30.0,
    ) -> None:
        self._seal = seal
        self._recheck = recheck
        self._checkpoints = checkpoints
        self._turn = turn
        self._instruments = Instruments(registry)
        self._interval = interval
        self._refused_pause = refused_pause
        self._stuck_after = stuck_after
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._mine = self._looked = False
        self._head: Head | None = None
        self._published = 0
        self._refusal: SealingRefused | None = None
        self._trouble: tuple[float, str] | None = None

    async def start(self) -> None:
        """Returns at once; seals from now on, whether or not the servers are there yet."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="sealer")

    async def stop(self) -> None:
        """Ends after the round under way, and gives the lease up."""
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        await end(self._task)
        if self._mine:
            with suppress(PyMongoError):  # it ends by itself in a few seconds
                await self._turn.release()

    async def ping(self) -> None:
        """Raises `SealerStuck` with the reason when nothing is sealed; for `/readyz`."""
        if self._refusal is not None:
            raise SealerStuck(f"sealing refused ({self._refusal.reason}): {self._refusal}")
        if self._task is not None and self._task.done() and not self._stopping.is_set():
            raise SealerStuck("the sealer has ended")
        if self._trouble is not None:
            since, why = self._trouble
            if asyncio.get_running_loop().time() - since > self._stuck_after:
                raise SealerStuck(why)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            pause = self._interval
            try:
                await self._round()
            except SealingRefused as refusal:
                self._refuse(refusal)
                pause = max(pause, self._refused_pause)
            except (PyMongoError, OSError, Behind) as error:
                self._fail(error)
            else:
                self._fine()
            await happens(self._stopping, pause)

    async def _round(self) -> None:
        mine = await self._turn.acquire()
        self._looked = self._looked and mine
        self._mine = mine
        if not mine:
            return
        if not self._looked:
            self._published = await self._seal.remember(await self._checkpoints.last())
            self._looked = True
        if self._refusal is not None and self._head is not None:
            await self._recheck(self._head)  # nothing is signed before the fault it found is gone
        before = 0 if self._head is None else self._head.size
        started = asyncio.get_running_loop().time()
        self._head = head = await self._seal()
        if head is None:
            return
        if head.size > before:
            self._instruments.seconds.observe(asyncio.get_running_loop().time() - started)
            self._instruments.size.set(head.size)
        if head.size > self._published:
            await self._checkpoints.publish(head.size, head.root, head.checkpoint)
            self._published = head.size
            self._instruments.published.set(head.size)
        if head.size - before <= CATCHING_UP:
            await self._recheck(head)

    def _refuse(self, refusal: SealingRefused) -> None:
        if self._refusal is None or str(self._refusal) != str(refusal):
            log.critical("sealing refused", reason=refusal.reason, why=str(refusal))
        self._clear()
        self._refusal = refusal
        self._looked = False  # look at what was published again before the next signature
        self._instruments.refused.labels(refusal.reason).set(1)

    def _fail(self, error: Exception) -> None:
        self._instruments.failed.inc()
        why = str(error) if isinstance(error, Behind) else describe_error(error)
        if self._trouble is None:
            self._trouble = (asyncio.get_running_loop().time(), why)
            log.warning("sealing is held up", reason=why)
        else:
            self._trouble = (self._trouble[0], why)

    def _fine(self) -> None:
        if self._refusal is not None or self._trouble is not None:
            log.info("sealing goes on")
        self._clear()
        self._trouble = None

    def _clear(self) -> None:
        if self._refusal is not None:
            self._instruments.refused.labels(self._refusal.reason).set(0)
        self._refusal = None
