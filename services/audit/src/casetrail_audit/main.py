"""The audit service, put together."""

import asyncio

import structlog
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.migrations import MigrationRequired, require_migrations
from casetrail_runtime.mongo import IndexDiffers, ensure_indexes, ping
from casetrail_runtime.streams import (
    AUDIT,
    AUDIT_DURABLE,
    DEAD,
    SUPPORT,
    StreamsMisconfigured,
    require,
)
from casetrail_runtime.telemetry import setup_telemetry
from faststream.asgi import AsgiFastStream

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.archiving.assembly import make_retention
from casetrail_audit.archiving.mongo_register import REGISTER_INDEXES as ARCHIVE_INDEXES
from casetrail_audit.assembly import assemble
from casetrail_audit.connections import connect
from casetrail_audit.handlers import subscribe
from casetrail_audit.metrics import LogMetrics
from casetrail_audit.migrations import MIGRATIONS
from casetrail_audit.ports import LogForked
from casetrail_audit.privacy.assembly import PRIVACY_INDEXES, make_privacy
from casetrail_audit.sealing.assembly import make_sealer
from casetrail_audit.searching.mongo_entries import SEARCH_INDEXES
from casetrail_audit.searching.running import make_indexer
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import CannotBegin
from casetrail_audit.witnessing.assembly import make_witnessing

log = structlog.get_logger(__name__)


def create_app(settings: AuditSettings) -> AsgiFastStream:
    """The ASGI app: records from NATS, health and figures over HTTP."""
    configure_logging("audit", settings)
    telemetry = setup_telemetry("audit", settings)
    metrics = LogMetrics(telemetry.registry)
    broker = make_broker(settings, "audit", telemetry=telemetry)
    mongo = connect(settings, "audit")
    db = mongo.db
    parts = assemble(settings, broker, mongo, metrics)
    sealer = make_sealer(settings, broker, db, telemetry.registry)
    witnessing = make_witnessing(settings, db, telemetry.registry)
    alone = asyncio.Lock()
    retention = make_retention(settings, broker, mongo.changes, alone)
    privacy = make_privacy(
        broker, mongo.changes, settings.instance, records=retention.erasure_records, alone=alone
    )
    indexer = make_indexer(settings, db)

    def forked(fork: LogForked) -> None:
        metrics.forks.inc()
        parts.follow.forked = str(fork)

    subscribe(
        broker,
        parts.record,
        forked,
        batch=settings.batch,
        concurrency=settings.concurrency,
    )

    async def prepare() -> None:
        try:
            await require(broker, [SUPPORT, AUDIT, DEAD], [AUDIT_DURABLE])
            await ensure_indexes(db, INDEXES)
            await ensure_indexes(db, PRIVACY_INDEXES)
            await ensure_indexes(db, ARCHIVE_INDEXES)
            await ensure_indexes(db, SEARCH_INDEXES)
            await require_migrations(db, MIGRATIONS, "audit")
            await parts.begin()
        except (StreamsMisconfigured, IndexDiffers, MigrationRequired, CannotBegin) as refusal:
            log.critical("audit does not start", reason=str(refusal))
            raise

    async def close() -> None:
        mongo.close()

    async def mongo_ping() -> None:
        await ping(mongo.client)
        await ping(mongo.changes_client)

    return make_app(
        broker,
        title="Casetrail audit",
        version="1",
        description="Records every event of every subject, once and in order.",
        routes=health_routes(
            {
                "nats": nats_ping(broker),
                "mongo": mongo_ping,
                "log": parts.follow.ping,
                "sealer": sealer.ping,
                "relay": privacy.relay.ping,
                "eraser": privacy.eraser.ping,
                "archiver": retention.ping,
            },
            telemetry.registry,
        ),
        on_startup=[prepare],
        after_startup=[
            parts.follow.start,
            sealer.start,
            witnessing.start,
            privacy.start,
            retention.start,
            indexer.start,
        ],
        on_shutdown=[
            indexer.stop,
            retention.stop,
            privacy.stop,
            witnessing.stop,
            sealer.stop,
            parts.follow.stop,
        ],
        after_shutdown=[close],
    )
