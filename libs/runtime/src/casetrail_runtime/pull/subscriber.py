"""FastStream's batch subscriber with our pump in the place of its fetch loop.

What stays FastStream's: the registration on the broker, start and stop with it, middlewares, the
in-memory test broker, AsyncAPI. FastStream offers no way to give a subscriber another loop, so
the class of the one it made is replaced; `tests/unit/runtime/test_pull.py` holds what that needs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, Self

from faststream.nats import NatsBroker
from faststream.nats.subscriber.specification import NatsSubscriberSpecification
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from pydantic import BaseModel

from casetrail_runtime.pull.pump import Pump
from casetrail_runtime.telemetry import telemetry_of


class Consumer(Protocol):
    """What a subscriber feeds."""

    max_batch: int
    linger: float
    concurrency: int
    ahead: int

    def start(self) -> None:
        """Called before the first message, also after a stop."""

    async def consume(self, pump: Pump, msgs: Sequence[Msg]) -> None:
        """Takes over these messages: each is acked or given back in the end."""

    async def consume_directly(self, msgs: Sequence[Msg]) -> None:
        """Handles messages that no stream delivered (a test broker's); errors are the caller's."""

    async def stop(self, grace: float | None) -> None:
        """Ends what is under way within `grace` seconds."""


class PumpSubscriber(BatchPullStreamSubscriber):
    """A batch subscriber fed by a pump."""

    __slots__ = ()

    consumer: Consumer
    broker: NatsBroker
    durable: str
    pump: Pump | None

    async def _create_subscription(self) -> None:
        if self.subscription:
            return
        self.pump = Pump(
            self.connection,
            self.stream.name,
            self.durable,
            ahead=self.consumer.ahead,
            telemetry=telemetry_of(self.broker),
        )
        self.consumer.start()
        await self.pump.start()
        self.subscription = _Unsubscribe(self.pump)  # type: ignore[assignment]
        self.add_task(self._feed)

    async def _feed(self) -> None:
        """Gives batches to FastStream, up to `concurrency` of them at once.

        The next batch begins when the one before it ends or when it is full, whichever is first:
        when little arrives, few large batches cost less than many small ones side by side.
        """
        pump = self.pump
        assert pump is not None
        places = asyncio.Semaphore(self.consumer.concurrency)
        under_way: set[asyncio.Task[None]] = set()

        async def one(msgs: list[Msg]) -> None:
            try:
                await self._give(pump, msgs)
            finally:
                places.release()

        while True:
            await places.acquire()
            if under_way:
                full = asyncio.create_task(pump.holds(self.consumer.max_batch))
                try:
                    await asyncio.wait({full, *under_way}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    full.cancel()
            msgs = await pump.take(self.consumer.max_batch, self.consumer.linger)
            if not msgs:
                return
            if self.consumer.concurrency == 1:
                await one(msgs)
                continue
            task = asyncio.create_task(one(msgs))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    async def _give(self, pump: Pump, msgs: list[Msg]) -> None:
        if self.running:
            await self.consume(msgs)
        else:
            await pump.give_back(msgs)

    async def stop(self) -> None:
        """Fetches nothing more, gives back what nobody works on, waits for what runs."""
        self.running = False
        if self.pump is not None:
            await self.pump.stop()
        await self.consumer.stop(self._outer_config.graceful_timeout)
        await super().stop()


class EventSpecification(NatsSubscriberSpecification):
    """AsyncAPI of a subscriber whose handler takes raw messages: the schema is given, not read."""

    __slots__ = ("payload",)

    payload: type[BaseModel]

    @classmethod
    def of(cls, given: NatsSubscriberSpecification, payload: type[BaseModel]) -> Self:
        """The same specification with this payload."""
        made = cls(
            _outer_config=given._outer_config,  # noqa: SLF001 - the only way to build one
            specification_config=given.config,
            calls=given.calls,
        )
        made.payload = payload
        return made

    def get_payloads(self) -> list[tuple[dict[str, Any], str]]:
        """The JSON schema of the payload."""
        return [(self.payload.model_json_schema(), self.payload.__name__)]


class _Unsubscribe:
    """The end of a pump, in the shape FastStream calls."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    async def unsubscribe(self) -> None:
        await self._pump.close()


def attach(
    broker: NatsBroker,
    subscriber: BatchPullStreamSubscriber,
    durable: str,
    consumer: Consumer,
    payload: type[BaseModel],
) -> Callable[[], Awaitable[None]]:
    """Makes FastStream's subscriber ours; the handler it must be given.

    The handler has no parameter, so FastStream decodes nothing and no odd message can fail a
    batch before we have seen it; it reads the raw messages from FastStream's context.
    """
    if type(subscriber) is not BatchPullStreamSubscriber:
        raise TypeError(f"cannot feed a {type(subscriber).__name__}")
    spec = subscriber.specification
    assert isinstance(spec, NatsSubscriberSpecification)
    subscriber.specification = EventSpecification.of(spec, payload)  # type: ignore[assignment]
    subscriber.__class__ = PumpSubscriber
    ours: PumpSubscriber = subscriber  # type: ignore[assignment]
    ours.consumer, ours.broker, ours.durable, ours.pump = consumer, broker, durable, None

    async def handle() -> None:
        msgs: list[Msg] = broker.context.get_local("message").raw_message
        if ours.pump is None:
            await consumer.consume_directly(msgs)
        else:
            await consumer.consume(ours.pump, msgs)

    return handle
