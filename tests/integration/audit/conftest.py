"""Servers with the streams as their owner makes them, and one extra subject."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import SUPPORT, apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js import JetStreamContext

from tests.integration.audit.publishing import EXTRA
from tests.integration.audit.replica import settings_for
from tests.support.servers import NatsForTests

WITH_EXTRA = [
    replace(spec, subjects=(*spec.subjects, EXTRA)) if spec.name == SUPPORT.name else spec
    for spec in STREAMS
]


@pytest.fixture
async def js(broker: ServiceBroker) -> JetStreamContext:
    """JetStream with all streams; SUPPORT takes `erp.>` as well."""
    context = broker.connection.jetstream()
    await apply_all(context, WITH_EXTRA, DURABLES)
    return context


@pytest.fixture
async def publisher(broker: ServiceBroker, js: JetStreamContext) -> AsyncIterator[StreamPublisher]:
    """Publishes on SUPPORT."""
    made = StreamPublisher(broker, "SUPPORT", timeout=30)
    yield made
    await made.close()


@pytest.fixture
def audit_settings(
    nats_server: NatsForTests, mongo_url: str, js: JetStreamContext
) -> AuditSettings:
    """Settings of a replica on the servers of this test."""
    return settings_for(nats_server.url, mongo_url)
