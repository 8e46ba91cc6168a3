"""One handler call per message: in order for each key, side by side for different keys."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

import structlog
from casetrail_contracts import Event, MalformedEvent
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind

from casetrail_runtime.failure import (
    DeadLetters,
    FailurePolicy,
    PermanentError,
    Retry,
    is_outage,
)
from casetrail_runtime.publisher import NotStored
from casetrail_runtime.pull.delivery import Delivery, place_of
from casetrail_runtime.pull.pump import Pump
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import happens
from casetrail_runtime.telemetry import Telemetry

log = structlog.get_logger(__name__)

DeliveryHandler = Callable[[Delivery], Awaitable[None]]

KEPT_FIRST = 5.0
KEPT_MOST = 60.0
"""Seconds after which a message that could not be set aside comes back: 5, 10, … 60."""


class _Stopped(Exception):
    """The service ends while a message waits for its next attempt."""


@dataclass(slots=True)
class _Item:
    """A message and what it holds: a delivery, or the fault that says it never can be one.

    It came from a pump, which has it back or acked; else somebody waits for its answer.
    """

    msg: Msg
    key: Hashable
    delivery: Delivery | None = None
    fault: Exception | None = None
    pump: Pump | None = None
    answer: asyncio.Future[Exception | None] | None = None


class KeyedWorker:
    """Takes messages from a pump and gives each to the handler, acked when it returns.

    A key that waits for its next attempt holds up only itself: it keeps no place among the `conc`
    that run. What is taken and not finished is bounded by `room`.
    """

    def __init__(
        self,
        handler: DeliveryHandler,
        *,
        durable: str,
        key: Callable[[Event], Hashable],
        conc: int,
        policy: FailurePolicy,
        dead: DeadLetters,
        telemetry: Telemetry,
    ) -> None:
        self._handler = handler
        self._durable = durable
        self._key = key
        self._policy = policy
        self._dead = dead
        self._telemetry = telemetry
        self._span = f"handle {durable}"
        self._processed = telemetry.processed.labels(durable)  # looked up for every message else
        self._handling = telemetry.handling.labels(durable)
        self._lag = telemetry.lag.labels(durable)
        self._running = asyncio.Semaphore(conc)
        self.room = max(200, conc * 8)
        self._taken = 0
        self._chains: dict[Hashable, deque[_Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Takes messages (again)."""
        self._stopping.clear()

    async def take(self, pump: Pump, msg: Msg) -> None:
        """Queues the message behind those of its key; waits while there is no room."""
        while self._taken >= self.room and not self._stopping.is_set():
            self._finished.clear()
            await self._finished.wait()
        if self._stopping.is_set():
            await pump.give_back([msg])
            return
        self._queue(self._read(pump, msg))

    async def again(self, delivery: Delivery) -> Exception | None:
        """One more call for an event that was set aside, behind those of its key: its error.

        None when the handler took it. Nothing is acked, tried again or set aside.
        """
        if self._stopping.is_set():
            return ConnectionError("the service ends")
        answer: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        key = ("key", self._key(delivery.event))
        self._queue(_Item(delivery.raw, key, delivery, answer=answer))
        return await answer

    def _queue(self, item: _Item) -> None:
        self._taken += 1
        if (chain := self._chains.get(item.key)) is not None:
            chain.append(item)
            return
        self._chains[item.key] = deque([item])
        task = asyncio.create_task(self._work(item.key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self, grace: float | None) -> None:
        """Lets running handlers end within `grace` seconds; everything else is given back."""
        self._stopping.set()
        self._finished.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    def _read(self, pump: Pump, msg: Msg) -> _Item:
        """The message with its event and key; one that has none is alone with its sequence."""
        try:
            delivery = Delivery.of(msg)
            return _Item(msg, ("key", self._key(delivery.event)), delivery, pump=pump)
        except Exception as fault:  # noqa: BLE001 - no attempt can heal it: set aside in its turn
            return _Item(msg, ("sequence", msg.metadata.sequence.stream), fault=fault, pump=pump)

    async def _work(self, key: Hashable) -> None:
        chain = self._chains[key]
        try:
            while chain:
                item = chain.popleft()
                if item.pump is None:
                    await self._answer(item)
                else:
                    await self._finish(item.pump, item)
                self._taken -= 1
                self._finished.set()
        finally:
            del self._chains[key]
            self._taken -= len(chain)
            for item in chain:
                if item.pump is None:
                    _tell(item, ConnectionError("the service ended first"))
                else:
                    await item.pump.give_back([item.msg])

    async def _answer(self, item: _Item) -> None:
        assert item.delivery is not None
        error: Exception | None = ConnectionError("the service ended first")
        try:
            error = await self._attempt(item.delivery)
        except _Stopped:
            return
        finally:
            _tell(item, error)

    async def _finish(self, pump: Pump, item: _Item) -> None:
        """Acks the message once it is handled or set aside; gives it back otherwise."""
        msg = item.msg
        try:
            await self._handle(item)
        except _Stopped:
            await pump.give_back([msg])
        except NotStored as error:
            delay = min(KEPT_FIRST * msg.metadata.num_delivered, KEPT_MOST)
            self._telemetry.kept.labels(self._durable).inc()
            log.error(  # noqa: TRY400 - the reason says it all
                "message kept: it could not be set aside",
                durable=self._durable,
                stream_sequence=msg.metadata.sequence.stream,
                again_in=delay,
                reason=error.reason,
            )
            await pump.give_back([msg], delay)
        except asyncio.CancelledError:
            await pump.give_back([msg])
            raise
        else:
            await pump.ack([msg])
            self._lag.set(max(0.0, time.time() - place_of(msg).nanoseconds / 1e9))

    async def _handle(self, item: _Item) -> None:
        """Returns when the message is handled or set aside.

        Raises `NotStored` when it could not be set aside, `_Stopped` when the service ends first.
        """
        if item.delivery is None:
            self._telemetry.failed.labels(self._durable).inc()
            await self._dead.set_aside(item.msg, item.fault or MalformedEvent("no event"))
            return
        failures = 0
        while (error := await self._attempt(item.delivery)) is not None:
            failures += 1
            self._telemetry.failed.labels(self._durable).inc()
            spent = failures >= self._policy.attempts and not is_outage(error)
            if spent or isinstance(error, PermanentError):
                await self._dead.set_aside(item.msg, error)
                return
            delay = error.delay if isinstance(error, Retry) else self._policy.delay(failures)
            log.warning(
                "handler failed, will be tried again",
                durable=self._durable,
                stream_sequence=item.delivery.seq,
                event_id=item.delivery.event.id,
                attempt=failures,
                again_in=round(delay, 2),
                reason=describe_error(error),
            )
            await self._pause(delay)
        self._processed.inc()

    async def handle_directly(self, msg: Msg) -> None:
        """One call of the handler for a message without a stream; its errors are the caller's."""
        await self._handler(Delivery.of(msg))

    async def _attempt(self, delivery: Delivery) -> Exception | None:
        """One call of the handler; its error, or None when it took the event."""
        async with self._running:
            if self._stopping.is_set():
                raise _Stopped
            started = time.perf_counter()
            event = delivery.event
            # not bound for the call only: the task is that of this key, and ends with it
            structlog.contextvars.bind_contextvars(
                event_id=event.id, correlation_id=event.correlationid
            )
            headers = delivery.raw.headers
            with self._telemetry.around(self._span, headers, SpanKind.CONSUMER) as span:
                try:
                    await self._handler(delivery)
                except Exception as error:  # noqa: BLE001 - the failure policy judges every error
                    span.set_attribute("error.type", type(error).__name__)
                    return error
                finally:
                    self._handling.observe(time.perf_counter() - started)
        return None

    async def _pause(self, delay: float) -> None:
        if await happens(self._stopping, delay):
            raise _Stopped


def _tell(item: _Item, error: Exception | None) -> None:
    if item.answer is not None and not item.answer.done():
        item.answer.set_result(error)
