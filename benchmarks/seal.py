"""The sealer: extending the tree, proving from it, and whole rounds on a real MongoDB."""

import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import record_of
from casetrail_audit.sealing.checking import checked_leaves
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_audit.sealing.signing import LogKeys
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.merkle import inclusion_proof, inclusion_ranges, needed_nodes
from casetrail_evidence.tiles import TilePlace, TileTree, partial_tiles, tile_source, tiles_for
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import Database, database, make_client
from pydantic import SecretStr

LOG = "SUPPORT"
KEYS = LogKeys(SignerKey("casetrail.local/support", bytes(32)))
MILLION = 1_000_000
CHUNK = 2_000
Tiles = dict[TilePlace, bytes]


def run(*, quick: bool = False) -> None:
    """Prints every figure."""
    million = MILLION // 10 if quick else MILLION
    seal_leaves(million)
    seal_records(million)
    tree, tiles = grown(million)
    extend(tree.size, tiles)
    prove(tree.size, tiles, limit=5.0)
    tree, tiles = grown(10 * million)
    prove(tree.size, tiles, limit=5.0)
    del tree, tiles
    asyncio.run(rounds(100_000 // (10 if quick else 1)))


def seal_leaves(count: int) -> None:
    """The tree alone: leaf hashes in, tiles and roots out."""
    leaves = [n.to_bytes(32, "big") for n in range(count)]
    started = time.process_time()
    tree = TileTree()
    for at in range(0, count, CHUNK):
        tree.extend(leaves[at : at + CHUNK])
        tree.root()
    show(f"extend the tree by {count} leaves", time.process_time() - started, "s", 10.0)


def seal_records(count: int) -> None:
    """Checking each record against its leaf, as the sealer does, and the tree."""
    sample = [stored_record(seq) for seq in range(1, CHUNK + 1)]
    tree = TileTree()
    started = time.process_time()
    for _ in range(count // CHUNK):
        tree.extend(checked_leaves(sample, 1, CHUNK, LOG, 1))
        tree.root()
    show(f"check and seal {count} records", time.process_time() - started, "s", 10.0)


def extend(size: int, tiles: Tiles) -> None:
    """What one round computes for 1,000 new records: resume, check, extend, root, signature."""
    sample = [stored_record(seq) for seq in range(1, 1001)]
    edge = {TilePlace(tile.level, tile.index): tile for tile in partial_tiles(size)}

    def round_() -> None:
        tree = TileTree.resume(size, lambda tile: tiles[TilePlace(tile.level, tile.index)])
        tree.root()
        tree.extend(checked_leaves(sample, 1, 1000, LOG, 1))
        str(KEYS.sign(tree.size, tree.root()))

    assert edge.keys() <= tiles.keys()
    show(f"extend by 1000 records at {size}", median_ms(round_, 15), "ms", 20.0)


def prove(size: int, tiles: Tiles, *, limit: float) -> None:
    """An inclusion proof: which tiles, and the hashes from them."""
    chance = random.Random(size)

    def proof() -> None:
        index = chance.randrange(size)
        needed = tiles_for(needed_nodes(inclusion_ranges(index, size)))
        source = tile_source({place: tiles[place] for place in needed})
        inclusion_proof(index, size, source)

    show(f"inclusion proof at {size} leaves", median_ms(proof, 300), "ms", limit)


async def rounds(count: int) -> None:
    """Whole rounds on a mongod of its own, durable writes: a backlog, then 1,000 at a time."""
    with (
        tempfile.TemporaryDirectory(prefix="casetrail-bench-") as folder,
        MongoServer(Path(folder)) as server,
    ):
        client = make_client(_Address(server.database_url("bench")), "bench")
        db = database(client)
        seal = SealLog(MongoSealedLog(db, LOG), KEYS, LOG, lambda: datetime.now(UTC))
        await insert(db, 1, count)
        started = time.perf_counter()
        await seal()
        took = time.perf_counter() - started
        show(f"seal a backlog of {count} records on MongoDB", took, "s", 10.0 * count / MILLION)
        times = []
        for first in range(count + 1, count + 20_001, 1000):
            await insert(db, first, 1000)
            started = time.perf_counter()
            await seal()
            times.append((time.perf_counter() - started) * 1000)
        show("a round of 1000 records on MongoDB", statistics.median(times), "ms", None)
        store = MongoSealedLog(db, LOG)
        size = count + 20_000
        times = []
        for _ in range(300):
            index = random.randrange(size)
            started = time.perf_counter()
            needed = tiles_for(needed_nodes(inclusion_ranges(index, size)))
            inclusion_proof(index, size, tile_source(await store.tiles(sorted(needed))))
            times.append((time.perf_counter() - started) * 1000)
        show(f"inclusion proof at {size} from MongoDB", statistics.median(times), "ms", 5.0)
        client.close()


async def insert(db: Database, first: int, count: int) -> None:
    """Records that are complete."""
    for batch in batches(first, count):
        await db["records"].insert_many([stored_record(seq) for seq in batch])
    stand = {"first_seq": 1, "complete_through": first + count - 1}
    await db["log"].update_one({"_id": LOG}, {"$set": stand}, upsert=True)


def batches(first: int, count: int) -> Iterator[range]:
    """The sequences in stretches."""
    for at in range(first, first + count, CHUNK):
        yield range(at, min(at + CHUNK, first + count))


def grown(size: int) -> tuple[TileTree, Tiles]:
    """A tree of so many leaves with all its tiles."""
    tree, tiles = TileTree(), Tiles()
    for at in range(0, size, 100_000):
        leaves = [n.to_bytes(32, "big") for n in range(at, min(at + 100_000, size))]
        tiles.update((TilePlace(t.level, t.index), data) for t, data in tree.extend(leaves))
    return tree, tiles


def stored_record(seq: int) -> dict[str, Any]:
    """A record of ordinary size as MongoDB gives it to the sealer."""
    body = {
        "specversion": "1.0",
        "id": f"0e5f8f5e-1d0c-4b52-9f53-{seq:012d}",
        "source": "casetrail/routing",
        "type": "casetrail.conversation.assigned.v1",
        "subject": "conversation/cv_6ajxh7e6vooz6cksap7wr3rmvq",
        "time": "2026-11-22T10:14:03.120Z",
        "datacontenttype": "application/json",
        "workspace": "main",
        "correlationid": "cb49d0fd-f9e7-5455-8a48-18f09c46879a",
        "causationid": "2384b1f8-046c-5b02-b877-69b5e9a9e446",
        "conversationid": "cv_6ajxh7e6vooz6cksap7wr3rmvq",
        "caseid": "CASE-1001",
        "ticketid": None,
        "sequence": str(seq),
        "data": {
            "actor": {"kind": "service", "id": "routing", "rule": "least-loaded"},
            "on_behalf_of": None,
            "changes": [{"field": "owner", "old": None, "new": "agent:a"}],
            "reason": "from shared inbox queue",
            "queue": "shared-inbox",
        },
        "private": {"salt": "c2FsdHNhbHRzYWx0c2FsdA==", "text": "parcel nahi aya", "phone": "92"},
    }
    at = datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(milliseconds=seq)
    subject = "support.main.conversation.assigned"
    return record_of(Message(LOG, seq, subject, orjson.dumps(body), None, at), b"k" * 32)


def median_ms(step: Callable[[], object], times: int) -> float:
    """Milliseconds of the step in the middle."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        step()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def show(name: str, value: float, unit: str, limit: float | None) -> None:
    """One line."""
    line = {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "vs": None if limit is None else f"limit of {limit:g} {unit}",
        "ratio": None if limit is None else round(value / limit, 3),
    }
    print(json.dumps(line), flush=True)


class _Address:
    """What a MongoDB client needs to know."""

    def __init__(self, url: str) -> None:
        self.mongo_url = SecretStr(url)
