"""Ingest beside a bare route that verifies the same signature and publishes the same bytes.

One uvicorn process each, on one NATS server, in turn: what else the machine does hits both. Then
the latency at half the load ingest managed, and a webhook of 1,000 messages.
"""

import asyncio
import statistics
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from casetrail_local.ports import free_port
from casetrail_local.servers import NatsServer
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js.api import StorageType, StreamConfig

from benchmarks.load import KEY, end, percentile, python, show
from benchmarks.webhook_load import SECRET, as_fast_as_possible, at_rate, connections, request

POSTS = 12_000
ROUNDS = 12
CONNECTIONS = 32
P99_TARGET_MS, BATCH_TARGET_MS = 50.0, 250.0


def run(*, quick: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), POSTS // 10 if quick else POSTS))


@asynccontextmanager
async def _service(module: str, nats_url: str) -> AsyncIterator[int]:
    port = free_port()
    process: Process = await python(
        module,
        INGEST_NATS_URL=nats_url,
        INGEST_PORT=str(port),
        INGEST_APP_SECRETS=SECRET,
        INGEST_VERIFY_TOKENS="verify",
        INGEST_WORKSPACES='{"*": "main"}',
        INGEST_WORKSPACE_KEY=KEY,
        INGEST_LOG_LEVEL="error",
        INGEST_PUBLISH_TIMEOUT="20",
    )
    try:
        await _answers(process, port)
        yield port
    finally:
        await end([process])


async def _answers(process: Process, port: int) -> None:
    while process.returncode is None:
        try:
            (connection,) = await connections(port, 1)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            connection.close()
            return
    raise RuntimeError("the service ended instead of starting")


async def _measure(folder: Path, posts: int) -> None:
    with NatsServer(folder / "nats") as server:
        client = await nats.connect(server.url)
        js = client.jetstream()
        await apply_all(js, STREAMS, DURABLES)
        await js.add_stream(
            StreamConfig(name="BARE", subjects=["bare.>"], storage=StorageType.FILE)
        )
        await client.close()
        async with (
            _service("casetrail_ingest", server.url) as ours,
            _service("benchmarks.bare_ingest", server.url) as bare,
        ):
            rate = await _throughput(ours, bare, posts)
            await _latency(ours, bare, rate / 2, posts)
            await _batches(ours)


async def _throughput(ours: int, bare: int, posts: int) -> float:
    pools = [await connections(port, CONNECTIONS) for port in (ours, bare)]
    for pool in pools:  # warm
        await as_fast_as_possible(pool, max(posts // 10, CONNECTIONS))
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for pool, found in zip(pools, rates, strict=True):
            found.append(await as_fast_as_possible(pool, max(posts // ROUNDS, CONNECTIONS)))
    mine, theirs = (statistics.median(found) for found in rates)
    show("ingest.webhooks", mine, "POSTs/s", theirs)
    for connection in (c for pool in pools for c in pool):
        connection.close()
    return mine


async def _latency(ours: int, bare: int, rate: float, posts: int) -> None:
    measured = []
    for port in (bare, ours):
        pool = await connections(port, CONNECTIONS * 2)
        took = await at_rate(pool, rate, posts)
        measured.append([percentile(took, share) * 1000 for share in (50, 99)])
        for connection in pool:
            connection.close()
    (bare_p50, bare_p99), (p50, p99) = measured
    show("ingest.webhook-p50-at-half-load", p50, "ms", bare_p50)
    show("ingest.webhook-p99-at-half-load", p99, "ms", bare_p99)
    show("ingest.webhook-p99-against-target", p99, "ms", P99_TARGET_MS)


async def _batches(port: int) -> None:
    (connection,) = await connections(port, 1)
    took = [await connection.post(request(1_000)) * 1000 for _ in range(9)]
    show("ingest.batch-of-1000", statistics.median(took), "ms", BATCH_TARGET_MS)
    connection.close()
