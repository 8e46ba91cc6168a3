"""Retention of a process, put together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.relay import Relay
from faststream.nats import NatsBroker

from casetrail_audit.archiving.archive_records import ArchiveRecords
from casetrail_audit.archiving.filing import FileArchives
from casetrail_audit.archiving.folder import ArchiveFolder
from casetrail_audit.archiving.mongo_register import (
    ARCHIVES,
    MongoRegister,
    archive_aggregates,
)
from casetrail_audit.archiving.mongo_retained import MongoRetained
from casetrail_audit.archiving.policy import RetentionPolicy
from casetrail_audit.archiving.policy_file import load_policy
from casetrail_audit.archiving.reading import ArchiveReader
from casetrail_audit.archiving.recall import ErasureRecordsWithArchives
from casetrail_audit.archiving.running import Archiver
from casetrail_audit.archiving.settings import ArchivingSettings
from casetrail_audit.privacy.assembly import LEASE, LEASE_SECONDS
from casetrail_audit.privacy.jetstream import JetStreamErasures

KEEP_ALL: Final = RetentionPolicy("keep-all", keep_at_least=timedelta(), rules=())
"""Without a policy nothing new leaves; what was begun, or called back, is still carried on."""


@dataclass(frozen=True)
class Retention:
    """What runs of it in an audit process; without a folder nothing does."""

    relay: Relay | None
    archiver: Archiver | None
    publisher: StreamPublisher
    erasure_records: ErasureRecordsWithArchives

    async def start(self) -> None:
        """Publishes and archives from now on."""
        if self.relay is not None and self.archiver is not None:
            await self.relay.start()
            await self.archiver.start()

    async def stop(self) -> None:
        """Ends in good order."""
        if self.relay is not None and self.archiver is not None:
            await self.archiver.stop()
            await self.relay.stop()
        await self.publisher.close()

    async def ping(self) -> None:
        """Raises when records that are due do not leave; for `/readyz`."""
        if self.archiver is not None:
            await self.archiver.ping()


def folder_of(settings: ArchivingSettings) -> ArchiveFolder | None:
    """The folder of the archives; None when there is none."""
    return None if settings.archive_dir is None else ArchiveFolder(settings.archive_dir)


def reader_of(settings: ArchivingSettings) -> ArchiveReader:
    """Reads archived records."""
    return ArchiveReader(folder_of(settings))


def make_retention(
    settings: ArchivingSettings, broker: NatsBroker, db: Database, alone: asyncio.Lock
) -> Retention:
    """Retention, not started; `alone` is held by whoever changes archives.

    Raises:
        FileInvalid: the policy cannot be used; it says where.
    """
    policy = load_policy(settings.retention_file)
    folder = folder_of(settings)
    publisher = StreamPublisher(broker, SUPPORT)
    file = FileArchives(archive_aggregates(db), folder, now)
    erasing = ErasureRecordsWithArchives(db, ArchiveReader(folder), folder, file)
    if folder is None:
        return Retention(None, None, publisher, erasing)
    archiver = Archiver(
        make_archiving(settings, broker, db, folder=folder, policy=policy or KEEP_ALL),
        Lease(db["leases"], LEASE, settings.instance, LEASE_SECONDS),
        alone,
        interval=settings.archive_every,
    )
    return Retention(Relay(db, [ARCHIVES], publisher), archiver, publisher, erasing)


def make_archiving(
    settings: ArchivingSettings,
    broker: NatsBroker,
    db: Database,
    *,
    folder: ArchiveFolder,
    policy: RetentionPolicy,
    tell: Callable[[str, int], None] = lambda _sentence, _left: None,
) -> ArchiveRecords:
    """The archiving itself."""
    return ArchiveRecords(
        policy=policy,
        records=MongoRetained(db),
        register=MongoRegister(db),
        stream=JetStreamErasures(broker),
        folder=folder,
        file=FileArchives(archive_aggregates(db), folder, now),
        clock=now,
        most=settings.archive_records,
        tell=tell,
    )


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
