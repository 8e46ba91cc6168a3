"""`python -m tests.support.relay_process NATS_URL MONGO_URL COLLECTION DIE_AFTER`: a relay alone.

It relays until it is killed. After DIE_AFTER stored events (0: never) it kills itself with SIGKILL,
between the acknowledgement of the stream and the removal from the outbox.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping

from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import database, make_client
from casetrail_runtime.publisher import Ack, StreamPublisher
from casetrail_runtime.relay import Relay
from pydantic import SecretStr

from tests.support.fixtures import Addresses


class Mortal:
    """A publisher in a process that dies after so many events."""

    def __init__(self, publisher: StreamPublisher, die_after: int) -> None:
        self._publisher = publisher
        self._left = die_after

    async def publish_raw(
        self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> Ack:
        """The ack, unless it was the last one."""
        ack = await self._publisher.publish_raw(subject, data, msg_id, headers)
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return ack


async def main(nats_url: str, mongo_url: str, collection: str, die_after: str) -> None:
    """Relays for ever."""
    settings = Addresses(nats_url=SecretStr(nats_url), mongo_url=SecretStr(mongo_url))
    broker = make_broker(settings, "relay")
    await broker.start()
    publisher = Mortal(StreamPublisher(broker, "SUPPORT"), int(die_after))
    relay = Relay(database(make_client(settings, "relay")), [collection], publisher, grace=0.05)
    await relay.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
