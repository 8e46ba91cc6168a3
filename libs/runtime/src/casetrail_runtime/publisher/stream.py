"""The publisher of one stream: what waits is stored together."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.envelope import CONTENT_TYPE
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js.api import Header
from opentelemetry.trace import SpanKind

from casetrail_runtime.leaving import IN_VAIN, go_elsewhere
from casetrail_runtime.publisher.facts import StreamFacts, connected_client, read_facts
from casetrail_runtime.publisher.waiting import Call, Item, first_of_each_call
from casetrail_runtime.publisher.wire import (
    MAX_BATCH,
    Ack,
    NotStored,
    Refused,
    store_batch,
    store_each,
)
from casetrail_runtime.publisher.writing import Message, Unanswered, header_size
from casetrail_runtime.tasks import happens
from casetrail_runtime.telemetry import telemetry_of, trace_headers_or_new

Raw = tuple[str, bytes, str]
"""Subject, bytes and id of an event."""
BATCH_BYTES: Final = 1024 * 1024
"""An atomic batch is closed at this size: the server holds it in memory until its commit."""
WAITING_MESSAGES: Final = 10_000
WAITING_BYTES: Final = 32 * 1024 * 1024
"""What may wait in memory; beyond it callers wait for room."""
ATTEMPT: Final = 2.0
"""Seconds one attempt waits for its acknowledgement."""
AT_ONCE: Final = 4
"""Such groups of a few that are on their way at once."""
FEW: Final = 10
"""So many are stored each on its own, which takes less time than one batch; so is what is left of
a refused batch once it is halved down to this many."""
_BATCH_HEADERS: Final = 160
_MSG_ID: Final = Header.MSG_ID.value
_CONTENT: Final = {"content-type": CONTENT_TYPE}
_MAX_PAYLOAD: Final = 1024 * 1024
_NO_SPAN: Final = nullcontext()


class StreamPublisher:
    """A publisher for one stream; what waits is stored together in atomic batches.

    One per stream and process, shared by all tasks; it needs no start. While one batch is on its
    way (one write and one fsync at the server) the next one gathers, so a single event is not
    delayed and many together cost little. Only one batch is on its way at a time: that is what
    keeps the order when the connection breaks. `timeout` is how many seconds a call may go
    without progress before `NotStored`; until then it is retried with the same ids.
    """

    def __init__(self, broker: NatsBroker, stream: str, *, timeout: float = 5.0) -> None:
        self._broker = broker
        self._stream = stream
        self._timeout = timeout
        self._telemetry = telemetry = telemetry_of(broker)
        self._published = telemetry.published.labels(stream)
        self._batch_size = telemetry.batch_size.labels(stream)
        self._publishing = telemetry.publishing.labels(stream)
        self._waiting: deque[Item] = deque()
        self._waiting_bytes = 0
        self._room_made = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._facts: StreamFacts | None = None
        self._closed = False
        self._calls: set[Call] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._among_duplicates = False
        self._silent_since: float | None = None
        """Since when nothing was acknowledged, though the server is connected."""

    async def publish(self, event: Event) -> Ack:
        """The ack of one event. Calls at the same time are independent of each other."""
        return (await self._store([(event.nats_subject, event.to_bytes(), event.id, None)]))[0]

    async def publish_all(self, events: Sequence[Event]) -> list[Ack]:
        """The acks of these events, stored in this order.

        All or a prefix: after one that is not stored none of the later ones is (`NotStored.acks`
        has the prefix). For events that have nothing to do with each other, gather `publish`.
        """
        return await self._store([(e.nats_subject, e.to_bytes(), e.id, None) for e in events])

    async def publish_all_raw(self, messages: Sequence[Raw]) -> list[Ack]:
        """The same for events that are bytes already, each (subject, bytes, event id)."""
        return await self._store([(*message, None) for message in messages])

    async def publish_raw(
        self,
        subject: str,
        data: bytes,
        msg_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> Ack:
        """The ack of these bytes under this subject and Nats-Msg-Id."""
        return (await self._store([(subject, data, msg_id, headers or {})]))[0]

    @property
    def connected(self) -> bool:
        """Whether NATS is connected now; without it nothing is stored before it comes back."""
        client = connected_client(self._broker)
        return client is not None and client.is_connected

    def fits(self, data: bytes, headers: Mapping[str, str], msg_id: str) -> bool:
        """Whether the server would take a message of this size.

        One that is too large makes the server close the connection, so it is never sent.
        """
        return len(data) + header_size({**headers, _MSG_ID: msg_id}) <= self._limit

    @property
    def _limit(self) -> int:
        """Bytes a message may have, its headers counted, so that it also goes into a batch."""
        client = connected_client(self._broker)
        return (_MAX_PAYLOAD if client is None else client.max_payload) - _BATCH_HEADERS

    async def close(self) -> None:
        """Ends after what is under way is stored or has failed; later calls get `NotStored`."""
        self._closed = True
        ends = asyncio.get_running_loop().time() + self._timeout
        while working := {*self._under_way, *self._sending()}:
            left = ends - asyncio.get_running_loop().time()
            if not (await asyncio.wait(working, timeout=max(left, 0.0)))[0]:
                break
        for task in working:
            task.cancel()

    def _sending(self) -> set[asyncio.Task[None]]:
        return set() if self._sender is None or self._sender.done() else {self._sender}

    async def _store(
        self, messages: Sequence[tuple[str, bytes, str, Mapping[str, str] | None]]
    ) -> list[Ack]:
        if not messages:
            return []
        loop = asyncio.get_running_loop()
        started = loop.time()
        call = Call(total=len(messages), progress=started, done=loop.create_future())
        self._calls.add(call)
        if self._watch is None:
            self._look_later(loop)
        with self._span():
            try:
                for message, size in self._prepare(messages):
                    if self._crowded:
                        await self._wait_for_room(call)
                    self._enqueue(Item(call, message, size))
                await call.done
            except NotStored:
                self._telemetry.not_stored.labels(self._stream).inc()
                raise
            finally:
                self._calls.discard(call)
                call.forget()
        self._publishing.observe(loop.time() - started)
        return call.acks

    def _span(self) -> AbstractContextManager[object]:
        """A span around a call; nothing when nobody collects any: this runs for every event."""
        if not self._telemetry.traces:
            return _NO_SPAN
        name = f"publish {self._stream}"
        return self._telemetry.tracer.start_as_current_span(name, kind=SpanKind.PRODUCER)

    def _prepare(
        self, messages: Sequence[tuple[str, bytes, str, Mapping[str, str] | None]]
    ) -> list[tuple[Message, int]]:
        """The messages with their headers, and the bytes each takes."""
        if self._closed:
            raise NotStored(f"the publisher of {self._stream} is closed")
        shared = {**trace_headers_or_new(), Header.EXPECTED_STREAM.value: self._stream}
        limit = self._limit
        prepared = []
        for subject, data, msg_id, headers in messages:
            own = _CONTENT if headers is None else headers
            message = Message(subject, data, {**shared, **own, _MSG_ID: msg_id})
            size = message.size
            if size > limit:
                raise NotStored(
                    f"{msg_id}: {len(data)} bytes and its headers are more than NATS takes in one "
                    "message (max_payload)",
                    passing=False,
                )
            prepared.append((message, size))
        return prepared

    @property
    def _crowded(self) -> bool:
        return len(self._waiting) >= WAITING_MESSAGES or self._waiting_bytes >= WAITING_BYTES

    async def _wait_for_room(self, call: Call) -> None:
        while self._crowded:
            if call.done.done():
                call.done.result()
            self._room_made.clear()
            if not await happens(self._room_made, self._time_left(call)):
                raise self._too_late(call)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watch = loop.call_later(self._timeout / 20, self._look)

    def _look(self) -> None:
        """Ends the calls that have gone without progress for too long."""
        self._watch = None
        for call in [call for call in self._calls if self._time_left(call) <= 0]:
            if not call.done.done():
                call.done.set_exception(self._too_late(call))
        if self._calls:
            self._look_later(asyncio.get_running_loop())

    def _time_left(self, call: Call) -> float:
        return call.progress + self._timeout - asyncio.get_running_loop().time()

    def _too_late(self, call: Call) -> NotStored:
        return NotStored(f"not stored within {self._timeout:g} s: {call.obstacle}", call.acks)

    def _enqueue(self, item: Item) -> None:
        self._waiting.append(item)
        self._waiting_bytes += item.size
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(
                self._send_all(), name=f"publisher {self._stream}"
            )

    async def _send_all(self) -> None:
        """Stores what waits, chunk after chunk, and ends when nothing does.

        A few do not wait for the few before them: their calls have nothing to do with each other.
        A batch, and what of one call goes singly, has nothing beside it.
        """
        while chunk := self._next_chunk():
            if len(chunk) > FEW or any(item.call.total > 1 for item in chunk):
                if self._under_way:
                    await asyncio.wait(self._under_way)
                await self._settle(chunk)
                continue
            if len(self._under_way) >= AT_ONCE:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._settle(chunk), name=f"publisher {self._stream}")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            await asyncio.sleep(0)  # what is published in this turn of the loop goes together

    def _next_chunk(self) -> list[Item]:
        """What fits in one atomic batch; an id that is in it already starts the next one."""
        chunk: list[Item] = []
        size = 0
        ids: set[str] = set()
        while self._waiting and len(chunk) < MAX_BATCH:
            item = self._waiting[0]
            msg_id = item.message.headers[_MSG_ID]
            if chunk and (size + item.size > BATCH_BYTES or msg_id in ids):
                break
            self._waiting.popleft()
            self._waiting_bytes -= item.size
            if item.call.done.done():
                continue
            chunk.append(item)
            ids.add(msg_id)
            size += item.size
        self._room_made.set()
        return chunk

    async def _settle(self, chunk: list[Item]) -> None:
        """Stores every item of the chunk in order, or ends the calls of those that cannot be.

        A batch that JetStream refuses (one duplicate id is enough) is halved, and a few are stored
        each on its own: then the refusal is about one message. After a duplicate the next ones are
        as well, because duplicates come together. Of one call only one is on its way then, so that
        none is stored after one that is not.
        """
        self._among_duplicates = False
        parts = [chunk]
        while parts:
            part = [item for item in parts.pop() if not (item.stored or item.call.done.done())]
            if not part:
                continue
            try:
                if part := await self._with_stream(part):
                    parts.extend(await self._try(part))
            except Unanswered as passing:
                for item in part:
                    item.call.obstacle = str(passing)
                await self._in_vain(str(passing))
                await asyncio.sleep(0.05)
                parts.append(part)

    async def _in_vain(self, obstacle: str) -> None:
        """Leaves a server that is connected and has acknowledged nothing for too long."""
        now = asyncio.get_running_loop().time()
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now - ATTEMPT
        elif now - self._silent_since > IN_VAIN and await go_elsewhere(client, obstacle):
            self._silent_since = None

    async def _try(self, part: list[Item]) -> list[list[Item]]:
        """What is left to do after one attempt at these, the first to do at the end."""
        if len(part) <= FEW or self._among_duplicates or not (self._facts and self._facts.atomic):
            first, rest = first_of_each_call(part[:FEW])
            await self._each(first)
            left = [*rest, *part[FEW:]]
            return [left] if left else []
        try:
            acks = await self._attempt([item.message for item in part])
        except Refused:
            half = len(part) // 2
            return [part[half:], part[:half]]
        self._stored(part, acks)
        return []

    async def _each(self, items: Sequence[Item]) -> None:
        """Stores messages of different calls, each on its own; raises the first `Unanswered`."""
        messages = [item.message for item in items]
        found = await store_each(self._client(), self._stream, messages, wait=ATTEMPT)
        unanswered: Unanswered | None = None
        for item, outcome in zip(items, found, strict=True):
            if isinstance(outcome, Ack):
                self._stored([item], [outcome])
            elif isinstance(outcome, Refused):
                item.call.refused(str(outcome), passing=outcome.full)
            else:
                unanswered = unanswered or outcome
        if unanswered is not None:
            raise unanswered

    def _stored(self, part: Sequence[Item], acks: Sequence[Ack]) -> None:
        self._among_duplicates = acks[-1].duplicate
        self._silent_since = None
        now = asyncio.get_running_loop().time()
        for item, ack in zip(part, acks, strict=True):
            item.stored = True
            item.call.stored(ack, now)
        self._published.inc(len(acks))
        self._batch_size.observe(len(acks))

    async def _attempt(self, messages: Sequence[Message]) -> list[Ack]:
        return await store_batch(self._client(), self._stream, messages, wait=ATTEMPT)

    def _client(self) -> Client:
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            raise Unanswered("NATS is not connected")
        return client

    async def _with_stream(self, part: list[Item]) -> list[Item]:
        """Those whose subject the stream takes; the calls of the others end here."""
        client = self._client()
        if self._facts is None or not self._facts.of(client):
            self._facts = await read_facts(client, self._stream)
        if not all(self._facts.takes(item.message.subject) for item in part):
            self._facts = await read_facts(client, self._stream)
        for item in part:
            if not self._facts.takes(item.message.subject):
                reason = f"the stream {self._stream} does not take {item.message.subject}"
                item.call.refused(reason, passing=False)
        return [item for item in part if not item.call.done.done()]
