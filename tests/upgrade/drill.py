"""A rolling change from one revision to another, a service at a time, while people work."""

import asyncio
import os
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casetrail_local.folder import DataFolder, write_private
from casetrail_local.nats_users import NatsUsers
from casetrail_local.ports import LOOPBACK
from casetrail_local.servers import nats_config
from supervisor.xmlrpc import SupervisorTransport

from tests.e2e.conftest import RunningStack, running_stack
from tests.restore.drill import fsck, saved_checkpoint, stories_are_whole
from tests.restore.load import Load
from tests.support.invariants import Inspector
from tests.support.waiting import eventually
from tests.upgrade.replicas import Replica

ORDER: Final = ("audit", "tickets", "routing", "ingest", "gateway")
MIGRATED: Final = ("audit", "routing")
"""Services with migrations."""
SETTLED_WITHIN: Final = 120.0


@dataclass
class Rolled:
    """What was done meanwhile; `faults` are what did not hold."""

    accepted: int = 0
    stories: int = 0
    records: int = 0
    faults: list[str] = field(default_factory=list)


async def rolled(
    folder: Path,
    old: Mapping[str, str],
    new: Mapping[str, str],
    *,
    beside: float,
    back: bool = False,
) -> Rolled:
    """Each service in two revisions side by side for so many seconds, then in the new one alone.

    On the way `back` streams and users of NATS stay as the newer revision made them.
    """
    seen = Rolled()
    async with AsyncExitStack() as ends:
        stack = ends.enter_context(running_stack(folder / "stack", environment=old))
        await asyncio.to_thread(stack.story().play)
        checkpoint = saved_checkpoint(stack, folder / "before.checkpoint")
        load = ends.enter_context(Load(stack))
        await asyncio.sleep(beside)
        if not back:
            before_services(stack, new)
            migrated(stack, new)
        for service in ORDER:
            print(f"upgrade: {service} in both revisions", file=sys.stderr, flush=True)
            pid = getattr(stack.description.pids, service)
            replica = Replica(service, pid, new, folder / service)
            ends.callback(replica.stop)
            await asyncio.to_thread(replica.wait_until_ready)
            if service in {"ingest", "gateway"}:
                stack.moved[f"{service}_url"] = replica.url
            await asyncio.sleep(beside)
            stop_old(stack, service)
            await asyncio.sleep(beside / 2)
        if not back:
            migrated(stack, new)  # what the old replicas wrote since
            run(stack, new, "audit", "rebuild-views")  # they folded some events otherwise
        await asyncio.to_thread(load.stop)
        seen.accepted, seen.stories = len(load.accepted), len(load.stories)
        seen.faults += load.faults
        await _judge(seen, stack, load, checkpoint, new)
    return seen


def before_services(stack: RunningStack, new: Mapping[str, str]) -> None:
    """What an upgrade does first: the users of NATS and the streams as the new revision has them.

    Changes are such that the old one goes on; `streams apply` refuses any other.
    """
    folder, description = DataFolder.at(stack.folder), stack.description
    port = int(description.nats_url.rpartition(":")[2])
    command = [sys.executable, "-m", "casetrail_runtime.streams", "apply"]
    command += ["--nats-url", f"nats://{LOOPBACK}:{port}"]
    if folder.nats_keys.exists():  # there were revisions before NATS had users
        users, store = NatsUsers.load_or_make(folder), folder.root / "nats" / "jetstream"
        write_private(folder.nats_config, nats_config(store, port, more=users.config()))
        assert description.pids.nats is not None
        os.kill(description.pids.nats, signal.SIGHUP)
        command += ["--nkey-file", str(users.seed_file("streams"))]
    done = subprocess.run(command, env=dict(new), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


def migrated(stack: RunningStack, new: Mapping[str, str]) -> None:
    """What is stored has the form of the new revision; raises with the job's words when not."""
    for service in MIGRATED:
        run(stack, new, service, "migrate")


def run(stack: RunningStack, code: Mapping[str, str], service: str, job: str) -> None:
    """One job of a service, with the code of a revision; raises with its words when it fails."""
    prefix, base = service.upper(), stack.description.mongo_url
    settings = {
        f"{prefix}_MONGO_URL": base.replace("/casetrail_audit", f"/casetrail_{service}"),
        f"{prefix}_NATS_URL": stack.description.nats_url,
        f"{prefix}_WORKSPACE_KEY": stack.identity().workspace_key,
        "AUDIT_SIGNING_KEY": stack.identity().signing_key,
    }
    command = [sys.executable, "-m", f"casetrail_{service}", job]
    environment = {**code, **settings}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(f"upgrade: {done.stdout.strip()}", file=sys.stderr, flush=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


def stop_old(stack: RunningStack, service: str) -> None:
    """The supervisor's process ends in order, and is not started again."""
    address = f"unix://{DataFolder.at(stack.folder).supervisor_socket}"
    transport = SupervisorTransport(None, None, address)  # type: ignore[no-untyped-call]
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
        proxy.supervisor.stopProcess(f"services:{service}", True)


async def _judge(
    seen: Rolled, stack: RunningStack, load: Load, checkpoint: Path, new: Mapping[str, str]
) -> None:
    """I1, I3, I4, I5 and I6, stories whole, the log one tree across both revisions."""
    async with Inspector(stack.description) as inspector:
        await eventually(inspector.settled, within=SETTLED_WITHIN)
        try:
            await inspector.check()
        except AssertionError as broken:
            seen.faults.append(f"an invariant is broken: {broken}")
        received = await inspector.records(action="message.received", kind="event")
        lost = load.accepted.keys() - {record["private"]["wamid"] for record in received}
        if lost:
            seen.faults.append(f"{len(lost)} accepted messages have no record")
        seen.records = await inspector.last_seq()
    seen.faults += stories_are_whole(stack, load.stories)
    if said := fsck(stack, checkpoint):
        seen.faults.append(f"the log is not one: {said}")
    seen.faults += await asyncio.to_thread(_rebuilt, stack, new)


def _rebuilt(stack: RunningStack, new: Mapping[str, str]) -> list[str]:
    """INVARIANT I6 across revisions: events of both give the same log with the new code alone."""
    command = [sys.executable, "-m", "casetrail_local.cli", "audit", "rebuild"]
    command += ["--into", "casetrail_audit_shadow", "--data", str(stack.folder)]
    done = subprocess.run(command, env=dict(new), capture_output=True, text=True, check=False)
    said = done.stdout[-800:] + done.stderr[-400:]
    return [] if done.returncode == 0 else [f"a rebuild by the new revision differs: {said}"]
