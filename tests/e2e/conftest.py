"""A whole stack as processes: what a person gets from `casetrail up`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from casetrail_local.description import StackDescription
from casetrail_local.folder import DataFolder
from casetrail_local.identity import Identity, load_or_make
from casetrail_local.ports import free_port, is_free
from casetrail_local.progress import Steps
from casetrail_local.services import STANDARD_PORTS
from casetrail_local.story import Story
from rich.console import Console

READY_WITHIN = 300
STOP_WITHIN = 120
LAST_LINES = 60


@contextmanager
def running_stack(
    folder: Path, environment: Mapping[str, str] = os.environ
) -> Iterator["RunningStack"]:
    """A stack with its data in `folder`, on free ports of its own; stopped at the end.

    Two that start at the same moment would both find the standard ports free. `environment` is
    what it starts with, its code for one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "up.log"
    command = [sys.executable, "-m", "casetrail_local.cli", "up", "--data", str(folder)]
    command += ["--port-base", str(free_ports())]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**environment, "NO_COLOR": "1"}
        )
    try:
        yield RunningStack(folder, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_WITHIN)


def free_ports() -> int:
    """Where a row of ports begins that nobody listens on."""
    while True:
        base = free_port()
        if all(is_free(port) for port in range(base, base + len(STANDARD_PORTS))):
            return base


class RunningStack:
    """A stack and what a test does with it."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
        self.folder = folder
        self.moved: dict[str, str] = {}
        """Parts of the description that a test has put elsewhere."""
        self._process = process
        self._log = log
        self._wait_until_described()

    def _wait_until_described(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not (self.folder / "stack.json").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the stack did not start:\n{self._log.read_text()}")
            time.sleep(0.1)

    @property
    def description(self) -> StackDescription:
        """How the stack describes itself now; the process ids change with a restart."""
        described = StackDescription.read(self.folder / "stack.json")
        return described.model_copy(update=self.moved)

    def story(self) -> Story:
        """The story, ready to be played by another customer."""
        return Story(self.description, self.identity(), Steps(Console(quiet=True)))

    def identity(self) -> Identity:
        """The secrets of the stack."""
        return load_or_make(DataFolder.at(self.folder))

    def kill(self, name: str) -> int:
        """The pid of the process that was ended with SIGKILL."""
        pid = getattr(self.description.pids, name)
        assert isinstance(pid, int), f"{name} is not running"
        os.kill(pid, signal.SIGKILL)
        return pid

    def last_words(self) -> str:
        """The end of every log of the stack, for whoever reads why a test failed."""
        logs = sorted(self.folder.rglob("*.log"))
        ends = (log.read_text(errors="replace").splitlines()[-LAST_LINES:] for log in logs)
        return "\n".join(
            f"== {log.name}\n" + "\n".join(end) for log, end in zip(logs, ends, strict=True)
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack for the tests of a file."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test is reported with what its stack said last."""
    report = yield
    running = getattr(item, "funcargs", {}).get("stack")
    if report.when == "call" and report.failed and isinstance(running, RunningStack):
        report.sections.append(("the stack's logs", running.last_words()))
    return report
