"""Sending to customers, put together; ingest runs without it when no Graph API is configured."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from casetrail_contracts import CommandReply
from casetrail_contracts.commands import SendMessage
from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import serve
from casetrail_runtime.mongo import database, ensure_indexes, make_client, ping
from casetrail_runtime.outbox import AggregateCollection, Aggregates, ProcessedLog
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.relay import Relay
from casetrail_runtime.tasks import end
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from casetrail_ingest.adapters.graph_api import GraphApi
from casetrail_ingest.adapters.mongo_sendings import INDEXES, PROCESSED, SENDINGS, MongoSendings
from casetrail_ingest.settings import IngestSettings
from casetrail_ingest.use_cases.send_message import SERVICE, SendMessages

log = structlog.get_logger()

SWEEP_SECONDS: Final = 60.0
_NOT_CONFIGURED: Final = (
    "This installation sends nothing to WhatsApp: INGEST_GRAPH_URL, INGEST_GRAPH_TOKEN and "
    "INGEST_MONGO_URL are not set."
)


def serve_nothing(broker: ServiceBroker) -> None:
    """Refuses every sending with the reason, where sending is not configured."""

    async def refuse(_: SendMessage) -> CommandReply:
        return CommandReply.rejected("sending-not-configured", _NOT_CONFIGURED)

    serve(broker, SendMessage, refuse, service=SERVICE)


class Sending:
    """Answers `command.ingest.send` and publishes what came of it."""

    def __init__(self, settings: IngestSettings, broker: ServiceBroker) -> None:
        assert settings.graph_url is not None
        assert settings.graph_token is not None
        assert settings.mongo_url is not None
        self._client = make_client(_Mongo(settings.mongo_url), SERVICE)
        self._db = database(self._client)
        self._publisher = StreamPublisher(broker, SUPPORT, timeout=settings.publish_timeout)
        self._relay = Relay(self._db, [SENDINGS], self._publisher)
        self._graph = GraphApi(
            settings.graph_url, settings.graph_token.get_secret_value(), settings.graph_timeout
        )
        store: AggregateCollection[dict[str, Any]] = AggregateCollection(self._db[SENDINGS])
        self._send = SendMessages(
            Aggregates(store, ProcessedLog(self._db[PROCESSED])),
            MongoSendings(self._db),
            self._graph,
            settings.workspace_key.get_secret_value().encode(),
            _now,
        )
        self._sweeper: asyncio.Task[None] | None = None
        serve(broker, SendMessage, self._send.__call__, service=SERVICE)

    async def start(self) -> None:
        """Returns at once; the relay and the sweep go on until `stop`."""
        await self._relay.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="sending: sweep")

    async def stop(self) -> None:
        """What is under way gets its end; what waits to be published waits for the next start."""
        if self._sweeper is not None:
            await end(self._sweeper)
        await self._send.close()
        await self._relay.stop()
        await self._publisher.close()
        await self._graph.close()
        self._client.close()

    async def ping(self) -> None:
        """Raises when MongoDB or the relay is in trouble; for `/readyz`."""
        await ping(self._client)
        await self._relay.ping()

    async def _sweep(self) -> None:
        prepared = False
        while True:
            try:
                if not prepared:
                    await ensure_indexes(self._db, INDEXES)
                    prepared = True
                await self._send.settle_forgotten()
            except PyMongoError as error:
                log.warning("sendings_not_swept", reason=describe_error(error))
            await asyncio.sleep(SWEEP_SECONDS)


@dataclass(frozen=True)
class _Mongo:
    """The settings as the runtime's client takes them."""

    mongo_url: SecretStr


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
