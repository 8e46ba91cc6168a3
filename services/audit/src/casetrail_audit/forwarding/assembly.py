"""The forwarder, put together."""

import asyncio
from datetime import UTC, datetime

import structlog
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.mongo import Database, database, make_client, ping
from casetrail_runtime.streams import AUDIT, DEAD, StreamsMisconfigured, require
from casetrail_runtime.tasks import end
from casetrail_runtime.telemetry import setup_telemetry
from faststream.asgi import AsgiFastStream
from faststream.nats import NatsBroker
from prometheus_client import CollectorRegistry

from casetrail_audit.forwarding.addresses import Guard
from casetrail_audit.forwarding.endpoints_file import load_endpoints
from casetrail_audit.forwarding.figures import EndpointFigures
from casetrail_audit.forwarding.forward import Forward
from casetrail_audit.forwarding.http_posts import HttpPosts
from casetrail_audit.forwarding.mongo_book import MongoBook
from casetrail_audit.forwarding.settings import WebhooksSettings
from casetrail_audit.forwarding.stream_messages import StreamMessages, durable_of

log = structlog.get_logger(__name__)


class ForwarderEnded(Exception):
    """The forwarding to an endpoint has ended by itself."""


class Forwarding:
    """All endpoints of a process, each at its own pace."""

    def __init__(
        self,
        settings: WebhooksSettings,
        broker: NatsBroker,
        db: Database,
        registry: CollectorRegistry,
    ) -> None:
        endpoints = load_endpoints(settings.file)
        self._broker = broker
        self._durables = [durable_of(endpoint, settings.ack_wait) for endpoint in endpoints]
        self._posts = HttpPosts(Guard(settings.networks), settings.timeout)
        self._stop_seconds = settings.timeout + 1
        self._messages = [StreamMessages(broker, endpoint.durable) for endpoint in endpoints]
        figures, book = EndpointFigures(registry, [one.name for one in endpoints]), MongoBook(db)
        self._forwards = [
            Forward(
                endpoint,
                messages=messages,
                book=book,
                posts=self._posts,
                figures=figures,
                patience=settings.patience,
                now=_now,
            )
            for endpoint, messages in zip(endpoints, self._messages, strict=True)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Raises `StreamsMisconfigured` unless the durables were declared, with these settings."""
        try:
            await require(self._broker, [AUDIT, DEAD], self._durables)
        except StreamsMisconfigured as refusal:
            log.critical(
                "webhooks do not start: run `python -m casetrail_audit webhooks apply`",
                reason=str(refusal),
            )
            raise

    async def start(self) -> None:
        """Forwards from now on."""
        self._tasks = [asyncio.create_task(forward.run()) for forward in self._forwards]

    async def stop(self) -> None:
        """Ends after the attempts under way; what they did not bring over is handed out again."""
        for forward in self._forwards:
            forward.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._stop_seconds)
        await end(*self._tasks)
        for messages in self._messages:
            await messages.close()
        await self._posts.close()

    async def ping(self) -> None:
        """Raises when the forwarding to an endpoint has ended."""
        if any(task.done() for task in self._tasks):
            raise ForwarderEnded("the forwarding to an endpoint has ended")


def create_app(settings: WebhooksSettings) -> AsgiFastStream:
    """The ASGI app: records out to every endpoint, health and figures over HTTP.

    Raises:
        FileInvalid: the file of the endpoints cannot be used; it says where.
    """
    configure_logging("audit-webhooks", settings)
    telemetry = setup_telemetry("audit-webhooks", settings)
    broker = make_broker(settings, "audit-webhooks", user="webhooks", telemetry=telemetry)
    client = make_client(settings, "audit-webhooks")
    forwarding = Forwarding(settings, broker, database(client), telemetry.registry)

    async def close() -> None:
        client.close()

    async def mongo_ping() -> None:
        await ping(client)

    return make_app(
        broker,
        title="Casetrail webhooks",
        version="1",
        description="Sends every record to HTTP endpoints, signed, in order.",
        routes=health_routes(
            {"nats": nats_ping(broker), "mongo": mongo_ping, "webhooks": forwarding.ping},
            telemetry.registry,
        ),
        on_startup=[forwarding.prepare],
        after_startup=[forwarding.start],
        on_shutdown=[forwarding.stop],
        after_shutdown=[close],
    )


def _now() -> datetime:
    return datetime.now(UTC)
