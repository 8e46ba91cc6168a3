"""A continuous pull from a durable: messages arrive without asking for each batch.

A pull request stays open at the server, so a message is delivered the moment it is stored and an
idle service costs a heartbeat every few seconds. Requests, statuses and heartbeats are those of
NATS ADR-37 (`$JS.API.CONSUMER.MSG.NEXT`).
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import Error as JetStreamError

from casetrail_runtime.headers import read_headers_quickly
from casetrail_runtime.leaving import go_elsewhere
from casetrail_runtime.pull.acks import ack_together
from casetrail_runtime.pull.delivery import is_from_stream, place_of, seq_of
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end, happens
from casetrail_runtime.telemetry import Telemetry

log = structlog.get_logger(__name__)

EXPIRES: Final = 30.0
"""Seconds a pull request stays open."""
HEARTBEAT: Final = 5.0
"""Seconds of silence after which the server says it is there."""
RETRY: Final = 0.25
"""Seconds until the next request after one was refused (consumer deleted, no leader)."""
TICK: Final = 0.1
_FIGURES_EVERY: Final = 15.0
_DEFAULT_ACK_WAIT: Final = 30.0
_REPEAT: Final = 30.0


class Pump:
    """The messages of one durable, taken as they come; every one is acked or given back.

    `ahead` is how many may be under way to us beyond what was taken. A message that is delivered
    again while it is still held here is dropped: the first copy answers for both. Held messages
    are kept alive (`in_progress`), so a slow handler does not make duplicates.
    """

    def __init__(
        self, client: Client, stream: str, durable: str, *, ahead: int, telemetry: Telemetry
    ) -> None:
        self._client = client
        self._stream = stream
        self._durable = durable
        self._ahead = ahead
        self._telemetry = telemetry
        self._pending = telemetry.pending.labels(durable)  # looked up for every message else
        self._buffer: deque[Msg] = deque()
        self._held: dict[int, Msg] = {}
        self._expected = 0
        self._arrived = asyncio.Event()
        self._heard = time.monotonic()
        self._pull_at: float | None = None
        self._stopping = False
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ack_wait = _DEFAULT_ACK_WAIT
        self._last_status = ("", 0.0)

    async def start(self) -> None:
        """Begins to pull; a consumer that is not there is asked for again until it is."""
        read_headers_quickly(self._client)
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._receive, pending_msgs_limit=0, pending_bytes_limit=0
        )
        await self._read_figures()
        await self._pull()
        self._tasks = [
            asyncio.create_task(self._watch(), name=f"pull {self._durable}"),
            asyncio.create_task(self._keep_alive(), name=f"keep alive {self._durable}"),
            asyncio.create_task(self._report(), name=f"figures {self._durable}"),
        ]

    async def take(self, most: int, linger: float = 0.0) -> list[Msg]:
        """The next messages in order: at least one, up to `most` if they come within `linger`.

        Empty once the pump is stopped.
        """
        while not self._buffer:
            if self._stopping:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        deadline = time.monotonic() + linger
        while len(self._buffer) < most and (left := deadline - time.monotonic()) > 0:
            self._arrived.clear()
            if not await happens(self._arrived, left):
                break
        taken = [self._buffer.popleft() for _ in range(min(most, len(self._buffer)))]
        self._pending.set(place_of(taken[-1]).pending)
        await self._pull()
        return taken

    async def holds(self, count: int) -> None:
        """Returns when so many are here to be taken, or the pump is stopped."""
        while len(self._buffer) < count and not self._stopping:
            self._arrived.clear()
            await self._arrived.wait()

    async def ack(self, msgs: Iterable[Msg]) -> None:
        """Tells the server that these are safe. One that does not hear it delivers them again."""
        acked = [msg for msg in msgs if not msg.is_acked]
        for msg in acked:
            self._held.pop(seq_of(msg), None)
        try:
            await ack_together(self._client, acked)
        except nats.errors.Error as error:
            log.warning("acks not sent", durable=self._durable, reason=describe_error(error))

    async def give_back(self, msgs: Iterable[Msg], delay: float = 0.0) -> None:
        """Has these delivered again, after `delay` seconds."""
        for msg in msgs:
            self._held.pop(seq_of(msg), None)
            try:
                await msg.nak(delay=delay)
            except nats.errors.Error as error:
                log.warning("nak not sent", durable=self._durable, reason=describe_error(error))

    async def stop(self) -> None:
        """Takes nothing more and gives back what nobody has taken; taken ones stay alive."""
        if self._stopping:
            return
        self._stopping = True
        if self._subscription is not None:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                # Draining waits for what the server has sent already, so that it is given back
                # now and not after ack_wait.
                async with asyncio.timeout(2):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]
        await self.give_back(self._take_all())
        self._arrived.set()

    async def close(self) -> None:
        """Ends for good, after `stop`."""
        await self.stop()
        await end(*self._tasks)
        self._tasks.clear()

    def _take_all(self) -> Sequence[Msg]:
        left = list(self._buffer)
        self._buffer.clear()
        return left

    async def _receive(self, msg: Msg) -> None:
        self._heard = time.monotonic()
        if not is_from_stream(msg):
            self._on_status(msg.headers or {})
            return
        self._expected = max(0, self._expected - 1)
        place = place_of(msg)
        if place.num_delivered > 1:
            self._telemetry.redelivered.labels(self._durable).inc()
        if place.seq in self._held:
            return
        self._held[place.seq] = msg
        self._buffer.append(msg)
        self._arrived.set()

    def _on_status(self, headers: dict[str, str]) -> None:
        status, text = headers.get("Status", ""), headers.get("Description", "")
        if status == "100":
            return
        unserved = headers.get("Nats-Pending-Messages")
        if status == "408" and unserved is not None:  # a request is over, ask anew
            self._expected = max(0, self._expected - int(unserved))
            self._pull_at = time.monotonic()
            return
        self._expected = 0
        self._pull_at = time.monotonic() + RETRY
        said = f"{status} {text}".strip()
        if said != self._last_status[0] or time.monotonic() - self._last_status[1] > _REPEAT:
            self._last_status = (said, time.monotonic())
            log.warning("pull refused", durable=self._durable, stream=self._stream, status=said)

    async def _pull(self) -> None:
        """Asks for more when less than half of what may be under way is."""
        room = self._ahead - self._expected - len(self._buffer)
        if self._stopping or room < (self._ahead + 1) // 2 or not self._client.is_connected:
            return
        request = {
            "batch": room,
            "expires": int(EXPIRES * 1e9),
            "idle_heartbeat": int(HEARTBEAT * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        try:
            await self._client.publish(subject, json.dumps(request).encode(), reply=self._inbox)
            self._expected += room
        except nats.errors.Error as error:
            self._pull_at = time.monotonic() + RETRY
            log.warning("pull not sent", durable=self._durable, reason=describe_error(error))

    async def _watch(self) -> None:
        """Asks again after a reconnect (the server forgot), a refusal, or too long a silence."""
        connection = self._client.stats["reconnects"]
        while not self._stopping:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            if not self._client.is_connected:
                continue
            if self._client.stats["reconnects"] != connection:
                connection = self._client.stats["reconnects"]
                self._expected = 0
                self._heard = now
            elif now - self._heard > 2 * HEARTBEAT + 1:
                log.warning("no heartbeat", durable=self._durable, stream=self._stream)
                self._expected = 0
                self._heard = now
                if await go_elsewhere(self._client, f"no heartbeat for {self._durable}"):
                    continue
            elif self._pull_at is None or now < self._pull_at:
                continue
            self._pull_at = None
            await self._pull()

    async def _keep_alive(self) -> None:
        """Tells the server every third of `ack_wait` that what is held is being worked on."""
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            for msg in list(self._held.values()):
                if not self._client.is_connected:
                    break
                with contextlib.suppress(nats.errors.Error):
                    await msg.in_progress()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_FIGURES_EVERY)
            await self._read_figures()

    async def _read_figures(self) -> None:
        """Reads the durable's `ack_wait` and what is pending; silent while NATS is away."""
        if not self._client.is_connected:
            return
        with contextlib.suppress(nats.errors.Error, JetStreamError):
            info = await self._client.jetstream(timeout=2).consumer_info(
                self._stream, self._durable
            )
            self._ack_wait = info.config.ack_wait or _DEFAULT_ACK_WAIT
            self._pending.set(info.num_pending or 0)
            self._telemetry.unacked.labels(self._durable).set(info.num_ack_pending or 0)
