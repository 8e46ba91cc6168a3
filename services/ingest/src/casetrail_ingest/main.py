"""The ingest service, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from casetrail_contracts import subjects
from casetrail_runtime.broker import make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import SUPPORT, require
from casetrail_runtime.telemetry import setup_telemetry
from fastapi import FastAPI
from starlette.routing import Route

from casetrail_ingest.api import webhook_router
from casetrail_ingest.domain.reading import Workspaces
from casetrail_ingest.settings import IngestSettings
from casetrail_ingest.use_cases import TakeWebhook


def create_app(settings: IngestSettings) -> FastAPI:
    """The ASGI app: the webhook endpoint and the health routes."""
    configure_logging("ingest", settings)
    telemetry = setup_telemetry("ingest", settings)
    broker = make_broker(settings, "ingest", telemetry=telemetry, exit_after=None)
    publisher = StreamPublisher(broker, subjects.SUPPORT, timeout=settings.publish_timeout)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await broker.start()
        await require(broker, [SUPPORT], [])
        yield
        await publisher.close()
        await broker.stop()

    app = FastAPI(
        title="Casetrail ingest",
        version="1",
        description="Takes WhatsApp webhooks and turns every item of them into an event.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    take_webhook = TakeWebhook(
        publisher,
        Workspaces(settings.workspaces),
        settings.workspace_key.get_secret_value().encode(),
        lambda: datetime.now(UTC),
    )
    app.include_router(webhook_router(settings, take_webhook))
    for path, route in health_routes({"nats": nats_ping(broker)}, telemetry.registry):
        app.router.routes.append(Route(path, route))
    return app
