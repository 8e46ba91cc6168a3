"""The live tail, and many readers at once, on the whole stack.

From the PubAck of an event to the same record in the hands of a client that follows `/v1/live`;
then `READERS` connections that read timelines, at rest and while events arrive.
"""

import asyncio
import json
import random
import tempfile
import time
from pathlib import Path

import httpx
from casetrail_contracts import Event
from casetrail_local.description import StackDescription
from casetrail_local.progress import Steps
from casetrail_local.stack import Stack, StackOptions
from casetrail_runtime.broker import make_broker
from casetrail_runtime.publisher import StreamPublisher
from pydantic import SecretStr
from rich.console import Console

from benchmarks.commands import a_case
from benchmarks.load import events, percentile, show, until
from tests.support.fixtures import Addresses

TAIL_LIMIT = 200.0
READERS = 1_000
EACH = 20.0
"""Seconds between two reads of a reader."""
RATE = 1_000
WORSE = 5.0
TICK = 0.02


def run(*, quick: bool) -> None:
    """Prints every figure."""
    with tempfile.TemporaryDirectory(prefix="casetrail-bench-") as folder:
        steps = Steps(Console(quiet=True))
        with Stack(StackOptions(Path(folder)), steps) as stack:
            asyncio.run(_run(stack.description, quick=quick))


async def _run(stack: StackDescription, *, quick: bool) -> None:
    broker = make_broker(Addresses(nats_url=SecretStr(stack.nats_url)), "bench", exit_after=None)
    await broker.start()
    publisher = StreamPublisher(broker, "SUPPORT", timeout=60)
    count = 20_000 if quick else 60_000
    made = iter(events(count))
    await _tail(stack, publisher, [next(made) for _ in range(100 if quick else 400)])
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        case = await a_case(stack, client)
    readers = READERS // 10 if quick else READERS
    idle, failed = await _readers(stack, case, readers, EACH * 1.5)
    telling = asyncio.create_task(_tell(publisher, list(made), RATE))
    await asyncio.sleep(2)
    busy, failed_too = await _readers(stack, case, readers, EACH * 1.5)
    stored = await telling
    show(f"{readers} readers: p50 at rest", percentile(idle, 50) * 1000, "ms")
    show(f"{readers} readers: p99 at rest", percentile(idle, 99) * 1000, "ms")
    for share in (50, 99):
        name = f"{readers} readers while {stored:.0f} events/s arrive: p{share}"
        show(name, percentile(busy, share) * 1000, "ms", percentile(idle, share) * 1000)
    show(f"{readers} readers: answers that failed", failed + failed_too, "answers")
    await publisher.close()
    await broker.stop()


async def _tail(stack: StackDescription, publisher: StreamPublisher, told: list[Event]) -> None:
    """One event at a time, at random moments."""
    acked: dict[int, float] = {}
    seen: dict[int, float] = {}
    ready = asyncio.Event()

    async def follow() -> None:
        headers = {"Authorization": f"Bearer {stack.tokens.reviewer}"}
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
            client.stream("GET", f"{stack.gateway_url}/v1/live", headers=headers) as answer,
        ):
            async for line in answer.aiter_lines():
                ready.set()
                if line.startswith("data: ") and '"seq"' in line:
                    seen[json.loads(line[6:])["seq"]] = time.perf_counter()

    async def _all() -> bool:
        return acked.keys() <= seen.keys()

    following = asyncio.create_task(follow())
    await asyncio.wait_for(ready.wait(), 30)
    chance = random.Random(1)
    for event in told:
        ack = await publisher.publish(event)
        acked[ack.seq] = time.perf_counter()
        await asyncio.sleep(chance.uniform(0.005, 0.05))
    await asyncio.wait_for(until(_all), 30)
    following.cancel()
    spans = [max(0.0, seen[seq] - at) * 1000 for seq, at in acked.items()]
    show("live tail after the PubAck, p50", percentile(spans, 50), "ms", TAIL_LIMIT)
    show("live tail after the PubAck, p99", percentile(spans, 99), "ms", TAIL_LIMIT)


async def _readers(
    stack: StackDescription, case: str, count: int, seconds: float
) -> tuple[list[float], int]:
    """What each read took, and how many failed: each reader with a connection of its own."""
    took: list[float] = []
    failed = 0
    url = f"{stack.gateway_url}/v1/cases/{case}/timeline"
    headers = {"Authorization": f"Bearer {stack.tokens.reviewer}"}
    ends = time.perf_counter() + seconds
    chance = random.Random(2)
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
    async with httpx.AsyncClient(
        timeout=60, trust_env=False, limits=limits, headers=headers
    ) as client:

        async def read() -> None:
            nonlocal failed
            await asyncio.sleep(chance.uniform(0, EACH))
            while (began := time.perf_counter()) < ends:
                try:
                    (await client.get(url)).raise_for_status()
                    took.append(time.perf_counter() - began)
                except httpx.HTTPError:
                    failed += 1
                await asyncio.sleep(max(0.0, began + EACH - time.perf_counter()))

        await asyncio.gather(*(read() for _ in range(count)))
    return took, failed


async def _tell(publisher: StreamPublisher, told: list[Event], rate: float) -> float:
    """Publishes at this rate; the rate that came of it."""
    began = time.perf_counter()
    waiting = iter(told)
    tick = 0
    ended = False
    while not ended:
        some = [event for _, event in zip(range(int(rate * TICK)), waiting, strict=False)]
        ended = not some
        await asyncio.gather(*(publisher.publish(event) for event in some))
        tick += 1
        await asyncio.sleep(max(0.0, began + tick * TICK - time.perf_counter()))
    return len(told) / (time.perf_counter() - began)
