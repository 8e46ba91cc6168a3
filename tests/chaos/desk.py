"""The servers of one run and the recorder processes on them: started here, killed here."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import httpx
import nats
from casetrail_audit.settings import AuditSettings
from casetrail_local.ports import free_port
from casetrail_local.servers import LocalServer, MongoServer, NatsServer
from casetrail_runtime.mongo import Client, Database, database, make_client
from casetrail_runtime.streams import SUPPORT, apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from tests.integration.audit.publishing import EXTRA
from tests.integration.audit.replica import KEY

DATABASE = "audit"
SIGNING_KEY = "00" * 32
WITH_EXTRA = [
    replace(spec, subjects=(*spec.subjects, EXTRA)) if spec.name == SUPPORT.name else spec
    for spec in STREAMS
]


class Recorder:
    """`python -m casetrail_audit` as an operator runs it; its words go into a file."""

    def __init__(self, name: str, nats_url: str, mongo_url: str, folder: Path, **more: str) -> None:
        self.name = name
        self.port = free_port()
        self._words = folder / f"{name}.log"
        self._environment = {
            **os.environ,
            "AUDIT_NATS_URL": nats_url,
            "AUDIT_MONGO_URL": mongo_url,
            "AUDIT_WORKSPACE_KEY": KEY,
            "AUDIT_SIGNING_KEY": SIGNING_KEY,
            "AUDIT_PORT": str(self.port),
            "AUDIT_INSTANCE": name,
            "AUDIT_LEASE_SECONDS": "2",
            **more,
        }
        self._process: Process | None = None
        self._file: IO[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Of the process that was started last."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Starts it; it may not answer yet, and it ends by itself when a server is away."""
        if self._file is None:
            self._file = self._words.open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "casetrail_audit"),
            env=self._environment,
            stdin=DEVNULL,
            stdout=self._file,
            stderr=self._file,
        )

    async def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def close(self) -> None:
        """Kills it for good."""
        await self.kill()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """What `/readyz` says; status 0 when nobody answers."""
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
            except httpx.TransportError:
                return 0, {}
            return answer.status_code, answer.json()

    async def figure(self, name: str) -> float | None:
        """One of its figures on `/metrics`."""
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}/metrics")
            except httpx.TransportError:
                return None
        for line in answer.text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return None


@dataclass
class Office:
    """Recorders, and where their servers are."""

    recorders: list[Recorder]
    client: Client
    settings: AuditSettings

    @property
    def db(self) -> Database:
        """The database of the log."""
        return database(self.client)

    async def keep_up(self) -> None:
        """Starts each recorder again that has ended, as a supervisor does."""
        for recorder in self.recorders:
            if not recorder.running:
                await recorder.start()


@dataclass
class Desk(Office):
    """One NATS, one MongoDB and two recorders."""

    nats: NatsServer
    mongo: MongoServer

    async def restart(self, server: LocalServer) -> None:
        """Starts a killed server on its port and data."""
        await asyncio.to_thread(server.start, 60.0)


async def complete_through(office: Office) -> int | None:
    """How far the log is complete; None while MongoDB does not say."""
    try:
        async with asyncio.timeout(2):
            book = await office.db["log"].find_one({"_id": SUPPORT.name})
    except (PyMongoError, TimeoutError):
        return None
    return 0 if book is None else int(book["complete_through"])


def settings_of(nats_url: str, mongo_url: str) -> AuditSettings:
    """The recorders' settings, for what looks at their log from here."""
    return AuditSettings(
        nats_url=SecretStr(nats_url),
        mongo_url=SecretStr(mongo_url),
        workspace_key=SecretStr(KEY),
        signing_key=SecretStr(SIGNING_KEY),
    )


@asynccontextmanager
async def desk(folder: Path, *, recorders: int = 2) -> AsyncIterator[Desk]:
    """A desk with its streams applied and its recorders started."""
    with NatsServer(folder / "nats") as server, MongoServer(folder / "mongod") as mongo:
        client = await nats.connect(server.url)
        await apply_all(client.jetstream(), WITH_EXTRA, DURABLES)
        await client.close()
        mongo_url = mongo.database_url(DATABASE)
        settings = settings_of(server.url, mongo_url)
        made = Desk(
            [Recorder(f"recorder-{n}", server.url, mongo_url, folder) for n in range(recorders)],
            make_client(settings, "chaos"),
            settings,
            server,
            mongo,
        )
        try:
            await made.keep_up()
            yield made
        finally:
            for recorder in made.recorders:
                await recorder.close()
            made.client.close()
