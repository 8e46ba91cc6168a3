"""A cluster with its streams and its replica set, and two recorders on it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nats
import nats.errors
from casetrail_local.ports import LOOPBACK, free_port
from casetrail_runtime.mongo import make_client
from casetrail_runtime.streams import SUPPORT, apply_all
from casetrail_runtime.streams.specs import DURABLES, planned
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.chaos.desk import DATABASE, Office, Recorder, settings_of
from tests.cluster.network import Network
from tests.cluster.nodes import MongoNode, NatsNode, Node
from tests.integration.audit.publishing import EXTRA
from tests.support.waiting import eventually

MEMBERS: Final = 3
TOGETHER_WITHIN: Final = 120.0


@dataclass
class House(Office):
    """Three of each, and the recorders; `network` is None when all are on loopback."""

    nats: list[NatsNode]
    mongo: list[MongoNode]
    network: Network | None
    clock: Path
    """What the first recorder and the first mongod add to the time, when `FAKETIME` is there."""

    @property
    def nodes(self) -> Sequence[Node]:
        """All six."""
        return [*self.nats, *self.mongo]

    @property
    def nats_url(self) -> str:
        """Every address of NATS."""
        return ",".join(node.url for node in self.nats)

    async def stream_leader(self) -> NatsNode:
        """Who leads SUPPORT now."""

        async def ask() -> NatsNode:
            async with self._visit() as client:
                info = await client.jetstream(timeout=2).stream_info(SUPPORT.name)
            assert info.cluster is not None
            leader = [node for node in self.nats if node.name == info.cluster.leader]
            assert leader, "nobody leads the stream"
            return leader[0]

        return await eventually(ask, TOGETHER_WITHIN)

    async def lead_with(self, node: NatsNode) -> None:
        """Returns when this server leads SUPPORT."""
        wish = json.dumps({"placement": {"preferred": node.name}}).encode()

        async def ask() -> bool:
            if await self.stream_leader() is node:
                return True
            async with self._visit() as client:
                await client.request(
                    f"$JS.API.STREAM.LEADER.STEPDOWN.{SUPPORT.name}", wish, timeout=5
                )
            return False

        await eventually(ask, TOGETHER_WITHIN)

    async def primary(self) -> MongoNode:
        """Who is the primary now."""

        async def ask() -> MongoNode:
            hello = await self._asked("hello")
            primary = [node for node in self.mongo if node.address == hello["me"]]
            assert primary, "nobody is primary"
            return primary[0]

        return await eventually(ask, TOGETHER_WITHIN)

    async def together(self) -> None:
        """Returns when every member runs and has what the others have."""

        async def check() -> bool:
            async with self._visit() as client:
                js = client.jetstream(timeout=2)
                for spec in planned():
                    cluster = (await js.stream_info(spec.name)).cluster
                    assert cluster is not None
                    replicas = cluster.replicas or []
                    assert cluster.leader
                    assert len(replicas) == MEMBERS - 1, spec.name
                    assert all(peer.current and not peer.offline for peer in replicas), replicas
            status = await self._asked("replSetGetStatus")
            states = sorted(member["stateStr"] for member in status["members"])
            assert states == ["PRIMARY", "SECONDARY", "SECONDARY"], states
            return True

        await eventually(check, TOGETHER_WITHIN)

    async def _asked(self, command: str) -> dict[str, Any]:
        try:
            said: dict[str, Any] = await self.client.admin.command(command)
        except PyMongoError as error:
            raise AssertionError(f"MongoDB does not say: {error}") from error
        return said

    @asynccontextmanager
    async def _visit(self) -> AsyncIterator[Client]:
        async def quiet(_error: Exception) -> None: ...

        try:
            client = await nats.connect(
                [node.url for node in self.nats if node.running],
                error_cb=quiet,
                connect_timeout=2,
                max_reconnect_attempts=2,
                reconnect_time_wait=0.1,
            )
        except (nats.errors.Error, OSError) as error:
            raise AssertionError(f"no NATS answers: {error}") from error
        try:
            yield client
        except (nats.errors.Error, JetStreamError) as error:
            raise AssertionError(f"NATS does not say: {error}") from error
        finally:
            await client.close()

    async def everything_runs(self) -> None:
        """Starts what does not run, thaws what is frozen, plugs in what is out."""
        if self.network is not None:
            self.network.heal()
        for node in self.nodes:
            node.thaw()
            await asyncio.to_thread(node.start)
        await self.keep_up()


def _members(folder: Path, network: Network | None) -> tuple[list[NatsNode], list[MongoNode]]:
    def where(number: int) -> tuple[str, list[str]]:
        name = f"host-{number}"
        return (LOOPBACK, []) if network is None else (network.address(name), network.command(name))

    port: Callable[[], int] = free_port
    servers, mongods = [], []
    for number in range(MEMBERS):
        host, prefix = where(number)
        servers.append(NatsNode(f"nats-{number}", folder, host, (port(), port()), prefix))
        mongods.append(MongoNode(f"mongod-{number}", folder, host, port(), prefix))
    for node in servers:
        node.peers = [peer for peer in servers if peer is not node]
    return servers, mongods


def _initiate(mongods: Sequence[MongoNode]) -> None:
    members = [{"_id": n, "host": node.address} for n, node in enumerate(mongods)]
    settings = {"electionTimeoutMillis": 2000}
    first = mongods[0]
    client: MongoClient[dict[str, Any]] = MongoClient(first.host, first.port, directConnection=True)
    with client:
        client.admin.command(
            "replSetInitiate", {"_id": "rs0", "members": members, "settings": settings}
        )


async def _streams(nats_url: str) -> None:
    async def apply() -> bool:
        client = await nats.connect(nats_url.split(","), connect_timeout=2)
        try:
            streams = planned(replicas=MEMBERS, extra_subjects=[EXTRA])
            await apply_all(client.jetstream(timeout=5), streams, DURABLES)
        except (nats.errors.Error, JetStreamError) as error:
            raise AssertionError(f"no streams yet: {error}") from error
        finally:
            await client.close()
        return True

    await eventually(apply, TOGETHER_WITHIN)


@asynccontextmanager
async def house(
    folder: Path, network: Network | None = None, *, clock_library: Path | None = None
) -> AsyncIterator[House]:
    """A cluster that is together, with two recorders.

    With `clock_library` (libfaketime) the first recorder and the first mongod go by the clock of
    `House.clock`.
    """
    servers, mongods = _members(folder, network)
    clock = folder / "clock"
    moved: dict[str, str] = {}
    if clock_library is not None:
        clock.write_text("+0\n")
        moved = {
            "LD_PRELOAD": str(clock_library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        mongods[0].environment = {**os.environ, **moved}
    try:
        starts = [asyncio.to_thread(node.start) for node in (*servers, *mongods)]
        for failed in await asyncio.gather(*starts, return_exceptions=True):
            if failed is not None:
                raise failed
        await asyncio.to_thread(_initiate, mongods)
        nats_url = ",".join(node.url for node in servers)
        await _streams(nats_url)
        addresses = ",".join(node.address for node in mongods)
        mongo_url = f"mongodb://{addresses}/{DATABASE}?replicaSet=rs0"
        settings = settings_of(nats_url, mongo_url)
        made = House(
            [
                Recorder(f"recorder-{n}", nats_url, mongo_url, folder, **more)
                for n, more in enumerate((moved, {}))
            ],
            make_client(settings, "cluster"),
            settings,
            servers,
            mongods,
            network,
            clock,
        )
        try:
            await made.together()
            await made.keep_up()
            yield made
        finally:
            for recorder in made.recorders:
                await recorder.close()
            made.client.close()
    finally:
        for node in (*servers, *mongods):
            node.kill()
