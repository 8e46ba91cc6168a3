"""The broker's rules on a real server: it recovers, or its process ends; nothing in between."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from casetrail_local.binaries import find_nats_server
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.health import check, nats_ping
from casetrail_runtime.publisher import StreamPublisher
from nats.aio.client import Client

from tests.integration.runtime.conftest import MakeBroker, event
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


@contextmanager
def server_with_a_password(like: NatsServer) -> Iterator[None]:
    """A server on the same port that refuses whoever has no password."""
    config = like.data_dir / "locked.conf"
    config.write_text(
        f'listen: "127.0.0.1:{like.port}"\nauthorization {{ user: "someone", password: "else" }}\n'
    )
    process = subprocess.Popen(
        [str(find_nats_server()), "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def test_two_seconds_of_refused_logins_are_survived(
    desk: ServiceBroker, own_nats: NatsServer
) -> None:
    """A server that says "authorization violation" does not end reconnecting for good."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=10)
    await publisher.publish(event(1))
    own_nats.kill()
    with server_with_a_password(own_nats):
        await eventually(lambda: "Authorization Violation" in desk._last_error[0])
        await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=2)
        assert not desk.connection.is_connected
    own_nats.start()
    assert (await publisher.publish(event(2))).seq == 2


async def test_the_watchdog_is_quiet_while_connected_again_in_time(
    new_desk: MakeBroker, own_nats: NatsServer, client: Client
) -> None:
    """A restart of NATS shorter than the limit ends nothing."""
    desk = new_desk()
    desk._exit_after = 4.0
    await desk.start()
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    own_nats.start()
    await eventually(lambda: desk.connection.is_connected)
    assert desk._watchdog is not None
    assert not desk._watchdog.done()


PROGRAM = """
import asyncio, sys
from types import SimpleNamespace
from casetrail_runtime.broker import make_broker

async def main():
    settings = SimpleNamespace(nats_url=sys.argv[1], otlp_endpoint=None)
    broker = make_broker(settings, "desk", exit_after=float(sys.argv[3]) or None)
    await broker.start()
    print("started", flush=True)
    if sys.argv[2] == "closed":
        await broker.connection.close()
    if sys.argv[2] == "stopped":
        await broker.stop()
        return
    await asyncio.Event().wait()

asyncio.run(main())
"""


def run_service(url: str, what: str, exit_after: float = 0.0) -> subprocess.Popen[str]:
    """A process with a broker and nothing else."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, what, str(exit_after)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and output of a process that ends by itself."""
    out, _ = await asyncio.to_thread(process.communicate, timeout=90)
    return process.returncode, out


async def test_a_closed_connection_ends_the_process(own_nats: NatsServer) -> None:
    """A connection that is closed for good would freeze the loop: exit code 70 instead."""
    code, out = await finish(run_service(own_nats.url, "closed"))
    assert code == 70
    assert "the connection to NATS was closed for good" in out


async def test_a_stopped_broker_ends_in_good_order(own_nats: NatsServer) -> None:
    """Closing at shutdown is no failure."""
    code, out = await finish(run_service(own_nats.url, "stopped"))
    assert (code, out.splitlines()[0]) == (0, "started")


async def test_too_long_without_nats_ends_the_process(own_nats: NatsServer) -> None:
    """The watchdog ends a service that is cut off for longer than its limit."""
    process = run_service(own_nats.url, "watched", exit_after=1.0)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "started\n"
    own_nats.kill()
    code, out = await finish(process)
    assert code == 70
    assert "no connection to NATS for 1 s" in out


async def test_stopping_while_nats_is_away(desk: ServiceBroker, own_nats: NatsServer) -> None:
    """A service can be stopped during an outage, without an error and without exiting hard."""
    await desk.start()
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    await asyncio.wait_for(desk.stop(), 5)
    assert desk.shutting_down


async def test_stopping_in_the_middle_of_a_connection_attempt(
    new_desk: MakeBroker, own_nats: NatsServer
) -> None:
    """No reconnect task outlives the stop, however busy it was: it would keep the process alive."""
    desk = new_desk()
    desk._connection_kwargs["reconnect_time_wait"] = 0.0
    await desk.start()
    connection = desk.connection
    own_nats.kill()
    with server_with_a_password(own_nats):
        await eventually(lambda: "Authorization Violation" in desk._last_error[0])
        await asyncio.wait_for(desk.stop(), 5)
    assert connection._reconnection_task is None or connection._reconnection_task.done()


async def test_readiness_follows_nats(desk: ServiceBroker, own_nats: NatsServer) -> None:
    """The ping is a round trip: it fails while NATS is away and succeeds after."""
    pings = {"nats": nats_ping(desk)}
    assert (await check(pings, 2))["nats"]["error"] == "ConnectionError: not connected"
    await desk.start()
    assert (await check(pings, 2))["nats"]["ok"]
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    assert not (await check(pings, 2))["nats"]["ok"]
    own_nats.start()
    await eventually(lambda: desk.connection.is_connected)
    assert (await check(pings, 2))["nats"]["ok"]
