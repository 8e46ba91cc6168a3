"""Where an event goes before its webhook is answered: the stream, or the disk while it is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from casetrail_runtime.publisher import NotStored

from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.ports import Spool, Stream


@dataclass(frozen=True)
class Safe:
    """What became of some events: known to the stream before, or waiting on disk for it."""

    duplicates: int = 0
    spooled: int = 0


@dataclass(frozen=True)
class KeepSafe:
    """Returns when every event is in the stream or synced to the spool.

    Calls go over a lane of their own, so that they never wait behind a batch of messages. While
    the spool holds something, later events go behind it: they reach the stream in order. Calls do
    not wait for that either.
    """

    stream: Stream
    fast_lane: Stream
    spool: Spool | None = None

    async def __call__(self, messages: Sequence[Outgoing]) -> Safe:
        """What became of them; raises `NotStored` or `SpoolFull` when any of them is not safe."""
        urgent = [message for message in messages if message.urgent]
        if not urgent:
            return await self._keep(self.stream, messages, in_order=True)
        others = [message for message in messages if not message.urgent]
        lanes = await asyncio.gather(
            self._keep(self.fast_lane, urgent, in_order=False),
            self._keep(self.stream, others, in_order=True),
            return_exceptions=True,
        )
        duplicates = spooled = 0
        for lane in lanes:
            if isinstance(lane, BaseException):
                raise lane
            duplicates, spooled = duplicates + lane.duplicates, spooled + lane.spooled
        return Safe(duplicates, spooled)

    async def _keep(self, lane: Stream, messages: Sequence[Outgoing], *, in_order: bool) -> Safe:
        if not messages:
            return Safe()
        if self.spool is not None and (not lane.connected or (in_order and not self.spool.empty)):
            await self.spool.append(messages)
            return Safe(spooled=len(messages))
        return await self._publish(lane, list(messages))

    async def _publish(self, lane: Stream, left: list[Outgoing]) -> Safe:
        """Stores all; one the stream will never take does not keep the later ones out."""
        duplicates = 0
        refused: NotStored | None = None
        while left:
            try:
                acks = await lane.publish_all_raw([(m.subject, m.data, m.id) for m in left])
            except NotStored as error:
                duplicates += sum(ack.duplicate for ack in error.acks)
                left = left[len(error.acks) :]
                if error.passing and self.spool is None:
                    raise
                if error.passing and self.spool is not None:
                    await self.spool.append(left)
                    break
                refused, left = error, left[1:]
            else:
                duplicates += sum(ack.duplicate for ack in acks)
                left = []
        if refused is not None:
            raise refused
        return Safe(duplicates, len(left))
