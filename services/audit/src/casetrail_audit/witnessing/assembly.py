"""The asking of a process, put together."""

from datetime import UTC, datetime
from typing import Final

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from prometheus_client import CollectorRegistry

from casetrail_audit.sealing.assembly import LEASES
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.settings import SealingSettings
from casetrail_audit.witnessing.ask import AskWitnesses
from casetrail_audit.witnessing.http_witness import SECONDS, HttpWitnesses
from casetrail_audit.witnessing.mongo_cosigned import MongoCosigned
from casetrail_audit.witnessing.running import Witnessing
from casetrail_audit.witnessing.witnesses_file import load_witnesses

LEASE: Final = "witnesses"


def make_witnessing(
    settings: SealingSettings, db: Database, registry: CollectorRegistry
) -> Witnessing:
    """The asking, not started.

    Raises:
        FileInvalid: the file of the witnesses cannot be used; it says where.
    """
    found = load_witnesses(settings.witnesses_file)
    cosigned, http = MongoCosigned(db), HttpWitnesses()
    ttl = 3 * (settings.witness_every + 2 * SECONDS)
    return Witnessing(
        AskWitnesses(MongoSealedLog(db, SUPPORT), cosigned, http, found, _now),
        cosigned,
        Lease(db[LEASES], LEASE, settings.instance, ttl),
        registry,
        keys=[str(witness.key) for witness in found.witnesses],
        interval=settings.witness_every,
        close=http.close,
    )


def _now() -> datetime:
    return datetime.now(UTC)
