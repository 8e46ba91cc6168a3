"""What happened to a thing since the version somebody decided on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_contracts.api import ChangeSince

from casetrail_gateway.domain.errors import AccessNotRecorded, LogUnavailable
from casetrail_gateway.domain.log import Page, Record, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.summaries import summary
from casetrail_gateway.ports import Clock, EventStream, Log
from casetrail_gateway.use_cases.looking import AccessBeforeAnswer, Look
from casetrail_gateway.use_cases.timelines import plain, told_changes

MOST: Final = 50
"""Changes told; the newest."""
_PAUSE: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A thing that is at version `now` while somebody decided on version `seen`."""

    target: str
    """As records name it: `ticket/T-1001`, `conversation/cv_…`, `user/a`."""
    seen: int
    now: int
    conversation_id: str | None = None
    case_id: str | None = None
    ticket_id: str | None = None


class TellChanges:
    """Reads the changes off the log, after the look at them was recorded."""

    def __init__(self, log: Log, stream: EventStream, clock: Clock, patience: float) -> None:
        self._log = log
        self._give = AccessBeforeAnswer(stream, clock)
        self._patience = patience

    async def __call__(
        self, caller: Caller, moved: Moved, correlation_id: str
    ) -> list[ChangeSince] | None:
        """The changes, the oldest first; None when they cannot be told just now."""
        read = _ReadChanges(self._log, caller, moved, self._patience)
        try:
            return await self._give(caller, read, permitted=True, correlation_id=correlation_id)
        except (AccessNotRecorded, LogUnavailable):
            return None  # the conflict stands all the same


class _ReadChanges:
    """The records of one thing after a version."""

    def __init__(self, log: Log, caller: Caller, moved: Moved, patience: float) -> None:
        self._log = log
        self._caller = caller
        self._moved = moved
        self._patience = patience

    async def look(self) -> Look:
        """A look at the newest changes of a thing the caller may act on."""
        moved = self._moved
        return Look(
            what="changes",
            target=moved.target,
            case_id=moved.case_id,
            ticket_id=moved.ticket_id,
            conversation_id=moved.conversation_id,
        )

    async def answer(self) -> list[ChangeSince] | None:
        """The log is written a moment after things happen, so its newest may have to be awaited."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            found = await self._found()
            if found and found[-1].version == self._moved.now:
                return [_told(record, reads_text=self._caller.reads_text) for record in found]
            if loop.time() >= deadline:
                return [] if self._moved.seen >= self._moved.now else None
            await asyncio.sleep(_PAUSE)

    async def _found(self) -> Sequence[Record]:
        wanted, page = RecordFilter(target=self._moved.target), Page(MOST, "desc")
        newest = await self._log.records(self._caller.workspace, wanted, page)
        later = {
            record.version: record
            for record in newest
            if record.kind == "event"
            and record.version is not None
            and self._moved.seen < record.version <= self._moved.now
        }
        return [later[version] for version in sorted(later)]


def _told(record: Record, *, reads_text: bool) -> ChangeSince:
    return ChangeSince.model_validate(
        {
            "version": record.version,
            "seq": record.seq,
            "at": record.at,
            "actor": plain(record.actor),
            "action": record.action or record.kind,
            "changes": told_changes(record),
            "summary": summary(record, reads_text=reads_text),
        }
    )
