"""The live tail, and many readers at once, on the whole stack.

From the PubAck of an event to the same record in the hands of a client that follows `/v1/live`;
then `READERS` connections that read timelines, at rest and while events arrive.
"""

import asyncio
import json
import random
import ssl
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
from benchmarks.load import events, percentile, python, show, until
from tests.support.fixtures import Addresses

TAIL_LIMIT = 200.0
READERS = 1_000
EACH = 20.0
"""Seconds between two reads of a reader."""
RATE = 1_000
SETTLE = 5.0
"""Seconds until the events arrive at their rate."""


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
    await _tail(stack, publisher, events(100 if quick else 400))
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        case = await a_case(stack, client)
    readers = READERS // 10 if quick else READERS
    idle, failed = await _readers(stack, case, readers, EACH * 1.5)
    telling = await python("benchmarks.telling", stack.nats_url, str(count), str(RATE))
    await asyncio.sleep(SETTLE)
    busy, failed_too = await _readers(stack, case, readers, EACH * 1.5)
    stored = float((await telling.communicate())[0])
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
    chance = random.Random(2)
    plain = ssl.create_default_context()  # one for all: nothing is encrypted here
    # a client each: one with a thousand connections looks through all of them for every read
    clients = [
        httpx.AsyncClient(timeout=60, trust_env=False, headers=headers, verify=plain)
        for _ in range(count)
    ]
    ends = time.perf_counter() + seconds

    async def read(client: httpx.AsyncClient) -> None:
        nonlocal failed
        await asyncio.sleep(chance.uniform(0, EACH))
        while (began := time.perf_counter()) < ends:
            try:
                (await client.get(url)).raise_for_status()
                took.append(time.perf_counter() - began)
            except httpx.HTTPError:
                failed += 1
            await asyncio.sleep(max(0.0, began + EACH - time.perf_counter()))

    await asyncio.gather(*map(read, clients))
    for client in clients:
        await client.aclose()
    return took, failed
