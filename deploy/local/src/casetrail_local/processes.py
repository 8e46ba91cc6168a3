"""The processes a stack started: remembered so surely that a later start may end them.

A process id alone is not enough, as the system gives it to somebody else sooner or later. With the
moment the process started it names one process for good.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casetrail_local.folder import write_private_json

SUPERVISOR = "supervisord"


@dataclass(frozen=True)
class Started:
    """One process this stack started."""

    name: str
    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """True when exactly this process still runs."""
        return birth(self.pid) == self.born


def birth(pid: int) -> str | None:
    """What tells this process from every other with the same id, or None when there is none."""
    if Path("/proc/self/stat").exists():
        return _birth_from_proc(pid)
    ps = shutil.which("ps")
    if ps is None:
        return None
    shown = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None


def _birth_from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    zombie = fields[0] == "Z"
    return None if zombie else f"{boot}:{fields[19]}"


def remember(path: Path, pids: Mapping[str, int]) -> None:
    """Writes down which processes are ours, name by name."""
    started = [
        {"name": name, "pid": pid, "born": born}
        for name, pid in pids.items()
        if (born := birth(pid)) is not None
    ]
    write_private_json(path, started)


def remembered(path: Path) -> list[Started]:
    """The processes written down by the last run; none when there is no such file."""
    try:
        return [Started(**entry) for entry in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []


def end_all(started: Sequence[Started], *, patience: float = 30.0) -> list[str]:
    """The names of those that still ran; all are gone when this returns.

    supervisord goes first, because it ends its own programs in the right order and would bring
    back any that was ended behind its back.
    """
    ended = []
    ordered = sorted(started, key=lambda process: process.name != SUPERVISOR)
    for process in ordered:
        if process.alive:
            ended.append(process.name)
            _end(process, patience)
    return ended


def _end(process: Started, patience: float) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not process.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        deadline = time.monotonic() + patience
        while process.alive and time.monotonic() < deadline:
            time.sleep(0.05)
