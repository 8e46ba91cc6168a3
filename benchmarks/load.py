"""What the benchmarks of the recorder work on: servers, events of services, figures."""

import asyncio
import json
import math
import os
import platform
import statistics
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import structlog
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import record_of
from casetrail_audit.rebuilding.reading import StretchReader
from casetrail_contracts import Event
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.mongo import Client, Database, database, make_client
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from pydantic import SecretStr

from tests.support.fixtures import Addresses
from tests.unit.audit.history import History

KEY = "a key of the benchmarks that is long enough to be one"


def show(name: str, value: float, unit: str, vs: float | None = None) -> None:
    """One line, as every benchmark prints them."""
    ratio = None if not vs else round(value / vs, 3)
    compared = None if vs is None else round(vs, 3)
    line = {"name": name, "value": round(value, 3), "unit": unit, "vs": compared, "ratio": ratio}
    print(json.dumps(line), flush=True)


def machine() -> str:
    """Where the figures come from: processor, cores, system, Python."""
    model = platform.processor() or platform.machine()
    try:
        words = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(x.split(":")[1].strip() for x in words if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def events(count: int) -> list[Event]:
    """Conversations of some eight events each: messages, a case, an owner, a close."""
    history = History()
    while len(history.events) < count:
        n = len(history.events)
        cause = history.says(f"cv_{n}")
        history.opens(cause, f"cv_{n}", f"CASE-{n}")
        history.assigns("ab"[n % 2], f"cv_{n}", f"CASE-{n}")
        for _ in range(4):
            history.says(f"cv_{n}")
        history.closes(f"cv_{n}", f"CASE-{n}")
    return history.events[:count]


@dataclass
class Bench:
    """Servers of their own, with the streams, and clients on them."""

    nats: NatsServer
    mongo: MongoServer
    broker: ServiceBroker
    client: Client

    def db(self, name: str) -> Database:
        """A database, as durable as a service's."""
        addresses = Addresses(mongo_url=SecretStr(self.mongo.database_url(name)))
        return database(make_client(addresses, "bench"))

    async def fill(self, count: int) -> list[dict[str, Any]]:
        """So many events in the stream, and the records that they become."""
        publisher = StreamPublisher(self.broker, "SUPPORT", timeout=60)
        await publisher.publish_all(events(count))
        await publisher.close()
        reader, messages = StretchReader(self.broker, "SUPPORT"), list[Message]()
        while found := await reader.read(len(messages) + 1):
            messages += found
        return [record_of(message, KEY.encode()) for message in messages]

    async def forget_position(self) -> None:
        """The durable `audit` at the beginning again, and nothing on `audit.>`."""
        js = self.broker.connection.jetstream()
        await js.delete_stream("AUDIT")
        await js.delete_consumer("SUPPORT", "audit")
        await apply_all(js, STREAMS, DURABLES)

    async def told(self) -> int:
        """How many messages are on `audit.>`."""
        return int((await self.broker.connection.jetstream().stream_info("AUDIT")).state.messages)


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """Fresh servers, gone afterwards."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with NatsServer(folder / "nats") as server, MongoServer(folder / "mongod") as mongo:
        connection = await nats.connect(server.url)
        await apply_all(connection.jetstream(), STREAMS, DURABLES)
        await connection.close()
        addresses = Addresses(
            nats_url=SecretStr(server.url), mongo_url=SecretStr(mongo.database_url("bench"))
        )
        broker = make_broker(addresses, "bench", exit_after=None)
        await broker.start()
        client = make_client(addresses, "bench")
        try:
            yield Bench(server, mongo, broker, client)
        finally:
            await broker.stop()
            client.close()


async def python(module: str, *arguments: str, **environment: str) -> Process:
    """`python -m module`, with a pipe in and out."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env={**os.environ, **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )


def cpu_seconds(process: Process) -> float:
    """Processor time it has used; not a number where `/proc` does not tell."""
    try:
        words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def end(processes: Sequence[Process]) -> None:
    """Kills them."""
    for process in processes:
        process.kill()
        await process.wait()


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Returns within 10 ms of its being true."""
    while True:
        if await check():
            return
        await asyncio.sleep(0.01)


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent are not above."""
    return statistics.quantiles(values, n=100)[share - 1]
