"""Bringing what waited on disk into the stream, in order, under the ids it had."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from casetrail_runtime.publisher import NotStored

from casetrail_ingest.ports import Spool, Stream

log: Final = structlog.get_logger()
AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class DrainSpool:
    """Publishes the spool for as long as it is awaited; a message leaves it only when stored.

    After a crash the same messages are published again: their ids make that a repetition. `pause`
    is how many seconds it waits while the stream is away.
    """

    spool: Spool
    stream: Stream
    pause: float = 0.25

    async def __call__(self) -> None:
        """Runs for ever; end it by cancelling."""
        while True:
            await self.spool.wait_until_filled()
            if not await self.once():
                await asyncio.sleep(self.pause)

    async def once(self) -> bool:
        """Whether the oldest messages have left the spool; False while the stream is away."""
        waiting = await self.spool.oldest(AT_ONCE)
        try:
            await self.stream.publish_all_raw([(m.subject, m.data, m.id) for m in waiting])
        except NotStored as error:
            await self.spool.done(len(error.acks))
            if error.passing:
                return False
            await self.spool.refuse(waiting[len(error.acks)])
            log.critical("spooled_event_refused_and_set_aside", reason=error.reason)
            return True
        await self.spool.done(len(waiting))
        return True
