"""Witnesses are asked over and over, beside the sealer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from casetrail_evidence.keys import VerifierKey
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from prometheus_client import CollectorRegistry, Counter, Gauge
from pymongo.errors import PyMongoError

from casetrail_audit.sealing.running import Turn
from casetrail_audit.witnessing.ask import AskWitnesses
from casetrail_audit.witnessing.mongo_cosigned import MongoCosigned

log = structlog.get_logger(__name__)

_STOP_SECONDS: Final = 10.0


class Witnessing:
    """Asks every `interval` seconds, one replica at a time; nothing waits for it."""

    def __init__(
        self,
        ask: AskWitnesses,
        cosigned: MongoCosigned,
        turn: Turn,
        registry: CollectorRegistry,
        *,
        keys: Sequence[str],
        interval: float,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._ask = ask
        self._cosigned = cosigned
        self._turn = turn
        self._keys = keys
        self._interval = interval
        self._close = close
        self._size = Gauge(
            "casetrail_cosigned_size", "Leaves the witnesses last signed.", registry=registry
        )
        self._refused = Counter(
            "casetrail_witness_refused",
            "Rounds in which a witness did not sign, by its name.",
            ["witness"],
            registry=registry,
        )
        self._contradicted = Counter(
            "casetrail_witness_contradicted",
            "Rounds in which a witness had seen another log of this name.",
            ["witness"],
            registry=registry,
        )
        for key in keys:  # from zero: an increase is seen only of what was there before
            name = VerifierKey.parse(key).name
            self._refused.labels(name)
            self._contradicted.labels(name)
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns at once; without a witness there is nothing to do."""
        if self._keys:
            self._stopping.clear()
            self._task = asyncio.create_task(self._run(), name="witnesses")

    async def stop(self) -> None:
        """Ends after the round under way."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
            await end(self._task)
            with suppress(PyMongoError):  # it ends by itself
                await self._turn.release()
        await self._close()

    async def _run(self) -> None:
        tidied = False
        while not self._stopping.is_set():
            try:
                if await self._turn.acquire():
                    if not tidied:
                        await self._cosigned.forget_others(self._keys)
                        tidied = True
                    await self._round()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round comes
                log.warning("witnesses not asked", reason=describe_error(error))
            await happens(self._stopping, self._interval)

    async def _round(self) -> None:
        done = await self._ask()
        if done is not None:
            for name in done.problems:
                self._refused.labels(name).inc()
            for name in done.contradicted:
                self._contradicted.labels(name).inc()
        self._size.set(await self._cosigned.cosigned_size())
