"""Fixtures that give a test real servers and names of its own. See docs/how-to/write-a-test.md."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.mongo import Client, Database, database, make_client
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from tests.support.servers import (
    MongoForTests,
    NatsForTests,
    chosen_kind,
    mongo_for_tests,
    nats_for_tests,
)

SERVER_FIXTURES = frozenset(
    {"nats_server", "mongo_server", "own_nats", "own_mongo", "mongo_url", "mongo_db", "broker"}
)


NOWHERE = SecretStr("")


@dataclass(frozen=True)
class Addresses:
    """The settings that `make_client` and `make_broker` read, for tests that have no service."""

    nats_url: SecretStr = NOWHERE
    mongo_url: SecretStr = NOWHERE
    otlp_endpoint: str | None = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a real server, so that `-m 'not servers'` is the quick run."""
    for item in items:
        if isinstance(item, pytest.Function) and SERVER_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoForTests]:
    """The MongoDB of this test process; each test makes databases of its own in it."""
    with mongo_for_tests(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture
def mongo_url(mongo_server: MongoForTests) -> str:
    """The URL of a database that nobody else uses."""
    return mongo_server.database_url(f"t_{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def mongo_client(mongo_url: str) -> AsyncIterator[Client]:
    """A client as a service makes it, for the database of this test."""
    client = make_client(Addresses(mongo_url=SecretStr(mongo_url)), "tests")
    yield client
    client.close()


@pytest.fixture
def mongo_db(mongo_client: Client) -> Database:
    """A database that nobody else uses, as durable as a service's."""
    return database(mongo_client)


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoServer]:
    """An embedded mongod for this test alone, to be killed and restarted."""
    with MongoServer(tmp_path / "mongod") as server:
        yield server


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """An embedded nats-server for this test alone, to be killed and restarted."""
    with NatsServer(tmp_path / "own-nats") as server:
        yield server


@pytest.fixture(scope="session")
def _shared_nats(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[NatsForTests | None]:
    if chosen_kind() == "embedded":
        yield None
        return
    if chosen_kind() == "url" and worker_id != "master":
        raise RuntimeError("the streams of one given NATS server cannot be shared: run without -n")
    with nats_for_tests(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
async def nats_server(
    _shared_nats: NatsForTests | None, tmp_path: Path
) -> AsyncIterator[NatsForTests]:
    """A NATS server without streams: streams have fixed names, so each test has a fresh one."""
    if _shared_nats is None:
        with NatsServer(tmp_path / "nats") as server:
            yield server
        return
    await _remove_streams(_shared_nats.url)
    yield _shared_nats


async def _remove_streams(url: str) -> None:
    client = await nats.connect(url)
    for stream in STREAMS:
        try:
            await client.jetstream().delete_stream(stream.name)
        except NotFoundError:
            continue
    await client.close()


@pytest.fixture
async def broker(nats_server: NatsForTests) -> AsyncIterator[ServiceBroker]:
    """A started broker as a service makes it, without the watchdog that ends the process."""
    made = make_broker(Addresses(nats_url=SecretStr(nats_server.url)), "tests", exit_after=None)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def streams_applied(nats_server: NatsForTests) -> AsyncIterator[JetStreamContext]:
    """JetStream with the streams and durables of Casetrail, as their owner makes them."""
    client = await nats.connect(nats_server.url)
    js = client.jetstream()
    await apply_all(js, STREAMS, DURABLES)
    yield js
    await client.close()
