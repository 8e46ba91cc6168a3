"""The gateway on a log of a million records (GATEWAY_RECORDS): timeline, search, console page.

One gateway process as an operator runs it, every look recorded on a real stream before it is
answered. The timeline is compared with `bare_timeline`: on the same database, in the same run.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.searching.mongo_entries import SEARCH_INDEXES, MongoSearchable
from casetrail_audit.searching.running import follow
from casetrail_contracts import Event
from casetrail_local.ports import free_port
from casetrail_runtime.mongo import ensure_indexes, make_client
from pydantic import SecretStr

from benchmarks.growth import AT_ONCE, GrowingLog, messages
from benchmarks.load import KEY, Bench, bench, percentile, python, show
from tests.support.fixtures import Addresses
from tests.unit.audit.history import History

ENTRIES = 50
"""Events of each case."""
READERS = 16
TOKEN = "a token of the benchmarks"
SEARCH_LIMIT = 150.0
PAGE_LIMIT = 100.0
PAGE_BYTES = 150.0
READY = 60.0


def run(*, quick: bool) -> None:
    """Prints every figure."""
    size = int(os.environ.get("GATEWAY_RECORDS", "20000" if quick else "1000000"))
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        asyncio.run(_run(Path(folder), size, 5 if quick else 20))


async def _run(folder: Path, size: int, seconds: int) -> None:
    async with bench(folder) as office:
        url = office.mongo.database_url("big")
        await _fill(url, size)
        cases = size // ENTRIES // AT_ONCE * AT_ONCE
        async with gateway(office, folder, url) as address, _bare(url) as bare:
            chance = random.Random(1)

            def timeline() -> str:
                return f"{address}/v1/cases/CASE-{chance.randrange(1, cases)}/timeline?limit=50"

            def plain() -> str:
                return f"{bare}/cases/{chance.randrange(cases)}"

            rates: dict[Callable[[], str], list[float]] = {timeline: [], plain: []}
            for _ in range(3):
                for ask, found in rates.items():
                    found.append(await _rate(ask, seconds))
            ours, theirs = (statistics.median(found) for found in rates.values())
            show(f"timeline of {ENTRIES} entries at {size} records", ours, "requests/s", theirs)
            await _search(address, chance, cases)
            await _page(address, chance, cases)


async def _fill(url: str, size: int) -> None:
    client = make_client(Addresses(mongo_url=SecretStr(url)), "bench")
    log = GrowingLog.on(client, messages(story()))
    await ensure_indexes(log.db, {**INDEXES, **SEARCH_INDEXES})
    await log.book.begin(1)
    await log.grow(size)
    await follow(MongoSearchable(log.db, KEY.encode()), size)
    client.close()


def story() -> list[Event]:
    """One conversation of fifty events; each message has a word of its case alone."""
    history = History()
    cause = history.says("cv_0", "parcel nahi aya, order CASE-0")
    history.opens(cause, "cv_0", "CASE-0")
    history.assigns("a", "cv_0", "CASE-0")
    while len(history.events) < ENTRIES - 1:
        history.says("cv_0", "koi jawab nahi deta, 5 din ho gaye")
    history.closes("cv_0", "CASE-0")
    return history.events


@contextlib.asynccontextmanager
async def gateway(office: Bench, folder: Path, mongo_url: str) -> AsyncIterator[str]:
    """The address of a gateway process over this database."""
    tokens = folder / "tokens.json"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    holder = {"id": "r", "name": "R", "role": "reviewer", "workspace": "main"}
    tokens.write_text(json.dumps([{"token_sha256": digest, "expires_at": None, **holder}]))
    port = free_port()
    process = await python(
        "casetrail_gateway",
        GATEWAY_NATS_URL=office.nats.url,
        GATEWAY_MONGO_URL=mongo_url,
        GATEWAY_TOKENS_FILE=str(tokens),
        GATEWAY_WORKSPACE_KEY=KEY,
        GATEWAY_PORT=str(port),
        GATEWAY_RATE_LIMIT="0",
        GATEWAY_LOG_LEVEL="error",
    )
    address = f"http://127.0.0.1:{port}"
    try:
        await _ready(f"{address}/readyz")
        yield address
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def _bare(mongo_url: str) -> AsyncIterator[str]:
    port = free_port()
    process = await python("benchmarks.bare_timeline", mongo_url, str(port))
    address = f"http://127.0.0.1:{port}"
    try:
        await _ready(f"{address}/cases/1")
        yield address
    finally:
        process.kill()
        await process.wait()


async def _ready(url: str) -> None:
    deadline = time.monotonic() + READY
    async with client() as asking:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await asking.get(url)).is_success:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} does not answer")
            await asyncio.sleep(0.2)


def client(coding: str = "identity") -> httpx.AsyncClient:
    """A reviewer's client."""
    return httpx.AsyncClient(
        headers={"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": coding},
        timeout=30,
        trust_env=False,
    )


async def _rate(ask: Callable[[], str], seconds: float) -> float:
    """Requests a second, by readers that each ask again as soon as they are answered."""
    answered = 0
    until = time.perf_counter() + seconds

    async def read() -> None:
        nonlocal answered
        async with client() as asking:
            while time.perf_counter() < until:
                (await asking.get(ask())).raise_for_status()
                answered += 1

    await asyncio.gather(*(read() for _ in range(READERS)))
    return answered / seconds


async def _search(address: str, chance: random.Random, cases: int) -> None:
    """Words of one case, a phrase of every case, filters with a word: one after the other."""
    taken: list[float] = []
    async with client() as asking:
        for number in range(200):
            case = chance.randrange(1, cases)
            q = (
                f'"order CASE {case}"',
                '"koi jawab nahi"',
                f"agent:a status:closed parcel CASE {case}",
                "nahi aya escalated:no",
            )[number % 4]
            began = time.perf_counter()
            answer = await asking.get(f"{address}/v1/cases", params={"q": q})
            taken.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
            assert answer.json()["items"], q
    show("search p50", statistics.median(taken), "ms")
    show("search p95", percentile(taken, 95), "ms", SEARCH_LIMIT)


async def _page(address: str, chance: random.Random, cases: int) -> None:
    """The page of a case: until its last byte, and everything a browser loads for it."""
    taken: list[float] = []
    sizes: list[int] = []
    async with client("gzip") as asking:
        form = {"token": TOKEN, "next": "/cases"}
        await asking.post(f"{address}/sign-in", data=form)
        for _ in range(100):
            url = f"{address}/cases/CASE-{chance.randrange(1, cases)}"
            began = time.perf_counter()
            async with asking.stream("GET", url) as answer:
                sent = b"".join([piece async for piece in answer.aiter_raw()])
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == httpx.codes.OK, answer.status_code
            sizes.append(len(sent))
        page = (await asking.get(url)).text
        loaded = {part.split('"')[0] for part in page.split('"/static/')[1:]}
        files = 0
        for name in loaded:
            async with asking.stream("GET", f"{address}/static/{name}") as answer:
                files += len(b"".join([piece async for piece in answer.aiter_raw()]))
    show("console page of a case, p50", statistics.median(taken), "ms")
    show("console page of a case, p95", percentile(taken, 95), "ms", PAGE_LIMIT)
    whole = (statistics.median(sizes) + files) / 1024
    show("console page of a case with its files, over the wire", whole, "KB", PAGE_BYTES)
