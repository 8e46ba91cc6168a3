"""The recorder against motor's own `insert_many`, in one run, round after round."""

import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson.int64 import Int64
from casetrail_audit.adapters.indexes import INDEXES
from casetrail_runtime.mongo import Database, ensure_indexes

from benchmarks.latency import latency
from benchmarks.load import Bench, bench, cpu_seconds, end, python, show, until
from benchmarks.service import service

BATCH = 500
IN_FLIGHT = 2
ROUNDS = 5


def run(*, quick: bool = False) -> None:
    """Prints every figure."""
    asyncio.run(_run(10_000 if quick else 20_000, 3 if quick else ROUNDS, 5 if quick else 20))


async def _run(count: int, rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with bench(Path(folder)) as office:
            records = await office.fill(count)
            plain, lapped, one, two, whole = [], [], [], [], []
            for _ in range(rounds):  # interleaved: whatever else the machine does hits all alike
                plain.append(count / await inserting(office, records, 1))
                lapped.append(count / await inserting(office, records, IN_FLIGHT))
                one.append(await recording(office, count, 1))
                two.append(await recording(office, count, 2))
                whole.append(await serving(office, count))
            base, single = statistics.median(plain), rate(one)
            show(f"insert_many of ready documents, batches of {BATCH}", base, "events/s")
            show("recorder: one process, vs insert_many", single, "events/s", base)
            overlapped = statistics.median(lapped)
            name = f"recorder: one process, vs insert_many with {IN_FLIGHT} batches at once"
            show(name, single, "events/s", overlapped)
            show(
                f"recorder: two processes, vs one; {os.cpu_count()} cores for all",
                rate(two),
                "events/s",
                single,
            )
            show("recorder: processor time of an event", processor(one), "us")
            name = "audit service: recorded, complete, folded, published; vs insert_many"
            show(name, rate(whole), "events/s", base)
            name = "audit service: processor time of an event, from record to publication and seal"
            show(name, processor(whole), "us")
        async with bench(Path(folder) / "latency") as office:
            await latency(office, rate=500, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Run:
    """How many events, in how many seconds, with how much processor time of our processes."""

    count: int
    took: float
    cpu: float


def rate(runs: Sequence[Run]) -> float:
    """Events per second of the run in the middle."""
    return statistics.median(run.count / run.took for run in runs)


def processor(runs: Sequence[Run]) -> float:
    """Microseconds of processor time per event of the run in the middle."""
    return statistics.median(run.cpu / run.count * 1e6 for run in runs)


async def fresh(office: Bench) -> tuple[Database, str]:
    """An empty database with the indexes of the log."""
    name = f"round_{uuid.uuid4().hex[:8]}"
    db = office.db(name)
    await ensure_indexes(db, INDEXES)
    return db, office.mongo.database_url(name)


async def inserting(office: Bench, records: Sequence[dict[str, Any]], at_once: int) -> float:
    """Seconds of motor's `insert_many` with the same durability, indexes and batches."""
    db, _ = await fresh(office)
    ready = [{**record, "_id": Int64(record["_id"])} for record in records]
    batches = [ready[at : at + BATCH] for at in range(0, len(ready), BATCH)]
    waiting = iter(batches)

    async def one_after_the_other() -> None:
        for batch in waiting:
            await db["records"].insert_many(batch, ordered=False)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    took = time.perf_counter() - began
    await db.client.drop_database(db.name)
    return took


async def recording(office: Bench, count: int, replicas: int) -> Run:
    """So many recorder processes record the whole stream."""
    db, url = await fresh(office)
    await office.forget_position()
    processes = [
        await python("benchmarks.recorder_process", office.nats.url, url) for _ in range(replicas)
    ]
    for process in processes:
        assert process.stdout is not None
        await process.stdout.readline()
    before, began = sum(map(cpu_seconds, processes)), time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")

    async def all_recorded() -> bool:
        return bool(await db["records"].estimated_document_count() == count)

    await until(all_recorded)
    seen = Run(count, time.perf_counter() - began, sum(map(cpu_seconds, processes)) - before)
    await end(processes)
    await db.client.drop_database(db.name)
    return seen


async def serving(office: Bench, count: int) -> Run:
    """The whole service has the stream complete, folded and published.

    Counted from its first record, so without its start.
    """
    db, url = await fresh(office)
    await office.forget_position()
    process = await service(office, url)

    async def begun() -> bool:
        return bool(await db["records"].estimated_document_count())

    async def done() -> bool:
        views = await db["projections"].find_one({"_id": "views"}) or {}
        return bool(views.get("as_of_seq") == count and await office.told() >= count)

    await until(begun)
    before, began = cpu_seconds(process), time.perf_counter()
    await until(done)
    seen = Run(count, time.perf_counter() - began, cpu_seconds(process) - before)
    await end([process])
    await db.client.drop_database(db.name)
    return seen
