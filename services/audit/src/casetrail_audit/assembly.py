"""The parts of audit, put together over a broker and a database."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.lease import Lease
from casetrail_runtime.redaction import describe_error
from faststream.nats import NatsBroker

from casetrail_audit.adapters.indexes import LEASES
from casetrail_audit.adapters.jetstream_audit import JetStreamAudit
from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.archiving.assembly import reader_of
from casetrail_audit.archiving.mongo_records import RecordsWithArchives
from casetrail_audit.archiving.told import ArchivedRecords
from casetrail_audit.connections import Connections
from casetrail_audit.domain.record import Record
from casetrail_audit.metrics import LogMetrics
from casetrail_audit.ports import Place
from casetrail_audit.rebuilding.certified import CertifiedRecords, FirstOf
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import (
    BeginLog,
    CompleteLog,
    FindMissing,
    FoldViews,
    Follow,
    PublishRecords,
    RecordMessages,
)
from casetrail_audit.use_cases.advance import AdvanceTogether
from casetrail_audit.use_cases.finals import ReadOnce
from casetrail_audit.use_cases.just_recorded import JustRecorded
from casetrail_audit.use_cases.known_views import KnownViews

FOLLOWER = "follower"


@dataclass(frozen=True)
class Parts:
    """What runs in an audit process."""

    begin: BeginLog
    record: RecordMessages
    follow: Follow


def assemble(
    settings: AuditSettings,
    broker: NatsBroker,
    connections: Connections,
    metrics: LogMetrics,
) -> Parts:
    """The parts, not started."""
    client, db = connections.client, connections.db
    key = settings.workspace_key.get_secret_value().encode()
    stream = JetStreamLog(broker, SUPPORT)
    reader = reader_of(settings)
    records = RecordsWithArchives(db, reader, connections.changes)
    book = MongoLogBook(db, SUPPORT)
    finals = ReadOnce(records)
    fold_views = FoldViews(finals, KnownViews(MongoViews(client, db, book)))
    publish = PublishRecords(finals, JetStreamAudit(broker))
    recorded, just = asyncio.Event(), JustRecorded()

    def stored(new: Sequence[Record]) -> None:
        just.add(new)
        recorded.set()

    def settled(after: int, places: Sequence[Place]) -> None:
        if (ready := just.take(places)) is not None:
            finals.keep(after, ready)

    record = RecordMessages(records, key, stored)
    find_missing = FindMissing(
        stream,
        records,
        record,
        after=settings.gap_after,
        now=now,
        monotonic=time.monotonic,
        certified=FirstOf(ArchivedRecords(stream, reader), CertifiedRecords(stream)),
    )
    follow = Follow(
        recorded=recorded,
        stream=stream,
        book=book,
        complete=CompleteLog(
            stream,
            records,
            book,
            key,
            completion=AdvanceTogether(book, views=fold_views, subscribers=publish),
            settled=settled,
            recent=just,
        ),
        find_missing=find_missing,
        fold_views=fold_views,
        publish=publish,
        lease=Lease(db[LEASES], FOLLOWER, settings.instance, settings.lease_seconds),
        lease_seconds=settings.lease_seconds,
        now=now,
        report=metrics.report,
        stands_by=metrics.stands_by,
        describe=describe_error,
    )
    begin = BeginLog(
        stream,
        records,
        book,
        find_missing,
        extra_subjects=settings.extra_subjects,
        record_missing_as_gaps=settings.record_missing_as_gaps,
    )
    return Parts(begin, record, follow)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
