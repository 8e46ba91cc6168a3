"""Erasures and holds of a process, put together."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from casetrail_contracts.privacy_commands import Erase, PlaceHold, ReleaseHold
from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.commands import serve
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.relay import Relay
from faststream.nats import NatsBroker

from casetrail_audit.privacy.carrying_out import CarryOutErasures
from casetrail_audit.privacy.deciding import AskErasure, EndHold, PutHold
from casetrail_audit.privacy.events import SERVICE
from casetrail_audit.privacy.jetstream import JetStreamErasures
from casetrail_audit.privacy.model import ErasureRecords
from casetrail_audit.privacy.mongo_records import ERASED_INDEXES, MongoErasureRecords
from casetrail_audit.privacy.mongo_registers import (
    ERASURES,
    HOLDS,
    REGISTER_INDEXES,
    MongoRegisters,
    aggregates,
)
from casetrail_audit.privacy.running import Eraser

PRIVACY_INDEXES: Final = {**REGISTER_INDEXES, "records": ERASED_INDEXES}
LEASE: Final = "eraser"
LEASE_SECONDS: Final = 30.0
INTERVAL: Final = 0.5


@dataclass(frozen=True)
class Privacy:
    """What runs of it in an audit process."""

    relay: Relay
    eraser: Eraser
    publisher: StreamPublisher

    async def start(self) -> None:
        """Publishes and erases from now on."""
        await self.relay.start()
        await self.eraser.start()

    async def stop(self) -> None:
        """Ends in good order."""
        await self.eraser.stop()
        await self.relay.stop()
        await self.publisher.close()


def make_privacy(
    broker: NatsBroker,
    db: Database,
    instance: str,
    *,
    records: ErasureRecords | None = None,
    alone: asyncio.Lock | None = None,
) -> Privacy:
    """Erasures and holds, not started; their commands are answered once the broker is."""
    erasures, holds = aggregates(db, ERASURES), aggregates(db, HOLDS)
    registers = MongoRegisters(db)
    serve(broker, Erase, AskErasure(erasures, registers, _now), service=SERVICE)
    serve(broker, PlaceHold, PutHold(holds, registers, _now), service=SERVICE)
    serve(broker, ReleaseHold, EndHold(holds, _now), service=SERVICE)
    publisher = StreamPublisher(broker, SUPPORT)
    carry_out = CarryOutErasures(
        erasures, registers, records or MongoErasureRecords(db), JetStreamErasures(broker), _now
    )
    return Privacy(
        Relay(db, [ERASURES, HOLDS], publisher),
        Eraser(
            carry_out,
            Lease(db["leases"], LEASE, instance, LEASE_SECONDS),
            interval=INTERVAL,
            alone=alone,
        ),
        publisher,
    )


def _now() -> datetime:
    return datetime.now(UTC)
