"""A short visit to the JetStream of a running stack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import nats
from casetrail_contracts.records import AuditRecord
from casetrail_contracts.subjects import AUDIT, AUDIT_SUBJECTS, CHECKPOINT_SUBJECT
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError, ServiceUnavailableError

from casetrail_local.errors import StackError

RECORDS: Final = "audit.*.*.*"
"""What records are published on; a checkpoint's subject has two parts."""


@asynccontextmanager
async def connected(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """JetStream of a running server; raises a sentence when it does not answer."""
    try:
        client: Client = await nats.connect(
            nats_url,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # counts for the first connection too, whatever is allowed
            reconnect_time_wait=0,
            connect_timeout=3,
            error_cb=_raised_anyway,
        )
    except (OSError, NatsError) as fault:
        raise StackError(
            f"NATS at {_where(nats_url)} does not answer: is the stack up? See `casetrail status`."
        ) from fault
    try:
        yield client.jetstream(timeout=5)
    except (NatsError, ServiceUnavailableError) as fault:
        raise StackError(f"NATS at {_where(nats_url)} refused: {fault}") from fault
    finally:
        await client.close()


def _where(nats_url: str) -> str:
    """The address without the password in it."""
    return urlsplit(nats_url).netloc.rpartition("@")[2]


async def _raised_anyway(_fault: Exception) -> None:
    """Keeps nats-py from logging a traceback of what the caller gets as an exception."""


async def records_from(stream: JetStreamContext, seq: int) -> AsyncIterator[AuditRecord]:
    """Every record from this sequence of the log on, and then those that are stored from now on."""
    start = await place_of(stream, seq)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start)
    subscription = await stream.subscribe(
        AUDIT_SUBJECTS, stream=AUDIT, ordered_consumer=True, config=config
    )
    async for message in subscription.messages:
        if message.subject != CHECKPOINT_SUBJECT:
            yield AuditRecord.model_validate_json(message.data)


async def place_of(stream: JetStreamContext, seq: int) -> int:
    """The place on AUDIT of the first record that is not before `seq`; after the end, the next one.

    Checkpoints stand between the records, so it is looked for by halving.
    """
    low, high = 1, (await stream.stream_info(AUDIT)).state.last_seq + 1
    while low < high:
        middle = (low + high) // 2
        try:
            found = await stream.get_msg(AUDIT, seq=middle, subject=RECORDS, next=True)
        except NotFoundError:  # only checkpoints from here on
            high = middle
            continue
        if json.loads(found.data or b"{}")["seq"] >= seq:
            high = middle
        else:
            low = (found.seq or middle) + 1
    return low


async def records_from_now(stream: JetStreamContext) -> AsyncIterator[AuditRecord]:
    """Every record that is stored from now on, in order, as other systems get it.

    They come from the AUDIT stream and not from the gateway: reading there is a look that is
    recorded, so that following the log would write it without end.
    """
    config = ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    subscription = await stream.subscribe(
        AUDIT_SUBJECTS, stream=AUDIT, ordered_consumer=True, config=config
    )
    async for message in subscription.messages:
        if message.subject != CHECKPOINT_SUBJECT:
            yield AuditRecord.model_validate_json(message.data)
