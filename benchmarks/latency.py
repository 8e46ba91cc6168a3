"""How soon a record is visible after the acknowledgement of its event."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_runtime.mongo import ensure_indexes
from casetrail_runtime.publisher import StreamPublisher

from benchmarks.load import Bench, events, percentile, show
from benchmarks.service import service

TICK = 0.01
WARM_UP = 2.0


async def latency(office: Bench, *, rate: float, seconds: float) -> None:
    """Prints p50 and p99 from the PubAck until the record is in the views, at this rate."""
    db = office.db("latency")
    await ensure_indexes(db, INDEXES)
    process = await service(office, office.mongo.database_url("latency"))
    changes = db["projections"].watch(
        [{"$match": {"documentKey._id": "views"}}], max_await_time_ms=500
    )
    await changes.try_next()
    acked: dict[int, float] = {}
    seen: dict[int, float] = {}
    over = asyncio.Event()

    async def watch() -> None:
        """Told by MongoDB once a majority has the views: asking over and over would load it."""
        through = 0
        while not (over.is_set() and len(seen) == len(acked)):
            change = await changes.try_next()
            if change is None:
                continue
            before, through = through, max(through, as_of(change))
            seen.update(dict.fromkeys(range(before + 1, through + 1), time.perf_counter()))

    watching = asyncio.create_task(watch())
    publisher = StreamPublisher(office.broker, "SUPPORT")
    waiting = iter(events(int(rate * (seconds + WARM_UP))))

    async def publish_one() -> bool:
        event = next(waiting, None)
        if event is None:
            return False
        ack = await publisher.publish(event)
        acked[ack.seq] = time.perf_counter()
        return True

    began, tick, going = time.perf_counter(), 0, True
    while going:
        told = await asyncio.gather(*(publish_one() for _ in range(int(rate * TICK))))
        going = all(told)
        tick += 1
        await asyncio.sleep(max(0.0, began + tick * TICK - time.perf_counter()))
    over.set()
    await asyncio.wait_for(watching, 60)
    await changes.close()
    await publisher.close()
    process.kill()
    await process.wait()
    spans = [max(0.0, seen[seq] - at) for seq, at in acked.items() if at - began > WARM_UP]
    actual = len(acked) / tick / TICK
    for share, limit in ((50, 50.0), (99, 250.0)):
        name = f"visible in the views after the PubAck, p{share} at {actual:.0f} events/s"
        show(name, percentile(spans, share) * 1000, "ms", limit)


def as_of(change: Mapping[str, Any]) -> int:
    """As of which record the views are after this change."""
    fields = change.get("fullDocument") or change["updateDescription"]["updatedFields"]
    return int(fields.get("as_of_seq", 0))
