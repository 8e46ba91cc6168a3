"""The ingest service, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from casetrail_contracts import subjects
from casetrail_runtime.broker import ServiceBroker, leave, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.http_figures import HttpFigures
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import SUPPORT, require
from casetrail_runtime.tasks import end
from casetrail_runtime.telemetry import setup_telemetry
from fastapi import FastAPI
from starlette.routing import Route

from casetrail_ingest.adapters.spool import DiskSpool
from casetrail_ingest.adapters.spool_health import SpoolHealth
from casetrail_ingest.api import webhook_receiver, webhook_router
from casetrail_ingest.domain.reading import Workspaces
from casetrail_ingest.door import WebhookApp
from casetrail_ingest.sending import Sending, serve_nothing
from casetrail_ingest.settings import IngestSettings
from casetrail_ingest.use_cases.drain_spool import DrainSpool
from casetrail_ingest.use_cases.keep_safe import KeepSafe
from casetrail_ingest.use_cases.take_webhook import TakeWebhook


def create_app(settings: IngestSettings) -> FastAPI:
    """The ASGI app: the webhook endpoint and the health routes.

    With a spool it takes webhooks before NATS is there, and without NATS; the spool is opened
    here, so that a folder that cannot be used is told at once.
    """
    configure_logging("ingest", settings)
    telemetry = setup_telemetry("ingest", settings)
    broker = make_broker(settings, "ingest", telemetry=telemetry, exit_after=None)
    publisher = StreamPublisher(broker, subjects.SUPPORT, timeout=settings.publish_timeout)
    fast_lane = StreamPublisher(broker, subjects.SUPPORT, timeout=settings.publish_timeout)
    spool = None
    pings = {"nats": nats_ping(broker)}
    if settings.spool_dir is not None:
        spool = DiskSpool(settings.spool_dir, settings.spool_max_bytes)
        health = SpoolHealth(spool, nats_ping(broker), telemetry.registry)
        pings = {"accepting": health.ping}

    sending = None
    if settings.graph_url is None:
        serve_nothing(broker)
    else:
        sending = Sending(settings, broker)
        pings["sending"] = sending.ping

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(broker.stop)
            if sending is not None:
                await sending.start()
                stack.push_async_callback(sending.stop)
            if spool is None:
                await broker.start()
                await require(broker, [SUPPORT], [])
            else:
                stack.push_async_callback(spool.close)
                drain = asyncio.create_task(_drain_when_connected(broker, publisher, spool))
                stack.push_async_callback(end, drain)
            stack.push_async_callback(publisher.close)
            stack.push_async_callback(fast_lane.close)
            yield

    take_webhook = TakeWebhook(
        KeepSafe(publisher, fast_lane, spool),
        Workspaces(settings.workspaces),
        settings.workspace_key.get_secret_value().encode(),
        lambda: datetime.now(UTC),
    )
    receive = webhook_receiver(settings, take_webhook)
    app = WebhookApp(
        receive,
        HttpFigures(telemetry),
        title="Casetrail ingest",
        version="1",
        description="Takes WhatsApp webhooks and turns every item of them into an event.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(webhook_router(settings, receive))
    for path, route in health_routes(pings, telemetry.registry):
        app.router.routes.append(Route(path, route))
    return app


async def _drain_when_connected(
    broker: ServiceBroker, publisher: StreamPublisher, spool: DiskSpool
) -> None:
    """Connects however long it takes, then empties the spool whenever something is in it."""
    try:
        await broker.start()
        await require(broker, [SUPPORT], [])
        await DrainSpool(spool, publisher)()
    except Exception as error:  # noqa: BLE001 - a process that cannot drain must not go on taking
        leave(f"the spool cannot be emptied: {error}")
