"""A server that falls silent is left for another, whatever still waits to be sent to it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime import connecting
from casetrail_runtime.broker import make_broker
from pydantic import SecretStr

from tests.support.fixtures import Addresses
from tests.support.waiting import eventually


@pytest.fixture
def two_servers(tmp_path: Path) -> Iterator[tuple[NatsServer, NatsServer]]:
    """Two that do not know each other; the first is thawed at the end."""
    with NatsServer(tmp_path / "one") as one, NatsServer(tmp_path / "two") as two:
        yield one, two
        if one.pid is not None:
            os.kill(one.pid, signal.SIGCONT)


async def test_a_frozen_server_is_left_though_its_connection_cannot_close(
    two_servers: tuple[NatsServer, NatsServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT I10: its buffers are full, so closing would wait for it; the kernel ends it."""
    monkeypatch.setattr(connecting, "UNHEARD", 2.0)
    frozen, other = two_servers
    urls = SecretStr(f"{frozen.url},{other.url}")
    broker = make_broker(Addresses(nats_url=urls), "patient", exit_after=None)
    broker._connection_kwargs["ping_interval"] = 1
    broker._connection_kwargs["dont_randomize"] = True
    await broker.connect()
    client = broker.connection
    assert client.connected_url is not None
    assert client.connected_url.port == frozen.port
    assert frozen.pid is not None
    os.kill(frozen.pid, signal.SIGSTOP)
    for _ in range(64):  # more than the two kernels' buffers hold
        await client.publish("nobody.hears", bytes(256 * 1024))

    async def elsewhere() -> bool:
        where = client.connected_url
        return client.is_connected and where is not None and where.port == other.port

    await eventually(elsewhere, within=15)
    await client.publish("nobody.hears", b"and it goes on")
    await client.flush(timeout=10)
    await broker.stop()
