"""A backup taken while everything runs, the loss of everything, and what is there again.

The backup is what a snapshot of all volumes at one moment is: the servers are held still for as
long as their files are copied. It is no more orderly than a power cut, which is what every test
with `kill -9` is about, and needs nothing from the programs themselves.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casetrail_audit.sealing.signing import signer_key
from casetrail_local.five_rows import missing_rows
from casetrail_local.gateway import Gateway
from casetrail_local.processes import SUPERVISOR, remembered
from casetrail_local.story import Told

from tests.e2e.conftest import RunningStack, running_stack
from tests.restore.load import Load
from tests.support.invariants import Inspector
from tests.support.waiting import eventually

SETTLED_WITHIN: Final = 180.0


@dataclass
class Drill:
    """The figures of a drill; `faults` are what did not hold."""

    backup_bytes: int = 0
    held_still: float = 0.0
    """Seconds the servers answered nobody."""
    accepted_before: int = 0
    lost: int = 0
    """Messages answered 200 after the backup; they are gone, as they must be."""
    lost_seconds: float = 0.0
    """Between the backup and the loss."""
    ready: float = 0.0
    """Seconds from the first byte copied back until every service is ready."""
    whole: float = 0.0
    """Seconds until everything in the stream is recorded, folded and published too."""
    records: int = 0
    rebuild: float = 0.0
    """Seconds in which the log was made again from the stream alone, and compared."""
    faults: list[str] = field(default_factory=list)

    def require(self, fault: str, *, holds: bool) -> None:
        """Notes a fault unless it holds."""
        if not holds:
            self.faults.append(fault)


async def drilled(folder: Path, *, before: float, after: float) -> Drill:
    """Load for `before` seconds, a backup under it, `after` seconds more, the loss, the return."""
    drill = Drill()
    live, backup, restored = folder / "live", folder / "backup", folder / "restored"
    with running_stack(live) as stack, Load(stack) as load:
        await asyncio.sleep(before)
        early, told = dict(load.accepted), list(load.stories)
        checkpoint = saved_checkpoint(stack, folder / "before.checkpoint")
        with held_still(live) as still:
            early = dict(load.accepted) | early
            shutil.copytree(live, backup, ignore=_sockets)
        drill.held_still, taken = still.seconds, time.monotonic()
        await asyncio.sleep(after)
        late = saved_checkpoint(stack, folder / "after.checkpoint")
        load.expect_the_end()
        lost_at = time.monotonic()
        destroy(live)
        load.stop()
        drill.faults += load.faults
    drill.accepted_before, drill.lost_seconds = len(early), lost_at - taken
    drill.lost = len(load.accepted) - len(early)
    drill.backup_bytes = sum(path.stat().st_size for path in backup.rglob("*") if path.is_file())

    began = time.monotonic()
    shutil.copytree(backup, restored)
    with running_stack(restored) as stack:
        drill.ready = time.monotonic() - began
        async with Inspector(stack.description) as inspector:
            await eventually(inspector.settled, within=SETTLED_WITHIN)
            drill.whole = time.monotonic() - began
            await _keeps(drill, inspector, early)
        _tells(drill, stack, told, checkpoint, late)
        again = stack.story().play()
        drill.require(
            "a new story is not whole", holds=not missing_rows(again.timeline, again.ticket_id)
        )
        async with Inspector(stack.description) as inspector:
            await eventually(inspector.settled, within=SETTLED_WITHIN)
            await inspector.check()
            drill.records = await inspector.last_seq()
        _rebuilt(drill, stack)
    return drill


async def _keeps(drill: Drill, inspector: Inspector, early: dict[str, float]) -> None:
    """INVARIANT I1: what was answered 200 before the backup has its one record."""
    await inspector.check()
    received = await inspector.records(action="message.received", kind="event")
    there = {record["private"]["wamid"] for record in received}
    missing = early.keys() - there
    drill.require(f"{len(missing)} messages accepted before the backup are gone", holds=not missing)


def _tells(drill: Drill, stack: RunningStack, told: list[Told], before: Path, late: Path) -> None:
    """Cases read as they did, and the log proves what it lost and what it did not."""
    drill.faults += stories_are_whole(stack, told)
    said = fsck(stack, before)
    drill.require(f"the log is not the one before the backup: {said}", holds=said == "")
    said = fsck(stack, late)
    drill.require("the loss does not show against a later checkpoint", holds=said != "")


def stories_are_whole(stack: RunningStack, told: list[Told]) -> list[str]:
    """What is missing of these stories, a sentence each."""
    faults = []
    with Gateway(stack.description.gateway_url, stack.description.tokens.reviewer) as reviewer:
        for story in told:
            timeline = reviewer.get(f"/v1/cases/{story.case_id}/timeline", limit=200)
            if missing := missing_rows(timeline, story.ticket_id):
                faults.append(f"{story.case_id} lacks {missing}")
    return faults


def _rebuilt(drill: Drill, stack: RunningStack) -> None:
    """INVARIANT I6: made from the restored stream, the log is the restored log."""
    command = [sys.executable, "-m", "casetrail_local.cli", "audit", "rebuild"]
    command += ["--into", "casetrail_audit_shadow", "--data", str(stack.folder)]
    began = time.monotonic()
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    drill.rebuild = time.monotonic() - began
    drill.require(f"a rebuild differs: {done.stdout[-500:]}", holds=done.returncode == 0)


def fsck(stack: RunningStack, earlier: Path) -> str:
    """Nothing when the whole log holds and extends this checkpoint, else what is wrong with it."""
    done = _verify(stack, "--earlier", str(earlier))
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def saved_checkpoint(stack: RunningStack, path: Path) -> Path:
    """The checkpoint of the log as it is now, checked and kept in this file."""
    done = _verify(stack, "--save", str(path))
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return path


def _verify(stack: RunningStack, *more: str) -> "subprocess.CompletedProcess[str]":
    url, key = stack.description.gateway_url, signer_key(stack.identity().signing_key).verifier
    command = [sys.executable, "-m", "casetrail_evidence", "fsck", url, "--quiet"]
    command += ["--key", str(key), *more]
    return subprocess.run(command, check=False, text=True, capture_output=True)


@dataclass
class Still:
    """How long it took."""

    seconds: float = 0.0


@contextmanager
def held_still(data: Path) -> Iterator[Still]:
    """Every process of a stack stopped where it is; they go on afterwards as if nothing was.

    Not at one instant, and that is no harm: what a server has seen of another it saw before that
    one was stopped.
    """
    still, began = Still(), time.monotonic()
    processes = remembered(data / "processes.json")
    try:
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)
        yield still
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        still.seconds = time.monotonic() - began


def destroy(data: Path) -> None:
    """The machine is gone: `kill -9` of everything, and of the data nothing is left."""
    processes = remembered(data / "processes.json")
    for process in sorted(processes, key=lambda process: process.name != SUPERVISOR):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    for name in ("nats", "mongo", "spool"):
        shutil.rmtree(data / name, ignore_errors=True)


def _sockets(folder: str, names: list[str]) -> set[str]:
    """What cannot be copied, and what says that a stack runs here."""
    return {n for n in names if (Path(folder) / n).is_socket() or n in {"stack.json", "lock"}}
