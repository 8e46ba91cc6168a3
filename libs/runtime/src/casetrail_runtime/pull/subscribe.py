"""The two ways to consume a durable."""

import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from casetrail_contracts import Event
from casetrail_contracts.subjects import SUPPORT, SUPPORT_SUBJECTS
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from pydantic import BaseModel

from casetrail_runtime.failure import DeadLetters, FailurePolicy
from casetrail_runtime.pull.keyed import DeliveryHandler, KeyedWorker
from casetrail_runtime.pull.pump import Pump
from casetrail_runtime.pull.subscriber import Consumer, attach
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.telemetry import Telemetry, telemetry_of, trace_context

log = structlog.get_logger(__name__)

BatchHandler = Callable[[Sequence[Msg]], Awaitable[None]]

RETRY_MOST = 30.0


def subscribe_batch(
    broker: NatsBroker,
    durable: str,
    handler: BatchHandler,
    *,
    stream: str = SUPPORT,
    max_batch: int = 500,
    linger: float = 0.002,
    concurrency: int = 1,
    retry_delay: float = 1.0,
    retry_most: float = RETRY_MOST,
    title: str | None = None,
    description: str | None = None,
    payload: type[BaseModel] = Event,
) -> None:
    """Feeds `handler` with raw messages in stream order; call it before `broker.start()`.

    A batch is what has arrived, up to `max_batch` within `linger` seconds of the first; up to
    `concurrency` of them run at once (then their order is not kept). The handler returns after
    all of its messages are safe; then each is acked. If it raises, all of them come back after
    a delay that grows from `retry_delay` to `retry_most` seconds. Nothing is decoded on the way.
    The durable must exist (`streams apply` makes it).
    """
    consumer = _Batches(handler, durable, telemetry_of(broker), retry_delay, retry_most)
    consumer.max_batch, consumer.linger, consumer.concurrency = max_batch, linger, concurrency
    consumer.ahead = max_batch * (concurrency + 1)
    about = _Description(title or durable, description, payload)
    _subscribe(broker, stream, durable, consumer, about)


def subscribe_keyed(
    broker: NatsBroker,
    durable: str,
    handler: DeliveryHandler,
    *,
    key: Callable[[Event], Hashable],
    service: str,
    conc: int = 32,
    policy: FailurePolicy | None = None,
    stream: str = SUPPORT,
    title: str | None = None,
    description: str | None = None,
    payload: type[BaseModel] = Event,
) -> KeyedWorker:
    """Feeds `handler` one event at a time per `key(event)`, up to `conc` of them at once.

    Acked after it returns. `PermanentError` and bytes that are no event go to
    `dead.<service>.<durable>` at once; other errors are retried in place per `policy`, then set
    aside; what cannot be set aside comes back later. Errors that say a server is away are
    retried for as long as it takes. Order per key is kept within this process: replicas of a
    service share the durable and rely on the version of the aggregate. Call it before
    `broker.start()`; the durable must exist. Returns who calls the handler, for `serve_letters`.
    """
    telemetry = telemetry_of(broker)
    worker = KeyedWorker(
        handler,
        durable=durable,
        key=key,
        conc=conc,
        policy=policy or FailurePolicy(),
        dead=DeadLetters(broker, service, durable),
        telemetry=telemetry,
    )
    consumer = _Keyed(worker)
    about = _Description(title or durable, description, payload)
    _subscribe(broker, stream, durable, consumer, about)
    return worker


@dataclass(frozen=True, slots=True)
class _Description:
    """How AsyncAPI describes a subscriber."""

    title: str
    text: str | None
    payload: type[BaseModel]


def _subscribe(
    broker: NatsBroker, stream: str, durable: str, consumer: Consumer, about: _Description
) -> None:
    subscriber = broker.subscriber(
        SUPPORT_SUBJECTS if stream == SUPPORT else f"{stream.lower()}.>",
        stream=JStream(stream, declare=False),
        durable=durable,
        pull_sub=PullSub(batch_size=consumer.max_batch, batch=True),
        ack_policy=AckPolicy.MANUAL,
        decoder=_undecoded,
        title=about.title,
        description=about.text,
    )
    telemetry_of(broker).knows(durable)
    subscriber(attach(broker, subscriber, durable, consumer, about.payload))


async def _undecoded(_: object) -> list[object]:
    """Nothing: handlers are given raw messages, and FastStream would decode each for nobody."""
    return []


class _Batches:
    """Whole batches: one call, one verdict."""

    max_batch: int
    linger: float
    concurrency: int
    ahead: int

    def __init__(
        self,
        handler: BatchHandler,
        durable: str,
        telemetry: Telemetry,
        retry_delay: float,
        retry_most: float,
    ) -> None:
        self._handler = handler
        self._durable = durable
        self._telemetry = telemetry
        self._retry_delay = retry_delay
        self._retry_most = retry_most

    def start(self) -> None:
        """Nothing to do: a batch keeps no state."""

    async def consume(self, pump: Pump, msgs: Sequence[Msg]) -> None:
        started, began = time.perf_counter(), time.time_ns()
        try:
            with self._telemetry.tracer.start_as_current_span(
                f"handle {self._durable}", kind=SpanKind.CONSUMER, record_exception=False
            ) as span:
                span.set_attribute("messaging.batch.message_count", len(msgs))
                await self._handler(msgs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the messages come back
            again_in = self._delay(msgs)
            self._telemetry.failed.labels(self._durable).inc(len(msgs))
            log.error(  # noqa: TRY400 - a traceback could show what the messages hold
                "batch failed, will be delivered again",
                durable=self._durable,
                messages=len(msgs),
                first_sequence=msgs[0].metadata.sequence.stream,
                again_in=round(again_in, 2),
                reason=describe_error(error),
            )
            await pump.give_back(msgs, again_in)
        except BaseException:  # cancelled at shutdown: others may have them at once
            await pump.give_back(msgs)
            raise
        else:
            await pump.ack(msgs)
            if self._telemetry.traces:
                self._tell_traces(msgs, began)
            self._telemetry.processed.labels(self._durable).inc(len(msgs))
            age = (datetime.now(UTC) - msgs[-1].metadata.timestamp).total_seconds()
            self._telemetry.lag.labels(self._durable).set(max(0.0, age))
        finally:
            self._telemetry.handling.labels(self._durable).observe(time.perf_counter() - started)

    async def consume_directly(self, msgs: Sequence[Msg]) -> None:
        await self._handler(msgs)

    async def stop(self, grace: float | None) -> None:
        """FastStream waits for the running batch itself."""

    def _tell_traces(self, msgs: Sequence[Msg], began: int) -> None:
        """A span for each message in its own trace, so that none ends where batches begin."""
        for msg in msgs:
            span = self._telemetry.tracer.start_span(
                f"handle {self._durable}",
                context=trace_context(msg.headers),
                kind=SpanKind.CONSUMER,
                start_time=began,
            )
            span.end()

    def _delay(self, msgs: Sequence[Msg]) -> float:
        delivered = max(msg.metadata.num_delivered for msg in msgs)
        return min(self._retry_delay * 2.0 ** min(delivered - 1, 10), self._retry_most)


class _Keyed:
    """One by one: batches are only how messages arrive."""

    linger = 0.0
    concurrency = 1

    def __init__(self, worker: KeyedWorker) -> None:
        self._worker = worker
        self.max_batch = self.ahead = worker.room

    def start(self) -> None:
        self._worker.start()

    async def consume(self, pump: Pump, msgs: Sequence[Msg]) -> None:
        for position, msg in enumerate(msgs):
            try:
                await self._worker.take(pump, msg)
            except BaseException:
                await pump.give_back(msgs[position:])
                raise

    async def consume_directly(self, msgs: Sequence[Msg]) -> None:
        for msg in msgs:
            await self._worker.handle_directly(msg)

    async def stop(self, grace: float | None) -> None:
        await self._worker.stop(grace)
