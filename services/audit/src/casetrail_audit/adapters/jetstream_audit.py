"""The stream of what is recorded: every record once, in order."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog
from casetrail_contracts.subjects import AUDIT
from casetrail_runtime.publisher.wire import MAX_BATCH, Refused, store_batch, store_one
from casetrail_runtime.publisher.writing import Message, Unanswered
from faststream.nats import NatsBroker
from nats.js.api import Header

from casetrail_audit.adapters.jetstream_log import JetStreamLog, connection
from casetrail_audit.domain.published import cut, published
from casetrail_audit.ports import FinalRecord, StreamUnavailable

log = structlog.get_logger(__name__)

RECORDS: Final = "audit.*.*.*"
"""What records are published on; checkpoints have two tokens."""
SEQ_HEADER: Final = "Casetrail-Seq"
BATCH_BYTES: Final = 1024 * 1024
_HEADERS: Final = 500
_WAIT: Final = 3.0


class JetStreamAudit:
    """`audit.>`, written by compare-and-set.

    Every batch is one atomic batch of JetStream whose first message is accepted only if the last
    record on the stream still is the one before it (`Nats-Expected-Last-Subject-Sequence` over
    all records' subjects). An answer that was lost, another follower, a process that was away for
    a week: the expectation fails, and where to go on is read from the stream again.
    """

    def __init__(self, broker: NatsBroker, stream: str = AUDIT) -> None:
        self._broker = broker
        self._stream = stream
        self._reader = JetStreamLog(broker, stream)
        self._last: tuple[int, int] | None = None

    async def published_through(self) -> int:
        """The sequence of the last record on it; 0 when there is none."""
        if self._last is None:
            self._last = await self._read_last()
        return self._last[1]

    async def publish(self, after: int, records: Sequence[FinalRecord]) -> bool:
        """Adds these if `after` is still the last on it; else nothing more, and False."""
        if self._last is None or self._last[1] != after:
            return False
        for chunk in self._chunks([self._message(record) for record in records]):
            position, _ = self._last
            first, *others = chunk
            expected = {
                Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(position),
                "Nats-Expected-Last-Subject-Sequence-Subject": RECORDS,
            }
            guarded = Message(first.subject, first.data, {**first.headers, **expected})
            if (stored_at := await self._store([guarded, *others])) is None:
                self._last = None
                return False
            self._last = (stored_at, int(chunk[-1].headers[SEQ_HEADER]))
        return True

    async def _store(self, messages: Sequence[Message]) -> int | None:
        """Where the last of them stands; None when the stream has moved on, or may have."""
        client = connection(self._broker)
        try:
            if len(messages) == 1:
                ack = await store_one(client, self._stream, messages[0], wait=_WAIT)
                return None if ack.duplicate else ack.seq
            return (await store_batch(client, self._stream, messages, wait=_WAIT))[-1].seq
        except Refused as refusal:
            log.debug("publication refused, reading on", reason=str(refusal))
            if refusal.full:
                self._last = None
                raise StreamUnavailable(str(refusal)) from refusal
            return None
        except Unanswered as error:
            self._last = None
            raise StreamUnavailable(str(error)) from error

    def _message(self, record: FinalRecord) -> Message:
        subject, content = published(
            record.content, record.leaf, record.recorded_at, record.event_id
        )
        headers = {
            Header.MSG_ID.value: f"audit:{record.seq}",
            Header.EXPECTED_STREAM.value: self._stream,
            "content-type": "application/cloudevents+json",
            SEQ_HEADER: str(record.seq),
        }
        return Message(subject, self._body(content), headers)

    def _body(self, content: Mapping[str, Any]) -> bytes:
        body = orjson.dumps(content)
        limit = connection(self._broker).max_payload - _HEADERS
        return body if len(body) <= limit else orjson.dumps(cut(content))

    def _chunks(self, messages: Sequence[Message]) -> list[list[Message]]:
        chunks: list[list[Message]] = []
        room = 0
        for message in messages:
            size = message.size
            if not chunks or len(chunks[-1]) == MAX_BATCH or size > room:
                chunks.append([])
                room = BATCH_BYTES
            chunks[-1].append(message)
            room -= size
        return chunks

    async def _read_last(self) -> tuple[int, int]:
        """Position and record of the last message that tells of a record; the leader's word."""
        found = await self._reader.last(RECORDS)
        if found is None:
            return 0, 0
        return found.seq, int(orjson.loads(found.data)["seq"])
