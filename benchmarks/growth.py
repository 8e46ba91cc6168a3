"""How a log grows: case timelines and proofs at 10 k and at 1 M records (10 M when asked), bytes.

Everything is made by the service's own code: records by the recorder, completeness, views and the
sealed tree by the follower's parts and the sealer, timelines and proofs by the gateway's use cases.
Only the stream is left out, and writes do not wait for the journal. `GROWTH=10000000`
goes further; that takes some 30 GB of disk.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.adapters.mongo_records import MongoRecords
from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.domain.message import Message
from casetrail_audit.ports import Stream
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_audit.use_cases import CompleteLog, FoldViews, RecordMessages
from casetrail_contracts import Event
from casetrail_evidence.merkle import inclusion_proof, inclusion_ranges, needed_nodes
from casetrail_evidence.tiles import tile_source, tiles_for
from casetrail_gateway.adapters.mongo import MongoLog
from casetrail_gateway.adapters.mongo_tree import MongoTree
from casetrail_gateway.domain.log import Kinds, Page
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.use_cases.cases import ReadCaseTimeline
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.proofs import ReadProof
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import Client, Database, database, ensure_indexes, make_client
from pydantic import SecretStr
from pymongo.write_concern import WriteConcern

from benchmarks.load import KEY, events, percentile, show
from benchmarks.seal import KEYS, LOG
from tests.support.fixtures import Addresses

SIZES: Final = (10_000, 1_000_000)
BATCH: Final = 2_000
EACH: Final = 8
"""Events of a case."""
AT_ONCE: Final = 50
"""Cases that go on at the same time, so that the records of one stand apart."""
LOOKS: Final = 400
MILLION: Final = 1_000_000
READER: Final = Caller("r", "Reviewer", "reviewer", "main")
NO_STREAM: Final = cast("Stream", None)
"""Only a copy of an event needs the stream to be made final, and there are none."""


def run(*, quick: bool = False) -> None:
    """Prints every figure."""
    sizes = (1_000, 20_000) if quick else SIZES
    further = int(os.environ.get("GROWTH", "0"))
    asyncio.run(_run((*sizes, further) if further > sizes[-1] else sizes))


async def _run(sizes: tuple[int, ...]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="growth-") as folder,
        MongoServer(Path(folder)) as server,
    ):
        url = SecretStr(server.database_url("growth"))
        client = make_client(Addresses(mongo_url=url), "bench")
        log = GrowingLog.on(client)
        await ensure_indexes(log.db, INDEXES)
        await log.book.begin(1)
        first: dict[str, float] = {}
        for size in sizes:
            await log.grow(size)
            for name, value in (await _latencies(log.db, size)).items():
                vs = first.setdefault(name, value)
                show(f"{name} at {size} records", value, "ms", None if vs is value else vs)
            await _bytes(log.db, size, folder)
        client.close()


@dataclass
class GrowingLog:
    """The parts of the service on a database without a stream."""

    db: Database
    book: MongoLogBook
    record: RecordMessages
    complete: CompleteLog
    fold: FoldViews
    seal: SealLog
    messages: Iterator[Message]

    @classmethod
    def on(cls, client: Client, told: Iterator[Message] | None = None) -> "GrowingLog":
        """Parts that do not wait for the journal; what is told are `messages` without others."""
        db = database(client).with_options(write_concern=WriteConcern(w=1, j=False))
        records, book = MongoRecords(db), MongoLogBook(db, LOG)
        return cls(
            db,
            book,
            RecordMessages(records, KEY.encode(), lambda _: None),
            CompleteLog(NO_STREAM, records, book, KEY.encode()),
            FoldViews(records, MongoViews(client, db)),
            SealLog(MongoSealedLog(db, LOG), KEYS, LOG, lambda: datetime.now(UTC)),
            messages(events(EACH)) if told is None else told,
        )

    async def grow(self, size: int) -> None:
        """As many records, complete, in the views and sealed."""
        standing, began, told = await self.complete(), time.monotonic(), time.monotonic()
        start = standing.complete_through
        while (there := standing.complete_through) < size:
            batch = list(islice(self.messages, min(BATCH, size - there)))
            await asyncio.gather(self.record(batch), self.fold(there))
            standing = await self.complete()
            if time.monotonic() - told > 10:
                told = time.monotonic()
                rate = (there - start) / (told - began)
                print(f"{there:,} of {size:,} records, {rate:,.0f}/s", file=sys.stderr, flush=True)
        await self.fold(size)
        while (head := await self.seal()) is None or head.size < size:
            pass


def messages(told: Sequence[Event]) -> Iterator[Message]:
    """Messages without end: the same story for case after case, with ids and times of its own.

    The story is one conversation, `cv_0`, and its case, `CASE-0`.
    """
    story = [(event.nats_subject, event.to_bytes()) for event in told]
    ids = [event.id.encode() for event in told]
    seq, first = 0, 0
    while True:
        for position in range(len(story)):
            for case in range(first, first + AT_ONCE):
                seq += 1
                subject, data = story[position]
                at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(milliseconds=20 * seq)
                data = data.replace(b"cv_0", b"cv_%d" % case).replace(b"CASE-0", b"CASE-%d" % case)
                for id_ in ids:
                    data = data.replace(id_, b"%08x" % case + id_[8:])
                data = data.replace(b"ms_%d" % position, b"ms_%d" % seq)
                data = data.replace(b"2026-11-22T10:14", at.strftime("%Y-%m-%dT%H:%M").encode())
                yield Message(LOG, seq, subject, data, None, at)
        first += AT_ONCE


async def _latencies(db: Database, size: int) -> dict[str, float]:
    """Milliseconds of what the gateway reads, by name."""
    chance = random.Random(size)
    log, tree = MongoLog(db), MongoTree(db)
    store = MongoSealedLog(db, LOG)
    cases = size // EACH // AT_ONCE * AT_ONCE

    async def timeline() -> None:
        case = f"CASE-{chance.randrange(cases)}"
        finder = cast("Finder", None)  # who may read is asked before the answer
        read = ReadCaseTimeline(log, finder, READER, case, kinds=Kinds(), page=Page(50))
        answer = await read.answer()
        assert len(answer.entries) >= EACH - 1

    async def proof() -> None:
        read = ReadProof(log, tree, READER, chance.randrange(size) + 1)
        await read.look()
        assert await read.answer()

    async def path() -> None:
        index = chance.randrange(size)
        needed = tiles_for(needed_nodes(inclusion_ranges(index, size)))
        inclusion_proof(index, size, tile_source(await store.tiles(sorted(needed))))

    figures: dict[str, float] = {}
    looks: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "case timeline": timeline,
        "proof of a record, with its checkpoint": proof,
        "inclusion path from the tiles": path,
    }
    for name, look in looks.items():
        taken = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            await look()
            taken.append((time.perf_counter() - began) * 1000)
        figures[f"{name}, p50"] = statistics.median(taken)
        figures[f"{name}, p95"] = percentile(taken, 95)
    return figures


async def _bytes(db: Database, size: int, folder: str) -> None:
    """What it takes: documents, indexes, disk."""
    records = await db.command("collStats", "records")
    whole = await db.command("dbStats")
    show(f"record as BSON at {size} records", records["size"] / size, "bytes")
    show(f"record on disk at {size} records", records["storageSize"] / size, "bytes")
    show(f"indexes of a record at {size} records", records["totalIndexSize"] / size, "bytes")
    for name, part in sorted(records["indexSizes"].items(), key=lambda item: -item[1])[:5]:
        show(f"index {name} of a record at {size} records", part / size, "bytes")
    views = whole["storageSize"] + whole["indexSize"]
    views -= records["storageSize"] + records["totalIndexSize"]
    show(f"views and tree, of a record, at {size} records", views / size, "bytes")
    taken = whole["storageSize"] + whole["indexSize"]
    show(f"disk of MongoDB for a million events, at {size}", taken / size * MILLION / 2**20, "MB")
    files = _size(Path(folder))
    show(f"files of MongoDB with journal and oplog at {size} records", files / 2**20, "MB")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
