"""What can happen to a cluster, one fault each. Everything is put right again by whoever ran it."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.cluster.house import House
from tests.cluster.nodes import Node

Fault = Callable[[House], Awaitable[None]]

DOWN: Final = 4.0
"""Seconds something stays away that comes back soon."""
LONG: Final = 30.0
"""Seconds a host is out of reach: longer than clients take to notice a silent connection."""
NOTICED: Final = 12.0


async def _gone(node: Node, seconds: float = DOWN) -> None:
    await asyncio.to_thread(node.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(node.start)


async def leaders_killed(house: House) -> None:
    """`kill -9` of the stream's leader and of MongoDB's primary, twice, one after the other."""
    for _ in range(2):
        await _gone(await house.stream_leader())
        await _gone(await house.primary())
        await house.keep_up()


async def both_leaders_killed_at_once(house: House) -> None:
    """`kill -9` of the stream's leader and MongoDB's primary in the same moment."""
    leader, primary = await house.stream_leader(), await house.primary()
    await asyncio.gather(_gone(leader), _gone(primary))
    await house.keep_up()


async def majority_killed(house: House) -> None:
    """Two of three of each are killed: nothing is acknowledged until they are back."""
    await asyncio.gather(*(_gone(node, 6) for node in (*house.nats[:2], *house.mongo[:2])))
    await house.keep_up()


async def leaders_frozen(house: House) -> None:
    """The leader and the primary hold their connections and say nothing (SIGSTOP)."""
    leader, primary = await house.stream_leader(), await house.primary()
    leader.freeze()
    primary.freeze()
    await asyncio.sleep(NOTICED)
    leader.thaw()
    primary.thaw()
    await house.keep_up()


async def rolling_restart(house: House) -> None:
    """Each server and each recorder once, one at a time, as an upgrade does it."""
    for node in house.nodes:
        await asyncio.to_thread(node.stop)
        await asyncio.to_thread(node.start)
        await house.together()
    for recorder in house.recorders:
        await recorder.kill()
        await recorder.start()
        await asyncio.sleep(2)


async def host_isolated(house: House) -> None:
    """The cable of the host of the stream's leader is pulled; its mongod goes with it."""
    network = house.network
    assert network is not None
    leader = await house.stream_leader()
    host = f"host-{house.nats.index(leader)}"
    network.isolate(host)
    await asyncio.sleep(LONG)
    network.rejoin(host)
    await house.keep_up()


async def peers_cut(house: House) -> None:
    """The host of both leader and primary hears its peers no more; clients still reach it."""
    network = house.network
    assert network is not None
    number = house.mongo.index(await house.primary())
    await house.lead_with(house.nats[number])
    network.cut(f"host-{number}", [f"host-{n}" for n in range(len(house.nats)) if n != number])
    await asyncio.sleep(LONG)
    network.heal()
    await house.keep_up()


async def disk_full(house: House) -> None:
    """The disk of one host has no byte left, under the leader's stream and a mongod's data."""
    leader = await house.stream_leader()
    nodes = (leader, house.mongo[house.nats.index(leader)])
    for node in nodes:
        await asyncio.to_thread(node.stop)
        _small_disk(node.folder)
        await asyncio.to_thread(node.start)
    await house.together()
    await house.lead_with(leader)
    ballast = [_fill(node.folder) for node in nodes]
    await asyncio.sleep(NOTICED)
    felt = [node.name for node in nodes if "no space left" in node.words().lower()]
    assert leader.name in felt, f"nobody felt the full disk but {felt}"
    for file in ballast:
        file.unlink()
    for node in nodes:  # a server that met a full disk is started again
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
    await house.keep_up()


def _small_disk(folder: Path) -> None:
    """The folder on a disk of its own, as big as what is in it and half as much again."""
    here = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
    moved = folder.with_name(f"{folder.name}.moved")
    folder.rename(moved)
    folder.mkdir()
    size = int(here * 1.5) + 64 * 1024 * 1024
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    subprocess.run(["cp", "-a", f"{moved}/.", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        chunk = bytes(1024 * 1024)
        try:
            while True:
                file.write(chunk)
                file.flush()
        except OSError:
            pass
        try:
            while True:
                os.write(file.fileno(), b"\0" * 512)
        except OSError:
            pass
    return ballast


async def clocks_stepped(house: House) -> None:
    """The clocks of one recorder and one mongod jump an hour ahead, then two hours back."""
    for step in ("+3600", "-3600", "+0"):
        house.clock.write_text(f"{step}\n")
        await asyncio.sleep(8)
        now = await asyncio.to_thread(house.mongo[0].clock)
        off = (now - datetime.now(UTC)).total_seconds()
        assert abs(off - int(step)) < 60, f"{step} asked, and its clock is off by {off:.0f} s"
    await house.keep_up()


ON_LOOPBACK: Final[Mapping[str, Fault]] = {
    "leaders killed": leaders_killed,
    "both leaders killed at once": both_leaders_killed_at_once,
    "majority killed": majority_killed,
    "leaders frozen": leaders_frozen,
    "rolling restart": rolling_restart,
}
IN_NAMESPACES: Final[Mapping[str, Fault]] = {
    "host isolated": host_isolated,
    "leader cut off from its peers": peers_cut,
    "disk full": disk_full,
    "clocks stepped": clocks_stepped,
}
