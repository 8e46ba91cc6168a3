"""Producers that publish through the runtime's publisher and remember every acknowledgement."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.publisher import NotStored, StreamPublisher
from pydantic import SecretStr

from tests.integration.audit.publishing import Published, mixture
from tests.support.fixtures import Addresses

WORKSPACES = ("main", "north", "south")
PATIENCE = 0.2


@dataclass
class Acknowledged:
    """What JetStream acknowledged, by sequence."""

    by_seq: dict[int, Published] = field(default_factory=dict)
    again: int = 0
    """Acknowledgements of an id the stream had."""
    refused: int = 0
    """Publications that were not stored in time and were repeated."""


class Producer:
    """One publisher with its own connection, as a service has one."""

    def __init__(self, nats_url: str, messages: Sequence[Published], seed: int) -> None:
        self._broker: ServiceBroker = make_broker(
            Addresses(nats_url=SecretStr(nats_url)), "producer", exit_after=None
        )
        self._messages = messages
        self._dice = random.Random(seed)
        self.acknowledged = Acknowledged()
        self.sent = 0
        self.per_second = 0.0
        self.longest_pause = 0.0
        """Seconds between two acknowledgements, at most."""
        self._stopping = False
        self._heard = time.monotonic()

    async def run(self, per_second: float) -> None:
        """Publishes everything at this rate, in bursts; repeats what was not acknowledged."""
        self.per_second = per_second
        await self._broker.connect()
        self._heard = time.monotonic()
        publisher = StreamPublisher(self._broker, "SUPPORT")
        began = time.monotonic()
        try:
            while self.sent < len(self._messages) and not self._stopping:
                burst = self._messages[self.sent : self.sent + self._dice.randint(1, 200)]
                await asyncio.gather(*(self._store(publisher, message) for message in burst))
                self.sent += len(burst)
                ahead = self.sent / per_second - (time.monotonic() - began)
                if ahead > 0:
                    await asyncio.sleep(ahead)
        finally:
            await publisher.close()
            await self._broker.stop()

    def stop(self) -> None:
        """Nothing more after the burst under way, which is still seen through."""
        self._stopping = True

    async def _store(self, publisher: StreamPublisher, message: Published) -> None:
        while True:
            try:
                ack = await publisher.publish_raw(message.subject, message.data, message.msg_id)
            except NotStored:
                self.acknowledged.refused += 1
                await asyncio.sleep(PATIENCE)
                continue
            now = time.monotonic()
            self.longest_pause = max(self.longest_pause, now - self._heard)
            self._heard = now
            self.acknowledged.again += ack.duplicate
            self.acknowledged.by_seq.setdefault(ack.seq, message)
            return


def producers(nats_url: str, events: int, seed: int) -> list[Producer]:
    """Three of them, with histories of three workspaces."""
    each = -(-events // len(WORKSPACES))
    return [
        Producer(nats_url, mixture(each, seed * 10 + n, workspace), seed * 10 + n)
        for n, workspace in enumerate(WORKSPACES)
    ]
