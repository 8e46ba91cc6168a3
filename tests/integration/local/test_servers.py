"""Real NATS and MongoDB servers: ready when they say so, and their data outlives them."""

import os
from pathlib import Path
from typing import Any

import nats
import pytest
from casetrail_local.errors import NotReady, PortTaken
from casetrail_local.servers import MongoServer, NatsServer, free_port
from nats.js.api import StorageType, StreamConfig
from pymongo import MongoClient

pytestmark = pytest.mark.servers


async def _publish(url: str, data: bytes) -> int:
    client = await nats.connect(url)
    try:
        stream = client.jetstream()
        config = StreamConfig(name="S", subjects=["s.>"], storage=StorageType.FILE)
        await stream.add_stream(config)
        return (await stream.publish("s.one", data)).seq
    finally:
        await client.close()


async def _read(url: str, seq: int) -> bytes | None:
    client = await nats.connect(url)
    try:
        return (await client.jetstream().get_msg("S", seq)).data
    finally:
        await client.close()


async def test_what_nats_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A kill -9 right after the acknowledgement, then the same port and data: it is there."""
    with NatsServer(tmp_path) as server:
        port, url = server.port, server.url
        seq = await _publish(url, b"kept")
        server.kill()
        assert not server.running
        server.start()
        assert (server.port, server.url) == (port, url)
        assert await _read(url, seq) == b"kept"


async def test_nats_takes_a_message_of_nearly_four_megabytes(tmp_path: Path) -> None:
    """An item of the largest webhook WhatsApp sends fits into one message."""
    with NatsServer(tmp_path) as server:
        large = os.urandom(4 * 1024 * 1024 - 4096)
        seq = await _publish(server.url, large)
        assert await _read(server.url, seq) == large


def test_a_stopped_nats_comes_back_by_restart(tmp_path: Path) -> None:
    """Restart gives another process on the same port."""
    with NatsServer(tmp_path) as server:
        first, port = server.pid, server.port
        server.restart()
        assert server.pid is not None
        assert server.pid != first
        assert server.port == port


def _count(server: MongoServer) -> int:
    client: MongoClient[dict[str, Any]] = MongoClient(server.url, serverSelectionTimeoutMS=5000)
    with client:
        return client["shop"]["orders"].count_documents({})


def _insert(server: MongoServer) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(server.url, serverSelectionTimeoutMS=5000)
    with client:
        client["shop"]["orders"].insert_one({"order": 1})


def test_mongod_is_writable_at_once_and_keeps_data_through_a_kill(tmp_path: Path) -> None:
    """`start` returns with a writable primary, the first time and after kill -9."""
    with MongoServer(tmp_path) as server:
        _insert(server)
        port = server.port
        server.kill()
        server.start()
        assert server.port == port
        assert _count(server) == 1
        _insert(server)


def test_a_replica_set_that_moved_ports_is_primary_again(tmp_path: Path) -> None:
    """The stored configuration names the old port; the node is told its new one, and keeps data."""
    with MongoServer(tmp_path) as first:
        _insert(first)
        old = first.port
    with MongoServer(tmp_path) as moved:
        assert moved.port != old
        assert _count(moved) == 1
        _insert(moved)


@pytest.mark.parametrize("kind", [NatsServer, MongoServer])
def test_a_taken_port_is_named(tmp_path: Path, kind: type[NatsServer | MongoServer]) -> None:
    """A server that was given a port does not move; the error names the port and its holder."""
    with NatsServer(tmp_path / "holder") as holder:
        other = kind(tmp_path / "other", port=holder.port)
        with pytest.raises(PortTaken, match=f"Port {holder.port} .*nats-server.*pid {holder.pid}"):
            other.start()
        assert not other.running


def test_a_server_that_ends_while_starting_says_why(tmp_path: Path) -> None:
    """Data nats-server cannot use: the error carries the server's last words, nothing is left."""
    (tmp_path / "jetstream").write_text("a file where a folder is needed")
    server = NatsServer(tmp_path, port=free_port())
    with pytest.raises(NotReady, match=r"exit code 1 .*storage directory"):
        server.start()
    assert not server.running
