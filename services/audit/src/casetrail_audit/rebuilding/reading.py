"""The stream read from its first message on, without a consumer."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

import nats.errors
from casetrail_runtime.publisher.facts import connected_client
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js.api import Header

from casetrail_audit.adapters.jetstream_log import rfc3339
from casetrail_audit.domain.message import Message
from casetrail_audit.ports import StreamUnavailable

MOST: Final = 1000
"""Messages the server gives at once; it has 1,024 itself."""
MOST_BYTES: Final = 16 * 1024 * 1024
SILENCE: Final = 10.0
"""Seconds without a message after which the server is taken to be away."""
_END: Final = frozenset({"204", "404"})


class StretchReader:
    """Stretches of one stream by direct reads in batches (NATS ADR-31).

    It leaves nothing on the server: no consumer, no position, no acknowledgement. A message that
    is lacking in a stretch may still be in the stream (a replica that lags answers too): the
    leader must be asked.
    """

    def __init__(self, broker: NatsBroker, stream: str) -> None:
        self._broker = broker
        self._stream = stream

    async def read(self, first: int, most: int = MOST) -> Sequence[Message]:
        """The next messages from `first` on, in order; none when there seem to be none."""
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            raise StreamUnavailable("NATS is not connected")
        try:
            return await self._read(client, first, most)
        except (nats.errors.Error, TimeoutError) as error:
            raise StreamUnavailable(f"{self._stream} does not answer: {error!r}") from error

    async def _read(self, client: Client, first: int, most: int) -> list[Message]:
        inbox = client.new_inbox()
        arriving = await client.subscribe(inbox, pending_msgs_limit=0, pending_bytes_limit=0)
        request = {"seq": first, "batch": most, "max_bytes": MOST_BYTES}
        subject = f"$JS.API.DIRECT.GET.{self._stream}"
        messages: list[Message] = []
        try:
            await client.publish(subject, json.dumps(request).encode(), reply=inbox)
            while True:
                async with asyncio.timeout(SILENCE):
                    answer = await arriving.next_msg(timeout=None)
                headers = answer.headers or {}
                status = headers.get("Status")
                if status in _END:
                    return messages
                if status is not None:
                    raise StreamUnavailable(f"{self._stream} answers a direct read with {status}")
                messages.append(
                    Message(
                        log=self._stream,
                        seq=int(headers["Nats-Sequence"]),
                        subject=headers["Nats-Subject"],
                        data=answer.data,
                        msg_id=headers.get(Header.MSG_ID.value),
                        recorded_at=rfc3339(headers["Nats-Time-Stamp"]),
                    )
                )
        finally:
            await arriving.unsubscribe()
