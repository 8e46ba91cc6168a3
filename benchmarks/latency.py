"""How soon a record is visible after the acknowledgement of its event."""

import asyncio
import time

from casetrail_audit.adapters.indexes import INDEXES
from casetrail_runtime.mongo import ensure_indexes
from casetrail_runtime.publisher import StreamPublisher

from benchmarks.load import Bench, events, percentile, show
from benchmarks.service import service

TICK = 0.01
LOOK = 0.02
"""Seconds between two looks, which what is measured is longer by at most: oftener, and the looking
itself would load the server."""
WARM_UP = 2.0


async def latency(office: Bench, *, rate: float, seconds: float) -> None:
    """Prints p50 and p99 from the PubAck until the record is in the views, at this rate."""
    db = office.db("latency")
    await ensure_indexes(db, INDEXES)
    process = await service(office, office.mongo.database_url("latency"))
    acked: dict[int, float] = {}
    seen: dict[int, float] = {}
    over = asyncio.Event()

    async def watch() -> None:
        through = 0
        while not (over.is_set() and len(seen) == len(acked)):
            views = await db["projections"].find_one({"_id": "views"}, {"as_of_seq": 1})
            now, before = time.perf_counter(), through
            through = max(through, 0 if views is None else views["as_of_seq"])
            seen.update(dict.fromkeys(range(before + 1, through + 1), now))
            await asyncio.sleep(LOOK)

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
    await publisher.close()
    process.kill()
    await process.wait()
    spans = [max(0.0, seen[seq] - at) for seq, at in acked.items() if at - began > WARM_UP]
    actual = len(acked) / tick / TICK
    for share, limit in ((50, 50.0), (99, 250.0)):
        name = f"visible in the views after the PubAck, p{share} at {actual:.0f} events/s"
        show(name, percentile(spans, share) * 1000, "ms", limit)
