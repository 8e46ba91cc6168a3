"""Erased records as their certificates list them: what is left of messages that are gone."""

import json
from typing import Any, Final

from casetrail_contracts import MalformedEvent, parse_event
from casetrail_contracts.registry.privacy import Erased, ErasedRecord
from casetrail_evidence import leaves

from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.archiving.told import ArchivedRecords
from casetrail_audit.domain.erased import Mark, mark, restored
from casetrail_audit.domain.record import Record

CERTIFICATES: Final = "support.*.privacy.erased"


class CertifiedRecords:
    """The records that the certificates of a stream make possible.

    A line is taken only when its leaf is the hash of its leaf input, and this is of the sequence
    and the stream it says. Whether it is the leaf that was logged, the root of the rebuilt tree
    shows against any signed checkpoint.
    """

    def __init__(self, stream: JetStreamLog) -> None:
        self._stream = stream
        self._read_through = 0
        self._lines: dict[int, tuple[ErasedRecord, Mark]] = {}

    async def final(self, seq: int) -> Record | None:
        """The erased record of this sequence; None when no certificate lists it."""
        await self._read()
        found = self._lines.get(seq)
        if found is None:
            return None
        line, mark = found
        return restored(line.leaf_input, line.event_id, mark)

    async def _read(self) -> None:
        """Reads the certificates that are new since it looked last."""
        while True:
            message = await self._stream.next_on(CERTIFICATES, self._read_through + 1)
            if message is None:
                return
            self._read_through = message.seq
            try:
                event = parse_event(message.data)
            except MalformedEvent:
                continue  # it is a record of its own, and certifies nothing
            if isinstance(event.data, Erased):
                for line in event.data.records:
                    self._take(line, event.data, event.time)

    def _take(self, line: ErasedRecord, certificate: Erased, at: Any) -> None:
        if leaves.leaf_hash(line.leaf_input).hex() != line.leaf:
            return
        content: dict[str, Any] = json.loads(line.leaf_input)
        if (content["log"], content["seq"]) != (self._stream.name, line.seq):
            return
        _, earlier = self._lines.get(line.seq, (line, None))
        if earlier is None or earlier["erasure_id"] != certificate.erasure_id:
            made = mark(certificate.model_dump(), line.fields, at, earlier)
            self._lines[line.seq] = (line, {**made, "certified": True})


class FirstOf:
    """What the first of several says that knows anything of a sequence."""

    def __init__(self, *sources: CertifiedRecords | ArchivedRecords) -> None:
        self._sources = sources

    async def final(self, seq: int) -> Record | None:
        """The record of this sequence; None when none knows it."""
        for source in self._sources:
            found = await source.final(seq)
            if found is not None:
                return found
        return None
