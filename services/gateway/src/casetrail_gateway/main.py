"""The gateway, put together."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from casetrail_contracts import subjects
from casetrail_runtime.broker import make_broker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.http_figures import HttpFigures, MeasuredHttp
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.mongo import database, make_client, ping
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import SUPPORT, require
from casetrail_runtime.telemetry import setup_telemetry
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.routing import Route

from casetrail_gateway.adapters.archives import ArchiveFiles
from casetrail_gateway.adapters.audit_signal import AuditSignal
from casetrail_gateway.adapters.command_client import NatsCommands
from casetrail_gateway.adapters.event_stream import JetStreamEvents
from casetrail_gateway.adapters.mongo import MongoLog
from casetrail_gateway.adapters.mongo_evidence import MongoCaseRecords
from casetrail_gateway.adapters.mongo_lists import MongoLists
from casetrail_gateway.adapters.mongo_search import MongoCustomers, MongoWords
from casetrail_gateway.adapters.mongo_tree import MongoTree
from casetrail_gateway.adapters.mongo_work import MongoWork
from casetrail_gateway.adapters.oidc import OidcTokens
from casetrail_gateway.adapters.scorecards_yaml import load_scorecards
from casetrail_gateway.adapters.system_clock import SystemClock
from casetrail_gateway.adapters.timeline_pdf import print_timeline
from casetrail_gateway.adapters.tokens_file import TokensFile
from casetrail_gateway.api.application import make_api
from casetrail_gateway.api.limits import RateLimit
from casetrail_gateway.api.wiring import Wiring
from casetrail_gateway.console.application import add_console, open_console
from casetrail_gateway.domain.jwt import Expected
from casetrail_gateway.settings import GatewaySettings
from casetrail_gateway.use_cases.live_hub import LiveHub


def create_app(settings: GatewaySettings) -> FastAPI:
    """The ASGI app: the HTTP API, its pages and the health routes.

    Raises:
        FileInvalid: the file of scorecards is faulty; each fault with its line.
    """
    configure_logging("gateway", settings)
    telemetry = setup_telemetry("gateway", settings)
    scorecards = load_scorecards(settings.scorecards_file)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        clock = SystemClock()
        tokens = TokensFile(settings.tokens_file, clock)
        # Without NATS every read is answered 503, which says more than a process that has ended.
        broker = make_broker(settings, "gateway", telemetry=telemetry, exit_after=None)
        client = make_client(settings, "gateway")
        publisher = StreamPublisher(broker, subjects.SUPPORT, timeout=settings.record_timeout)
        log = MongoLog(database(client))
        signal = AuditSignal(broker)
        hub = LiveHub(log, signal)
        signed = _issuer(settings, clock)
        app.state.wiring = Wiring(
            tokens=tokens,
            log=log,
            words=MongoWords(database(client)),
            customers=MongoCustomers(database(client), settings.workspace_key),
            tree=MongoTree(database(client)),
            case_records=MongoCaseRecords(database(client), ArchiveFiles(settings.archive_dir)),
            lists=MongoLists(database(client)),
            work=MongoWork(database(client)),
            stream=JetStreamEvents(broker, publisher),
            commands=NatsCommands(CommandClient(broker), settings.command_timeout),
            clock=clock,
            hub=hub,
            signed=signed,
            limit=RateLimit(settings.rate_limit, time.monotonic),
            print_timeline=print_timeline,
            scorecards=scorecards,
        )
        open_console(app, tokens, session_key(settings))
        pings = {
            "nats": nats_ping(broker),
            "mongo": lambda: ping(client),
            "tokens": tokens.check,
        }
        for path, route in health_routes(pings, telemetry.registry):
            app.router.routes.append(Route(path, route, include_in_schema=False))
        async with AsyncExitStack() as stack:  # each ends, whatever the end of another raises
            stack.callback(client.close)
            stack.push_async_callback(broker.stop)
            stack.push_async_callback(publisher.close)
            if signed is not None:
                stack.push_async_callback(signed.close)
            await broker.start()
            await require(broker, [SUPPORT], [])
            stack.push_async_callback(signal.stop)
            await signal.start()
            stack.push_async_callback(hub.stop)
            await hub.start()
            yield

    app = make_api(lifespan, settings.cors_origins)
    add_console(app)
    app.add_middleware(MeasuredHttp, figures=HttpFigures(telemetry))
    return app


def session_key(settings: GatewaySettings) -> bytes:
    """What signs the sessions of the console; without a setting they end with this process."""
    if settings.session_key is None:
        return secrets.token_bytes(32)
    return settings.session_key.get_secret_value().encode()


def _issuer(settings: GatewaySettings, clock: SystemClock) -> OidcTokens | None:
    """The check of an issuer's tokens; None without an issuer."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    expected = Expected(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        id_claim=settings.oidc_id_claim,
        role_claim=settings.oidc_role_claim,
        workspace_claim=settings.oidc_workspace_claim,
    )
    return OidcTokens(expected, settings.oidc_algorithms, clock)


def settings_for_docs() -> GatewaySettings:
    """Settings with which the OpenAPI document can be made; they lead nowhere."""
    return GatewaySettings(
        nats_url=SecretStr("nats://localhost:4222"),
        mongo_url=SecretStr("mongodb://localhost:27017/audit"),
        tokens_file=Path("tokens.json"),
    )
