"""An audit replica inside a test: the parts of the service on real servers, without HTTP."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.adapters.jetstream_audit import SEQ_HEADER
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.adapters.mongo_records import MongoRecords
from casetrail_audit.adapters.mongo_views import KINDS, MongoViews
from casetrail_audit.assembly import Parts, assemble
from casetrail_audit.connections import Connections, connect
from casetrail_audit.handlers import subscribe
from casetrail_audit.metrics import LogMetrics
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import FoldViews
from casetrail_contracts import AuditRecord
from casetrail_contracts.subjects import CHECKPOINT_SUBJECT
from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.mongo import Client, Database, ensure_indexes
from casetrail_runtime.streams import AUDIT, AUDIT_DURABLE, SUPPORT, require
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from tests.support.waiting import eventually

KEY = "a key of the tests that is long enough to be one"


def settings_for(nats_url: str, mongo_url: str, **given: Any) -> AuditSettings:
    """Settings of a replica that follows quickly."""
    values = {"gap_after": 0.3, "lease_seconds": 1.0, "instance": "replica-1", **given}
    return AuditSettings(
        nats_url=SecretStr(nats_url),
        mongo_url=SecretStr(mongo_url),
        workspace_key=SecretStr(KEY),
        signing_key=SecretStr("00" * 32),
        **values,
    )


class Replica:
    """One replica; its parts can be changed between `prepare` and `start`."""

    def __init__(self, settings: AuditSettings) -> None:
        self.settings = settings
        self.broker: ServiceBroker = make_broker(settings, "audit", exit_after=None)
        self.mongo: Connections = connect(settings, "audit")
        self.client: Client = self.mongo.client
        self.db: Database = self.mongo.db
        self.metrics = LogMetrics(CollectorRegistry())
        self.parts: Parts = assemble(settings, self.broker, self.mongo, self.metrics)

    async def prepare(self) -> "Replica":
        """Everything up to the first message."""
        await require(self.broker, [SUPPORT, AUDIT], [AUDIT_DURABLE])
        await ensure_indexes(self.db, INDEXES)
        await self.parts.begin()
        return self

    async def start(self, *, follow: bool = True) -> "Replica":
        """Records, and follows."""

        def forked(fork: Exception) -> None:
            self.parts.follow.forked = str(fork)

        subscribe(
            self.broker,
            self.parts.record,
            forked,
            batch=self.settings.batch,
            concurrency=self.settings.concurrency,
        )
        await self.broker.start()
        if follow:
            await self.parts.follow.start()
        return self

    async def stop(self) -> None:
        """Ends in good order."""
        await self.parts.follow.stop()
        await self.broker.stop()
        self.mongo.close()

    async def complete(self, through: int, *, within: float = 30) -> None:
        """Returns when the log, the views and `audit.>` are complete through this sequence."""

        async def check() -> bool:
            book = await self.db["log"].find_one({"_id": "SUPPORT"})
            views = await self.db["projections"].find_one({"_id": "views"})
            assert book is not None
            assert book["complete_through"] >= through
            assert views is not None
            assert views["as_of_seq"] >= through
            assert await self.published() >= through
            return True

        await eventually(check, within)

    async def published(self) -> int:
        """The last record on `audit.>`."""
        js = self.broker.connection.jetstream()
        try:
            last = await js.get_last_msg("AUDIT", "audit.*.*.*")
        except NotFoundError:
            return 0
        return int((last.headers or {})[SEQ_HEADER])

    async def records(self) -> list[dict[str, Any]]:
        """Every record, in order."""
        return [record async for record in self.db["records"].find().sort("_id", 1)]

    async def views(self, prefix: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        """Every view."""
        return {
            (kind, view["_id"]): view
            for kind in KINDS
            async for view in self.db[prefix + kind].find()
        }

    async def rebuilt_views(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The views made from nothing beside the ones that stand."""
        book = await MongoLogBook(self.db, "SUPPORT").standing()
        assert book is not None
        beside = MongoViews(self.client, self.db, prefix="rebuilt_")
        await FoldViews(MongoRecords(self.db), beside)(book.complete_through)
        return await self.views("rebuilt_")


@asynccontextmanager
async def running(settings: AuditSettings, **given: Any) -> AsyncIterator[Replica]:
    """A replica that runs while the block does."""
    replica = await Replica(settings).prepare()
    await replica.start(**given)
    try:
        yield replica
    finally:
        await replica.stop()


async def told(js: JetStreamContext) -> Sequence[AuditRecord]:
    """Everything on `audit.>` as a subscriber parses it, in order."""
    state = (await js.stream_info("AUDIT")).state
    parsed = []
    for seq in range(1, state.last_seq + 1):
        message = await js.get_msg("AUDIT", seq, direct=True)
        if message.subject == CHECKPOINT_SUBJECT:
            continue
        assert message.data is not None
        parsed.append(AuditRecord.model_validate_json(message.data))
    return parsed
