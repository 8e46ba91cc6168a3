"""All services on real servers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from casetrail_runtime.broker import ServiceBroker
from nats.js import JetStreamContext

from tests.integration.privacy.office import Office, open_office
from tests.support.servers import MongoForTests, NatsForTests


@pytest.fixture
async def office(
    nats_server: NatsForTests,
    mongo_server: MongoForTests,
    streams_applied: JetStreamContext,
    broker: ServiceBroker,
    tmp_path: Path,
) -> AsyncIterator[Office]:
    """Audit, routing, tickets and the gateway; they stop in the end."""
    async with open_office(nats_server, mongo_server, streams_applied, broker, tmp_path) as made:
        yield made


@pytest.fixture
def js(streams_applied: JetStreamContext) -> JetStreamContext:
    """JetStream with all streams and durables."""
    return streams_applied
