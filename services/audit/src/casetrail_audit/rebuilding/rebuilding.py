"""A rebuild from its first look at the target to its last sentence."""

import time
from datetime import UTC, datetime

from casetrail_contracts.subjects import AUDIT, SUPPORT
from casetrail_runtime.mongo import DURABLE_READ, DURABLE_WRITE, Client, Database, database
from faststream.nats import NatsBroker

from casetrail_audit.adapters.jetstream_log import JetStreamLog
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.archiving.assembly import reader_of
from casetrail_audit.archiving.mongo_records import RecordsWithArchives
from casetrail_audit.archiving.told import ArchivedRecords
from casetrail_audit.ports import Standing
from casetrail_audit.rebuilding.certified import CertifiedRecords, FirstOf
from casetrail_audit.rebuilding.comparing import Roots, compare_records, compare_views, root_of
from casetrail_audit.rebuilding.reading import StretchReader
from casetrail_audit.rebuilding.rebuild_log import Kept, RebuildLog
from casetrail_audit.rebuilding.registers import RestoreRegisters
from casetrail_audit.rebuilding.running_log import RunningLog, published_checkpoint
from casetrail_audit.rebuilding.target import Target, TargetRefused
from casetrail_audit.rebuilding.words import SHOWN, Words
from casetrail_audit.searching.mongo_entries import MongoSearchable
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import (
    BeginLog,
    CompleteLog,
    FindMissing,
    FoldViews,
    RecordMessages,
)


class Rebuilding:
    """Makes the log anew from the stream; beside a running log, compares the two.

    `into` names the database to write; None, or the one of `AUDIT_MONGO_URL`: that one itself, and
    then there is nothing to compare with but the checkpoint that was published last.
    """

    def __init__(
        self,
        settings: AuditSettings,
        broker: NatsBroker,
        client: Client,
        words: Words,
        *,
        into: str | None = None,
        copy_erased: bool = False,
    ) -> None:
        mine = database(client)
        self._settings = settings
        self._client = client
        self._words = words
        self._running: RunningLog | None = None
        self._into: Database = mine
        if into is not None and into != mine.name:
            self._into = client.get_database(
                into, write_concern=DURABLE_WRITE, read_concern=DURABLE_READ
            )
            self._running = RunningLog(mine, SUPPORT)
        if copy_erased and self._running is None:
            raise TargetRefused("--copy-erased copies from a running log: name a target by --into.")
        self._target = Target(self._into, SUPPORT)
        self._stream = JetStreamLog(broker, SUPPORT)
        self._audit = JetStreamLog(broker, AUDIT)
        self._through = 0
        self._reader = reader_of(settings)
        made_again = FirstOf(
            ArchivedRecords(self._stream, self._reader), CertifiedRecords(self._stream)
        )
        self._make = self._parts(broker, self._running if copy_erased else made_again)

    async def __call__(self) -> int:
        """How many differences there are; the words have said which.

        Raises:
            TargetRefused: the target holds something else.
            CannotBegin: an unfinished rebuild is of another stream.
        """
        if await self._target.open():
            self._words.say(f"An unfinished rebuild in {self._into.name} goes on.")
        self._through = (await self._stream.bounds()).last_seq
        await self._make.begin()
        running = self._running
        as_of = self._through if running is None else await running.views_as_of()
        standing = await self._make(self._through, min(as_of, self._through))
        known = {"published on audit.checkpoint": await published_checkpoint(self._audit)}
        if running is not None:
            known["sealed in the running log"] = await running.sealed()
        roots = Roots(checkpoint[0] for checkpoint in known.values() if checkpoint is not None)
        if running is not None and await running.complete_through() is not None:
            standing = await self._compare(running, standing, roots)
        else:
            await root_of(self._into, standing.complete_through, roots)
        restored = await RestoreRegisters(self._into, self._reader)()
        if any(restored.values()):
            counts = ", ".join(f"{count:,} {name}" for name, count in restored.items() if count)
            self._words.say(f"Registers made anew: {counts}.")
        for where, checkpoint in known.items():
            if checkpoint is not None:
                self._checkpoint(where, *checkpoint, roots)
        await self._target.close(standing.complete_through, roots.root().hex())
        self._conclude(standing, roots)
        return self._words.differences

    async def _compare(self, running: RunningLog, standing: Standing, roots: Roots) -> Standing:
        """Compares as of one moment of the running log: its views are read in one snapshot."""
        async with await self._client.start_session(snapshot=True) as session:
            as_of = await running.views_as_of(session)
            self._through = max(as_of, standing.complete_through)
            standing = await self._make(self._through, as_of)
            self._words.say(f"Comparing the views as of record {as_of:,}.")
            async for sentence in compare_views(running.db, self._into, session):
                self._words.difference(sentence)
        through = min(await running.complete_through() or 0, standing.complete_through)
        self._words.say(f"Comparing {through:,} records.")
        mine = Roots()
        async for sentence in compare_records(running.db, self._into, through, (mine, roots)):
            self._words.difference(sentence)
        if mine.root() != roots.root():
            self._words.difference("The roots of the two logs differ.")
        return standing

    def _checkpoint(self, where: str, size: int, root: bytes, roots: Roots) -> None:
        if size > roots.size:
            self._words.say(f"The checkpoint {where} is of {size:,} leaves, more than compared.")
        elif size in roots.at and roots.at[size] != root:
            self._words.difference(f"The root of {size:,} leaves is not the one {where}.")
        else:
            self._words.say(f"The root of {size:,} leaves is the one {where}.")

    def _conclude(self, standing: Standing, roots: Roots) -> None:
        count = self._words.differences
        if count > SHOWN:
            self._words.say(f"… and {count - SHOWN:,} differences more.")
        outcome = ""
        if self._running is not None:
            outcome = f" {count:,} differences." if count else " It is the same as the running log."
        root = roots.root().hex()
        self._words.say(
            f"Rebuilt {standing.complete_through:,} records into {self._into.name}. "
            f"The root of {roots.size:,} leaves is {root}.{outcome}",
            records=standing.complete_through,
            size=roots.size,
            root=root,
            differences=count,
        )

    def _parts(self, broker: NatsBroker, kept: Kept | None) -> RebuildLog:
        key = self._settings.workspace_key.get_secret_value().encode()
        records = RecordsWithArchives(self._into, self._reader)
        book = MongoLogBook(self._into, SUPPORT)
        record = RecordMessages(records, key, lambda _: None)
        find_missing = FindMissing(
            self._stream,
            records,
            record,
            after=self._settings.gap_after,
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
        )
        return RebuildLog(
            reader=StretchReader(broker, SUPPORT),
            stream=self._stream,
            records=records,
            begin=BeginLog(self._stream, records, book, find_missing, record_missing_as_gaps=True),
            record=record,
            find_missing=find_missing,
            complete=CompleteLog(self._stream, records, book, key),
            fold_views=FoldViews(records, MongoViews(self._client, self._into)),
            searchable=MongoSearchable(self._into, key),
            kept=kept,
            tell=self._tell,
        )

    def _tell(self, standing: Standing) -> None:
        done = standing.complete_through
        self._words.progress(done, max(self._through, done))
