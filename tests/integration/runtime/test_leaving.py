"""A server that is connected and stores nothing is left for one that does."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import nats
import pytest
from casetrail_local.binaries import find_nats_server
from casetrail_local.ports import free_port
from casetrail_local.servers import NatsServer
from casetrail_runtime import leaving
from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.publisher import NotStored, StreamPublisher, stream
from casetrail_runtime.pull import Delivery, pump, subscribe_keyed
from casetrail_runtime.streams import DURABLES, STREAMS, apply_all
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import SecretStr

from tests.integration.runtime.conftest import about, event, number
from tests.support.fixtures import Addresses
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


@pytest.fixture
def deaf_url() -> Iterator[str]:
    """A server that takes what is published, answers pings, and keeps no stream."""
    port = free_port()
    command = [str(find_nats_server()), "--addr", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        yield f"nats://127.0.0.1:{port}"
        process.kill()


@pytest.fixture
async def broker(
    deaf_url: str, own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ServiceBroker]:
    """A broker on that server, which knows of another one with streams; both not patient."""
    monkeypatch.setattr(stream, "ATTEMPT", 0.2)
    for module in (stream, leaving):
        monkeypatch.setattr(module, "IN_VAIN", 0.5)
    monkeypatch.setattr(pump, "HEARTBEAT", 0.1)
    connection = await nats.connect(own_nats.url)
    await apply_all(connection.jetstream(), STREAMS, DURABLES)
    await connection.close()
    listener = await _listening(deaf_url)
    urls = SecretStr(f"{deaf_url},{own_nats.url}")
    made = make_broker(Addresses(nats_url=urls), "desk", exit_after=None, graceful_timeout=2)
    made._connection_kwargs["dont_randomize"] = True
    yield made
    await made.stop()
    await listener.close()


async def _listening(url: str) -> Client:
    """Somebody who hears everything and never answers, so that nobody is told so at once."""

    async def hear(_: Msg) -> None:
        """Nothing."""

    async def connected() -> Client | None:
        try:
            return await nats.connect(url, allow_reconnect=False)
        except OSError:
            return None

    client = await eventually(connected)
    assert client is not None
    await client.subscribe(">", cb=hear)
    await client.flush()
    return client


def port_of(broker: ServiceBroker) -> int | None:
    """The port of the server it is connected to."""
    where = broker.connection.connected_url
    return None if where is None else where.port


async def test_a_publisher_goes_where_it_is_heard(
    broker: ServiceBroker, own_nats: NatsServer
) -> None:
    """INVARIANT I10: what waits meanwhile is stored there, under the ids it had."""
    await broker.start()
    assert port_of(broker) != own_nats.port
    publisher = StreamPublisher(broker, "SUPPORT", timeout=20)
    acks = await asyncio.gather(*(publisher.publish(event(n)) for n in range(3)))
    assert {ack.seq for ack in acks} == {1, 2, 3}
    assert port_of(broker) == own_nats.port
    await publisher.close()


async def test_a_consumer_goes_where_it_is_served(
    broker: ServiceBroker, own_nats: NatsServer
) -> None:
    """It is told nothing for longer than two heartbeats, and asks another server."""
    seen: list[int] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(number(delivery.event))

    subscribe_keyed(broker, "routing", handle, key=about, service="desk")
    await broker.start()
    other = make_broker(Addresses(nats_url=SecretStr(own_nats.url)), "other", exit_after=None)
    await other.start()
    await StreamPublisher(other, "SUPPORT").publish(event(7))
    await eventually(lambda: seen == [7], within=10)
    assert port_of(broker) == own_nats.port
    await other.stop()


async def test_without_another_server_it_stays(
    deaf_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection is not given up for nothing; who publishes is told that nothing was stored."""
    monkeypatch.setattr(stream, "ATTEMPT", 0.2)
    for module in (stream, leaving):
        monkeypatch.setattr(module, "IN_VAIN", 0.5)
    listener = await _listening(deaf_url)
    alone = make_broker(Addresses(nats_url=SecretStr(deaf_url)), "alone", exit_after=None)
    await alone.start()
    with pytest.raises(NotStored):
        await StreamPublisher(alone, "SUPPORT", timeout=2).publish(event(1))
    assert alone.connection.stats["reconnects"] == 0
    await alone.stop()
    await listener.close()


async def test_it_goes_round_ever_more_slowly(
    broker: ServiceBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no server does any better, as without a majority, clients do not hop all the time."""
    await broker.start()
    at = 1000.0
    monkeypatch.setattr(leaving, "monotonic", lambda: at)
    gone = []
    for _ in range(600):
        at += 0.1
        if await leaving.go_elsewhere(broker.connection, "nothing is stored"):
            gone.append(round(at - 1000, 1))
            await eventually(lambda: broker.connection.is_connected)
    spans = [later - before for before, later in pairwise(gone)]
    assert len(spans) >= 5
    assert all(later > before * 1.8 for before, later in pairwise(spans))
