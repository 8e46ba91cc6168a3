"""Loopback ports: which are free, and who holds one that is not."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

from casetrail_local.errors import PortTaken

LOOPBACK = "127.0.0.1"
# Below the range systems take outgoing ports from, so that nobody's client socket sits on a port
# between one start of a server and the next.
FREE_RANGE = range(12_000, 32_000)


def is_free(port: int) -> bool:
    """True when a server can listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(avoid: frozenset[int] = frozenset()) -> int:
    """A loopback port nobody listens on, outside `avoid`."""
    chooser = random.SystemRandom()
    for _ in range(200):
        port = chooser.choice(FREE_RANGE)
        if port not in avoid and is_free(port):
            return port
    raise PortTaken(
        f"No free port was found between {FREE_RANGE.start} and {FREE_RANGE.stop}: "
        "close some programs, or give --port-base."
    )


def holder(port: int) -> str | None:
    """Who listens on a port, as `name (pid 12)`, or None when this user may not know."""
    pid = _listener_from_proc(port) if Path("/proc/net/tcp").exists() else _listener_from_lsof(port)
    if pid is None:
        return None
    name = ""
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    return f"{name or 'a program'} (pid {pid})"


def _listener_from_proc(port: int) -> int | None:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                listening = columns[3] == "0A"
                if listening and int(columns[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{columns[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if str(descriptor.readlink()) in inodes:
                    return int(process.name)
    return None


def _listener_from_lsof(port: int) -> int | None:
    lsof = shutil.which("lsof")
    if lsof is None or os.name != "posix":
        return None
    shown = subprocess.run(
        [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t"],
        capture_output=True,
        text=True,
        check=False,
    )
    first = shown.stdout.split()
    return int(first[0]) if first else None
