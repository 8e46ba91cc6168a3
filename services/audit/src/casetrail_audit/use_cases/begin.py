"""What must be so before anything is recorded."""

from collections.abc import Sequence
from typing import Final

import structlog
from casetrail_runtime.publisher.facts import covers

from casetrail_audit.domain.envelope import milliseconds
from casetrail_audit.ports import Bounds, LogBook, Records, Standing, Stream
from casetrail_audit.use_cases.find_missing import FindMissing

log = structlog.get_logger(__name__)

FIRST: Final = 1
STRETCH: Final = 1000


class CannotBegin(Exception):
    """The stream, the log and the settings do not fit; the message says how, in a sentence."""


class BeginLog:
    """Returns when the log is begun and fits the stream; otherwise raises `CannotBegin`."""

    def __init__(
        self,
        stream: Stream,
        records: Records,
        book: LogBook,
        find_missing: FindMissing,
        *,
        extra_subjects: Sequence[str] = (),
        record_missing_as_gaps: bool,
    ) -> None:
        self._stream = stream
        self._records = records
        self._book = book
        self._find_missing = find_missing
        self._extra_subjects = extra_subjects
        self._record_missing_as_gaps = record_missing_as_gaps

    async def __call__(self) -> None:
        """Compares what the stream still has with what is recorded; fails closed."""
        bounds = await self._stream.bounds()
        self._all_taken(bounds)
        await self._same_stream(bounds)
        await self._book.begin(FIRST)
        standing = await self._book.standing()
        if standing is not None:
            await self._nothing_lost(bounds, standing)

    def _all_taken(self, bounds: Bounds) -> None:
        for subject in self._extra_subjects:
            if not any(covers(pattern, subject) for pattern in bounds.subjects):
                raise CannotBegin(
                    f"AUDIT_EXTRA_SUBJECTS names {subject}, which the stream {self._stream.name} "
                    "does not take: run `python -m casetrail_runtime.streams apply "
                    f"--extra-subjects {subject}`."
                )

    async def _same_stream(self, bounds: Bounds) -> None:
        last = await self._records.last()
        if last is None:
            return
        name = self._stream.name
        if last.seq > bounds.last_seq:
            raise CannotBegin(
                f"The log has record {last.seq}, but the stream {name} ends at {bounds.last_seq}: "
                "the stream was lost or replaced. Restore it, or point AUDIT_MONGO_URL to an empty "
                "database to begin another log."
            )
        message = await self._stream.message(last.seq)
        if message is None or last.kind == "gap":
            return
        if milliseconds(message.recorded_at) != last.recorded_at:
            raise CannotBegin(
                f"Record {last.seq} was recorded at {last.recorded_at.isoformat()}, but message "
                f"{last.seq} of the stream {name} is of {message.recorded_at.isoformat()}: this is "
                "another stream. Check AUDIT_NATS_URL and AUDIT_MONGO_URL."
            )

    async def _nothing_lost(self, bounds: Bounds, standing: Standing) -> None:
        """Nothing when every message the stream has lost is recorded."""
        lost: list[int] = []
        for first in range(standing.complete_through + 1, bounds.first_seq, STRETCH):
            last = min(first + STRETCH - 1, bounds.first_seq - 1)
            missing = await self._records.missing(first, last)
            if missing and not self._record_missing_as_gaps:
                raise CannotBegin(
                    f"The stream {self._stream.name} begins at {bounds.first_seq}, but the log is "
                    f"complete only through {standing.complete_through}: from {missing[0]} on, "
                    "messages were lost before they were recorded. Restore the stream, or set "
                    "AUDIT_RECORD_MISSING_AS_GAPS=true to record each of them as a gap and go on."
                )
            if missing:
                await self._find_missing.fill(missing)
                lost += (missing[0], missing[-1])
        if lost:
            log.warning("lost messages recorded as gaps", first=lost[0], last=lost[-1])
