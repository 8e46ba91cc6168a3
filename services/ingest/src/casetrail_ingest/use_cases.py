"""What ingest does."""

from collections.abc import Sequence
from dataclasses import dataclass

from casetrail_contracts import Event
from casetrail_runtime.publisher import Ack, NotStored

from casetrail_ingest.domain.events import events_of
from casetrail_ingest.domain.reading import Reading, Workspaces
from casetrail_ingest.ports import Clock, Stream


@dataclass(frozen=True)
class Taken:
    """What became of a webhook: its events, and how many of them the stream knew already."""

    events: int
    duplicates: int


@dataclass(frozen=True)
class TakeWebhook:
    """Turns an authentic body into events and returns once all of them are stored."""

    stream: Stream
    workspaces: Workspaces
    workspace_key: bytes
    clock: Clock

    async def __call__(self, body: bytes) -> Taken:
        """How many events the body gave; raises `NotStored` if any of them is not stored."""
        events = events_of(Reading(body, self.clock(), self.workspaces, self.workspace_key))
        acks = await self._store(events)
        return Taken(len(events), sum(ack.duplicate for ack in acks))

    async def _store(self, events: Sequence[Event]) -> list[Ack]:
        """All acks; an event the stream will never take does not keep the later ones out."""
        acks: list[Ack] = []
        refused: NotStored | None = None
        left = list(events)
        while left:
            try:
                acks += await self.stream.publish_all(left)
                break
            except NotStored as error:
                if error.passing:
                    raise
                refused = error
                acks += error.acks
                left = left[len(error.acks) + 1 :]
        if refused is not None:
            raise refused
        return acks
