"""A short visit to the JetStream of a running stack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from casetrail_contracts.records import AuditRecord
from casetrail_contracts.subjects import AUDIT, AUDIT_SUBJECTS, CHECKPOINT_SUBJECT
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import ServiceUnavailableError

from casetrail_local.errors import StackError


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
            f"NATS at {nats_url} does not answer: is the stack up? See `casetrail status`."
        ) from fault
    try:
        yield client.jetstream(timeout=5)
    except (NatsError, ServiceUnavailableError) as fault:
        raise StackError(f"NATS at {nats_url} refused: {fault}") from fault
    finally:
        await client.close()


async def _raised_anyway(_fault: Exception) -> None:
    """Keeps nats-py from logging a traceback of what the caller gets as an exception."""


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
