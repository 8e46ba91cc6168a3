"""The word that something is recorded, from the AUDIT subjects: one subscription per process."""

import asyncio
from contextlib import suppress
from typing import Final

from casetrail_runtime.publisher.facts import connected_client
from casetrail_runtime.tasks import happens
from faststream.nats import NatsBroker
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

RECORDS: Final = "audit.*.*.*"
SEQ_HEADER: Final = "Casetrail-Seq"


class AuditSignal:
    """Plain NATS and no consumer: what counts is the log, which is read as far as was told.

    A message that is lost, or one of a batch that the stream refused, therefore changes nothing.
    """

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker
        self._subscription: Subscription | None = None
        self._told = 0
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Listens; the client listens again by itself after every reconnection."""
        client = connected_client(self._broker)
        if client is not None:
            self._subscription = await client.subscribe(RECORDS, cb=self._on_message)

    async def stop(self) -> None:
        """Listens no more."""
        if self._subscription is not None:
            with suppress(Exception):  # the connection may be gone already
                await self._subscription.unsubscribe()

    async def wait(self, seconds: float) -> int:
        """The highest sequence that was told of; returns after so many seconds in any case."""
        await happens(self._news, seconds)
        self._news.clear()
        return self._told

    async def _on_message(self, message: Msg) -> None:
        seq = (message.headers or {}).get(SEQ_HEADER, "")
        if seq.isdecimal():
            self._told = max(self._told, int(seq))
            self._news.set()
