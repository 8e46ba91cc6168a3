"""What the log tells of archives: the records of `retention.archived`, checked as all others."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import MalformedEvent, parse_event
from casetrail_contracts.registry.retention import RetentionArchived
from casetrail_evidence import leaves

from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.archiving.folder import ArchiveUnavailable
from casetrail_audit.archiving.reading import ArchiveReader
from casetrail_audit.archiving.stub import archived_mark, record_of_line, stub_of
from casetrail_audit.domain.envelope import milliseconds, time_of
from casetrail_audit.domain.record import Record

TYPE: Final = "casetrail.retention.archived.v1"
SUBJECTS: Final = "support.*.retention.archived"
WRITTEN: Final = "archived"


@dataclass(frozen=True, slots=True)
class ToldArchive:
    """An archive as one event says: the file, and the runs of sequences in it."""

    file: str
    ranges: Sequence[Sequence[int]]
    by: int
    at: datetime

    def holds(self, seq: int) -> bool:
        """Whether it says that this record is in it."""
        at = bisect_right(self.ranges, seq, key=lambda run: run[0]) - 1
        return at >= 0 and seq <= self.ranges[at][1]


def told_by(record: Mapping[str, Any]) -> ToldArchive | None:
    """The archive that a record tells of; None when it is not of that kind, or was edited."""
    text, leaf = record.get("leaf_input"), record.get("leaf")
    if not isinstance(text, str) or leaves.leaf_hash(text) != leaf:
        return None
    content: dict[str, Any] = json.loads(text)
    event = content["event"]
    if event is None or event.get("type") != TYPE or content["seq"] != record["_id"]:
        return None
    data, at = event["data"], time_of(event.get("time"))
    if data.get("stage") != WRITTEN or at is None:
        return None
    return ToldArchive(data["file"], data["ranges"], content["seq"], at)


class ArchivedRecords:
    """The places of archived records, for a log that is made anew from its stream.

    Where the stream tells of an archive and the file is not there, nothing is guessed: it raises
    `ArchiveUnavailable`, since a gap would be for ever.
    """

    def __init__(self, stream: JetStreamLog, reader: ArchiveReader) -> None:
        self._stream = stream
        self._reader = reader
        self._read_through = 0
        self._told: list[ToldArchive] = []

    async def final(self, seq: int) -> Record | None:
        """What is left in MongoDB of an archived record; None when no archive holds it."""
        await self._read()
        told = next((each for each in self._told if each.holds(seq)), None)
        if told is None:
            return None
        line = (await self._reader.lines(told.file)).get(seq)
        if line is None:
            raise ArchiveUnavailable(f"The archive {told.file} does not hold record {seq}.")
        record = record_of_line(line)
        return stub_of(record, archived_mark(record, told.file, told.by, told.at))

    async def _read(self) -> None:
        """Reads the events that are new since it looked last."""
        while True:
            message = await self._stream.next_on(SUBJECTS, self._read_through + 1)
            if message is None:
                return
            self._read_through = message.seq
            try:
                event = parse_event(message.data)
            except MalformedEvent:
                continue  # it is a record of its own, and tells of no archive
            data = event.data
            if isinstance(data, RetentionArchived) and data.stage == WRITTEN:
                at = milliseconds(event.time)
                self._told.append(ToldArchive(data.file, data.ranges, message.seq, at))
