"""The embedded stack on simulated time, with a second replica of routing and of tickets."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
from casetrail_local.description import StackDescription
from casetrail_local.folder import DataFolder
from casetrail_local.identity import Identity, load_or_make
from casetrail_local.ports import free_port
from casetrail_local.progress import Steps
from casetrail_local.services import SERVICES, PortPlan, environment
from casetrail_local.stack import Stack, StackOptions

from tests.simulation.clock import VARIABLE, SharedClock
from tests.simulation.plan import BEGINS

ROOT: Final = Path(__file__).resolve().parents[2]
LEVELS: Final = Path(__file__).with_name("service_levels.yaml")
ON_SIMULATED_TIME: Final = ("routing", "tickets", "gateway")
REPLICATED: Final = ("routing", "tickets")
READY_WITHIN: Final = 120.0


class Replica:
    """A second process of a service, on a port of its own; started again after a kill."""

    def __init__(self, name: str, variables: dict[str, str], log: Path) -> None:
        self.name = name
        self._variables = variables
        self._log = log
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tests.simulation.processes.{self.name}"],
                cwd=ROOT,
                env={**os.environ, **self._variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Returns when it serves."""
        port = self._variables[f"{self.name.upper()}_PORT"]
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                    return
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            time.sleep(0.1)
        raise AssertionError(f"the second {self.name} is not ready: see {self._log}")

    def kill(self) -> None:
        """Ended by SIGKILL, and started again."""
        self._process.kill()
        self._process.wait()
        self._start()

    def tend(self) -> None:
        """A new start when it has ended, as a service does that cannot reach its servers."""
        if self._process.poll() is not None:
            self._start()

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class House:
    """Everything that runs."""

    def __init__(self, stack: Stack, clock: SharedClock, replicas: list[Replica]) -> None:
        self._stack = stack
        self.clock = clock
        self._replicas = {f"{replica.name}-2": replica for replica in replicas}

    @property
    def description(self) -> StackDescription:
        """How the stack describes itself now."""
        return StackDescription.read(self._stack.folder.description)

    @property
    def identity(self) -> Identity:
        """The secrets of the stack."""
        return load_or_make(self._stack.folder)

    @property
    def tokens(self) -> Path:
        """The gateway's file of tokens."""
        return self._stack.folder.tokens

    def tend(self) -> None:
        """The second replicas are kept up, as the process manager keeps the others."""
        for replica in self._replicas.values():
            replica.tend()

    def kill(self, name: str) -> None:
        """Kill -9 of one process; it is started again at once."""
        replica = self._replicas.get(name)
        if replica is not None:
            replica.kill()
            return
        pid = getattr(self.description.pids, name)
        if isinstance(pid, int):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def running_house(folder: Path, steps: Steps) -> Iterator[House]:
    """The house, ready; at the end nothing of it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "simulated-clock"
    clock = SharedClock.made(file, BEGINS)
    variables = {
        VARIABLE: str(file),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "TICKETS_SERVICE_LEVELS_FILE": str(LEVELS),
        "TICKETS_DUE_EVERY": "0.5",
        "GATEWAY_RATE_LIMIT": "0",
    }
    modules = tuple(
        f"tests.simulation.processes.{name}" if name in ON_SIMULATED_TIME else f"casetrail_{name}"
        for name in SERVICES
    )
    with contextlib.ExitStack() as closing:
        closing.enter_context(_environment(variables))
        stack = closing.enter_context(Stack(StackOptions(folder), steps, modules=modules))
        replicas = []
        for name in REPLICATED:
            replica = _replica(stack, name)
            closing.callback(replica.stop)
            replica.wait_until_ready()
            replicas.append(replica)
        yield House(stack, clock, replicas)


def _replica(stack: Stack, name: str) -> Replica:
    folder: DataFolder = stack.folder
    described = StackDescription.read(folder.description)
    plan = PortPlan({name: free_port()})
    variables = environment(
        name,
        identity=load_or_make(folder),
        folder=folder,
        plan=plan,
        nats_url=described.nats_url,
        mongo_url=described.mongo_url,
    )
    return Replica(name, variables, folder.log(f"{name}-2"))


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """These variables for what is started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
