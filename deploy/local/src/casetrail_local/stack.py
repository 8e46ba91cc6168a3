"""The embedded stack: real servers and five services, up together and down together."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from casetrail_local import processes
from casetrail_local.binaries import find_mongod, find_nats_server
from casetrail_local.description import Pids, StackDescription
from casetrail_local.errors import NotReady, StackError
from casetrail_local.folder import DataFolder, write_private, write_private_json
from casetrail_local.identity import PHONE_NUMBER_ID, WORKSPACE, Identity, load_or_make
from casetrail_local.nats_users import NatsUsers
from casetrail_local.ports import LOOPBACK
from casetrail_local.progress import Steps
from casetrail_local.ready import nats_answers, prepare_replica_set
from casetrail_local.servers import mongod_command, nats_config
from casetrail_local.services import (
    ANSWERING,
    AUDIT_DATABASE,
    GIVES_WAY,
    SERVICES,
    PortPlan,
    database_url,
    environment,
    plan_ports,
)
from casetrail_local.supervision import Program, Supervisor, log_tail

READY_TIMEOUT = 240.0  # seconds for all five services; a cold disk on a small machine is slow
WATCH_EVERY = 0.3


@dataclass(frozen=True)
class StackOptions:
    """What a person may choose about a stack."""

    data: Path
    port_base: int | None = None
    mongo_url: str | None = None
    nats_url: str | None = None


class Stack:
    """One embedded stack, used as a context manager: entered it is ready, left it is gone."""

    def __init__(
        self,
        options: StackOptions,
        steps: Steps,
        *,
        modules: tuple[str, ...] | None = None,
        streams_module: str | None = "casetrail_runtime.streams",
    ) -> None:
        """Nothing is started yet; tests name stand-in programs with `modules`."""
        self._options = options
        self._steps = steps
        self._modules = modules or tuple(f"casetrail_{name}" for name in SERVICES)
        self._streams_module = streams_module
        self.folder = DataFolder.at(options.data)
        self._supervisor: Supervisor | None = None
        self._described: StackDescription | None = None
        self._remembered: dict[str, int] = {}
        self._closing = contextlib.ExitStack()
        self._over = threading.Event()
        self._fault: StackError | None = None
        self._watcher = threading.Thread(target=self._watch, name="stack-watch", daemon=True)

    @property
    def description(self) -> StackDescription:
        """What `stack.json` says now."""
        if self._described is None:
            raise StackError("The stack is not up.")
        return self._described

    def __enter__(self) -> Self:
        """The stack, ready, with its `stack.json` written; after a failure nothing is left."""
        self._closing.enter_context(self.folder.lock())
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def wait(self) -> None:
        """Returns never while all is well; raises when the process manager itself is gone."""
        self._over.wait()
        if self._fault is not None:
            raise self._fault

    def _watch(self) -> None:
        try:
            while not self._over.wait(WATCH_EVERY):
                self.refresh()
        except (StackError, OSError, http.client.HTTPException) as fault:
            self._fault = StackError(f"The stack ended by itself: {fault}")
            self._over.set()

    def refresh(self) -> None:
        """Writes down the present process ids when one has changed."""
        if self._supervisor is None or self._supervisor.pid is None:
            raise StackError(f"supervisord is gone; see {self.folder.log('supervisord')}.")
        now = self._pids(self._supervisor)
        if self._described is not None and now != self._described.pids:
            self._described = self._described.model_copy(update={"pids": now})
            self._described.write(self.folder.description)

    def _start(self) -> None:
        options, steps = self._options, self._steps
        left = processes.remembered(self.folder.processes)
        if any(process.alive for process in left):
            with steps.step("ending what an earlier run left behind"):
                processes.end_all(left)
        self.folder.description.unlink(missing_ok=True)
        identity = load_or_make(self.folder)
        servers = [
            name
            for name, given in (("nats", options.nats_url), ("mongo", options.mongo_url))
            if given is None
        ]
        plan = plan_ports((*reversed(SERVICES), *servers), options.port_base)
        for note in plan.notes:
            steps.say(f"  ! {note}")
        users = None if options.nats_url else NatsUsers.load_or_make(self.folder)
        nats_url = options.nats_url or f"nats://{LOOPBACK}:{plan.ports['nats']}"
        mongo_url = options.mongo_url or (
            f"mongodb://{LOOPBACK}:{plan.ports['mongo']}/?replicaSet=rs0"
        )
        programs = self._programs(
            identity, plan, servers, users=users, nats_url=nats_url, mongo_url=mongo_url
        )
        self._supervisor = Supervisor(self.folder, programs, SERVICES)
        with steps.step("starting the process manager (supervisord)"):
            self._supervisor.launch()
            self._pids(self._supervisor)
        self._start_servers(self._supervisor, plan, servers)
        if self._streams_module is not None:
            with steps.step("declaring streams and durable consumers"):
                self._apply_streams(self._streams_module, nats_url, users)
        self._start_services(self._supervisor, plan)
        self._described = StackDescription(
            gateway_url=plan.url("gateway"),
            ingest_url=plan.url("ingest"),
            nats_url=nats_url if users is None else users.operator_url(nats_url),
            mongo_url=database_url(mongo_url, AUDIT_DATABASE),
            workspace=WORKSPACE,
            phone_number_id=PHONE_NUMBER_ID,
            app_secret=identity.app_secret,
            verify_token=identity.verify_token,
            tokens=identity.tokens,
            pids=self._pids(self._supervisor),
        )
        write_private_json(self.folder.addresses, {name: plan.url(name) for name in SERVICES})
        self._described.write(self.folder.description)
        self._watcher.start()

    def _stop(self) -> None:
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        try:
            if self._supervisor is not None:
                with self._steps.step("stopping the services, then the servers"):
                    self._supervisor.stop()
                    processes.end_all(processes.remembered(self.folder.processes))
            self.folder.description.unlink(missing_ok=True)
            self.folder.processes.unlink(missing_ok=True)
        finally:
            self._supervisor = None
            self._described = None
            self._closing.close()

    def _programs(
        self,
        identity: Identity,
        plan: PortPlan,
        servers: list[str],
        *,
        users: NatsUsers | None,
        nats_url: str,
        mongo_url: str,
    ) -> list[Program]:
        programs = []
        if "nats" in servers:
            store = self.folder.root / "nats" / "jetstream"
            allowed = "" if users is None else users.config()
            config = nats_config(store, plan.ports["nats"], more=allowed)
            write_private(self.folder.nats_config, config)
            command = [str(find_nats_server()), "-c", str(self.folder.nats_config)]
            programs.append(Program("nats", command, priority=20))
        if "mongo" in servers:
            database = self.folder.root / "mongo"
            command = mongod_command(find_mongod(), database, plan.ports["mongo"])
            programs.append(Program("mongo", command, priority=10, stop_within=30))
        for number, (name, module) in enumerate(zip(SERVICES, self._modules, strict=True)):
            variables = environment(
                name,
                identity=identity,
                folder=self.folder,
                plan=plan,
                nats_url=nats_url,
                mongo_url=mongo_url,
            )
            if users is not None:
                variables[f"{name.upper()}_NATS_NKEY_FILE"] = str(users.seed_file(name))
            command = [sys.executable, "-m", module]
            programs.append(
                Program(
                    name,
                    command,
                    priority=500 + number,
                    environment=variables,
                    niceness=0 if name in ANSWERING else GIVES_WAY,
                )
            )
        return programs

    def _start_servers(self, supervisor: Supervisor, plan: PortPlan, servers: list[str]) -> None:
        for name in servers:
            supervisor.start(name)
        if "nats" in servers:
            with self._steps.step(f"NATS with JetStream on port {plan.ports['nats']}"):
                deadline = time.monotonic() + READY_TIMEOUT
                while not nats_answers(LOOPBACK, plan.ports["nats"]):
                    self._not_ready_yet(supervisor, "nats", deadline)
        if "mongo" in servers:
            with self._steps.step(f"MongoDB replica set on port {plan.ports['mongo']}"):
                prepare_replica_set(
                    plan.ports["mongo"],
                    deadline=time.monotonic() + READY_TIMEOUT,
                    still_alive=lambda: supervisor.fail_if_ended("mongo"),
                )
        self._pids(supervisor)

    def _apply_streams(self, module: str, nats_url: str, users: NatsUsers | None) -> None:
        command = [sys.executable, "-m", module, "apply", "--nats-url", nats_url]
        if users is not None:
            command += ["--nkey-file", str(users.seed_file("streams"))]
        extra = os.environ.get("AUDIT_EXTRA_SUBJECTS")
        if extra:
            command += ["--extra-subjects", extra]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder.root
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()
            raise StackError(f"The streams could not be declared:\n{said}")

    def _start_services(self, supervisor: Supervisor, plan: PortPlan) -> None:
        for name in SERVICES:
            supervisor.start(name)
        self._pids(supervisor)
        deadline = time.monotonic() + READY_TIMEOUT
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            for name in SERVICES:
                with self._steps.step(f"{name} on port {plan.ports[name]}"):
                    while not _ready(client, f"{plan.url(name)}/readyz"):
                        self._not_ready_yet(supervisor, name, deadline)

    def _not_ready_yet(self, supervisor: Supervisor, name: str, deadline: float) -> None:
        supervisor.fail_if_ended(name)
        if time.monotonic() > deadline:
            raise NotReady(
                f"{name} runs but is not ready after {READY_TIMEOUT:.0f} s. The end of its log "
                f"{self.folder.log(name)}:\n{log_tail(self.folder, name)}"
            )
        time.sleep(0.05)

    def _pids(self, supervisor: Supervisor) -> Pids:
        """The present process ids, which are also written down for a later run to clean up."""
        running = {name: pid for name, (_, pid) in supervisor.states().items() if pid is not None}
        if supervisor.pid is not None:
            running[processes.SUPERVISOR] = supervisor.pid
        if running != self._remembered:
            processes.remember(self.folder.processes, running)
            self._remembered = running
        return Pids(**{name: running.get(name) for name in Pids.model_fields})


def _ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
