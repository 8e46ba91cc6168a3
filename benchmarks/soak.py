"""A soak: the whole stack at 60 % of what it takes, for MINUTES (30), and what grows meanwhile.

`MINUTES=5 python -m benchmarks soak` is a short one. Capacity is measured first, in the same run:
records a second while senders wait for nothing but their answers. Then webhooks come at a fixed
rate, and somebody reads. Memory, open files and lag are looked at every ten seconds; the last
quarter is compared with the second (the first fills caches).
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from casetrail_local.whatsapp import Customer, text_webhook

from benchmarks.load import show
from benchmarks.webhook_load import Connection, connections, signed
from tests.e2e.conftest import RunningStack, running_stack
from tests.support.invariants import Inspector
from tests.support.waiting import eventually

SHARE: Final = 0.6
CUSTOMERS: Final = 300
CAPACITY: Final = 100
MOST_WAITING: Final = 48
RAMP: Final = 60.0
SENDERS: Final = 8
EVERY: Final = 10.0
READS_EVERY: Final = 0.5
SERVICES: Final = ("ingest", "routing", "tickets", "audit", "gateway")
DRAINED_WITHIN: Final = 600.0


@dataclass
class Watch:
    """What was seen every ten seconds, by process; lags in records."""

    memory_mb: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lag: list[float] = field(default_factory=list)


class Traffic:
    """Webhooks of a fixed circle of customers over plain sockets, and a reader.

    A client for people takes a third of the two cores when dozens of its requests are under way:
    then it is that client which is measured.
    """

    def __init__(self, stack: RunningStack, client: httpx.AsyncClient) -> None:
        self._stack = stack.description
        self._client = client
        self._port = int(self._stack.ingest_url.rsplit(":", 1)[1])
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._customers = [Customer.new() for _ in range(CUSTOMERS)]
        self.sent = 0
        self.failed: Counter[str] = Counter()
        """By how: what was answered, or the name of the fault."""
        self.reads = 0

    async def open_the_shop(self) -> None:
        """Agents who together take every customer, and the lines that these write on."""
        for connection in await connections(self._port, MOST_WAITING):
            self._free.put_nowait(connection)
        headers = {"authorization": f"Bearer {self._stack.tokens.admin}"}
        url = f"{self._stack.gateway_url}/v1/users"
        for number in range(CUSTOMERS // CAPACITY):
            user = {"id": f"s{number}", "name": f"S {number}", "role": "agent"}
            made = await self._client.post(
                url, json={**user, "capacity": CAPACITY}, headers=headers
            )
            made.raise_for_status()
            on = await self._client.post(f"{url}/s{number}/shift/start", headers=headers)
            on.raise_for_status()

    async def one(self) -> None:
        """One message of the next customer."""
        customer = self._customers[self.sent % CUSTOMERS]
        self.sent += 1
        body = text_webhook(self._stack, customer, f"n. {self.sent}")
        connection = await self._free.get()
        try:
            await connection.post(signed(body, self._stack.app_secret))
        except RuntimeError as refusal:
            self.failed[str(refusal).split("\r\n", 1)[0]] += 1
        except (OSError, EOFError) as fault:
            self.failed[type(fault).__name__] += 1
        else:
            self._free.put_nowait(connection)
            return
        connection.close()
        self._free.put_nowait((await connections(self._port, 1))[0])

    async def flood(self, seconds: float) -> None:
        """As many as are answered."""
        until = time.monotonic() + seconds

        async def sender() -> None:
            while time.monotonic() < until:
                await self.one()

        await asyncio.gather(*(sender() for _ in range(SENDERS)))

    async def steady(self, per_second: float, seconds: float) -> None:
        """At this rate, for so long; fewer while `MOST_WAITING` are not answered yet."""
        began, waiting, number = time.monotonic(), set[asyncio.Task[None]](), 0
        while (now := time.monotonic()) < began + seconds:
            if len(waiting) >= MOST_WAITING or now < began + number / per_second:
                await asyncio.sleep(0.002)
                continue
            number += 1
            task = asyncio.create_task(self.one())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)

    async def read(self) -> None:
        """The list of cases and one history, again and again, as a reviewer."""
        headers = {"authorization": f"Bearer {self._stack.tokens.reviewer}"}
        while True:
            await asyncio.sleep(READS_EVERY)
            try:
                url = f"{self._stack.gateway_url}/v1/cases"
                listed = await self._client.get(url, headers=headers)
                cases = listed.raise_for_status().json()["items"]
                if cases:
                    case = cases[self.reads % len(cases)]["case_id"]
                    history = await self._client.get(f"{url}/{case}/timeline", headers=headers)
                    history.raise_for_status()
                self.reads += 1
            except httpx.HTTPError as fault:
                self.failed[type(fault).__name__] += 1


async def watch(stack: RunningStack, inspector: Inspector, seen: Watch) -> None:
    """Looks every ten seconds, until it is cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        for name in (*SERVICES, "nats", "mongo"):
            pid = getattr(stack.description.pids, name)
            if pid is None:
                continue
            memory, files = seen_of(pid)
            seen.memory_mb[name].append(memory)
            seen.files[name].append(files)
        seen.lag.append(await inspector.last_seq() - await through(inspector))


def seen_of(pid: int) -> tuple[float, int]:
    """Resident MB and open files of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files


async def through(inspector: Inspector) -> int:
    """How far the log is complete."""
    book = await inspector.log["log"].find_one({"_id": "SUPPORT"}) or {}
    return int(book.get("complete_through", 0))


async def drained(inspector: Inspector) -> None:
    """Returns when everything that was published is recorded."""

    async def check() -> bool:
        return await through(inspector) == await inspector.last_seq()

    await eventually(check, DRAINED_WITHIN)


def told(line: str) -> None:
    """Progress, on the error stream."""
    print(f"soak: {line}", file=sys.stderr, flush=True)


def compare(name: str, unit: str, values: list[float]) -> None:
    """The median of the last quarter, against that of the second."""
    quarter = len(values) // 4
    if quarter == 0:
        return
    before = statistics.median(values[quarter : 2 * quarter])
    after = statistics.median(values[-quarter:])
    show(name, after, unit, before or None)


async def soak(folder: Path, minutes: float) -> None:
    """Prints what grew and what did not."""
    seconds = minutes * 60
    with running_stack(folder) as stack:
        limits = httpx.Limits(max_connections=64)
        async with (
            Inspector(stack.description) as inspector,
            httpx.AsyncClient(timeout=60, trust_env=False, limits=limits) as client,
        ):
            traffic = Traffic(stack, client)
            await traffic.open_the_shop()
            await traffic.flood(5)
            await drained(inspector)
            first, sent, began = await through(inspector), traffic.sent, time.monotonic()
            await traffic.flood(RAMP)
            await drained(inspector)
            records, took = await through(inspector) - first, time.monotonic() - began
            webhooks = (traffic.sent - sent) / took
            show("soak.capacity", webhooks, "webhooks/s")
            show("soak.capacity-in-records", records / took, "records/s")
            rate = SHARE * webhooks
            told(f"{webhooks:.0f} webhooks/s are taken; {rate:.0f}/s for {minutes:g} minutes")
            seen = Watch()
            watching = asyncio.create_task(watch(stack, inspector, seen))
            reading = asyncio.create_task(traffic.read())
            sent = traffic.sent
            for part in range(10):
                await traffic.steady(rate, seconds / 10)
                told(f"{part + 1} of 10; lag {seen.lag[-1] if seen.lag else 0:.0f} records")
            watching.cancel()
            reading.cancel()
            await drained(inspector)
            show("soak.rate", (traffic.sent - sent) / seconds, "webhooks/s", webhooks)
            show("soak.failed", traffic.failed.total(), "requests")
            told(f"failed: {dict(traffic.failed)}")
            show("soak.records", await through(inspector), "records")
            for name, values in seen.memory_mb.items():
                compare(f"soak.{name}.memory", "MB", values)
            for name, values in seen.files.items():
                compare(f"soak.{name}.open-files", "files", values)
            compare("soak.lag.median", "records", seen.lag)
            show("soak.lag.worst", max(seen.lag), "records")
            (folder.parent / "soak.json").write_text(json.dumps(seen.__dict__))


def run(*, quick: bool = False) -> None:
    """MINUTES of it; a tenth when `quick`."""
    minutes = float(os.environ.get("MINUTES", "30")) / (10 if quick else 1)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        asyncio.run(soak(Path(folder) / "stack", minutes))
