"""Messages in: every batch of the durable `audit` is recorded."""

from collections.abc import Callable, Sequence
from typing import Final

from casetrail_contracts.subjects import AUDIT_DURABLE
from casetrail_runtime.pull import place_of, subscribe_batch
from faststream.nats import NatsBroker
from nats.aio.msg import Msg
from nats.js.api import Header

from casetrail_audit.domain.message import Message, moment
from casetrail_audit.ports import LogForked
from casetrail_audit.use_cases import RecordMessages

_MSG_ID: Final = Header.MSG_ID.value

RETRY_MOST: Final = 2.0
"""Seconds at most until what could not be written comes again: the log stands still until then."""


def subscribe(
    broker: NatsBroker,
    record: RecordMessages,
    forked: Callable[[LogForked], None],
    *,
    batch: int,
    concurrency: int,
) -> None:
    """Records what arrives; a batch is acked after its majority write."""

    async def on_messages(msgs: Sequence[Msg]) -> None:
        try:
            await record([delivered(msg) for msg in msgs])
        except LogForked as fork:
            forked(fork)
            raise

    subscribe_batch(
        broker,
        AUDIT_DURABLE,
        on_messages,
        max_batch=batch,
        concurrency=concurrency,
        retry_most=RETRY_MOST,
        title="audit",
        description="Every message of every subject becomes one record of the log.",
    )


def delivered(msg: Msg) -> Message:
    """The message that a consumer of the stream was given.

    `Msg.metadata` is not used: its time went through a float.
    """
    place = place_of(msg)
    return Message(
        log=place.stream,
        seq=place.seq,
        subject=msg.subject,
        data=msg.data,
        msg_id=None if msg.headers is None else msg.headers.get(_MSG_ID),
        recorded_at=moment(place.nanoseconds),
    )
