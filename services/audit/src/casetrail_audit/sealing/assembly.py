"""The sealer of a process, put together."""

from datetime import UTC, datetime
from typing import Final

from casetrail_contracts.subjects import AUDIT, SUPPORT
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from faststream.nats import NatsBroker
from prometheus_client import CollectorRegistry

from casetrail_audit.sealing.checkpoint_stream import JetStreamCheckpoints
from casetrail_audit.sealing.kept_checkpoint import KeptCheckpoint
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.recheck import RecheckRecords
from casetrail_audit.sealing.running import REFUSED_PAUSE, Sealer
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_audit.sealing.settings import SealingSettings

SEALER: Final = "sealer"
LEASES: Final = "leases"
_LEASE_SECONDS: Final = 10.0


def make_sealer(
    settings: SealingSettings,
    broker: NatsBroker,
    db: Database,
    registry: CollectorRegistry,
    *,
    refused_pause: float = REFUSED_PAUSE,
) -> Sealer:
    """The sealer, not started."""
    publisher = StreamPublisher(broker, AUDIT)
    lease = max(_LEASE_SECONDS, 3 * settings.seal_every)
    store = MongoSealedLog(db, SUPPORT)
    file = settings.kept_checkpoint_file
    kept = None if file is None else KeptCheckpoint(file)
    return Sealer(
        SealLog(store, settings.log_keys, SUPPORT, _now, kept=kept),
        RecheckRecords(store, SUPPORT),
        JetStreamCheckpoints(broker, publisher),
        Lease(db[LEASES], SEALER, settings.instance, lease),
        registry,
        interval=settings.seal_every,
        refused_pause=refused_pause,
    )


def _now() -> datetime:
    return datetime.now(UTC)
