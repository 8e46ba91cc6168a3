"""The embedded stack under supervisord, with real servers and stand-in services.

Every stack here is a program of its own, as `casetrail up` is, so that it can be told to stop, or
killed, like one.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_local.ports import LOOPBACK, free_port, is_free
from casetrail_local.processes import birth
from casetrail_local.waiting import until

pytestmark = pytest.mark.servers

HERE = Path(__file__).parent
PROGRAMS = {"nats", "mongo", "ingest", "routing", "tickets", "audit", "gateway"}


class Running:
    """One stack program and its data folder."""

    def __init__(self, data: Path, port_base: int, **variables: str) -> None:
        self.data = data
        self.output = data.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "run_standins.py"), str(data), str(port_base)],
                env=os.environ | {"PYTHONPATH": str(HERE)} | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def up(self) -> dict[str, Any]:
        """What stack.json says, once it is there."""

        def described() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.output.read_text()
            with suppress(FileNotFoundError):
                return dict(json.loads((self.data / "stack.json").read_text()))
            return None

        return until(described, what="stack.json", within=60)

    def pids(self) -> dict[str, int]:
        """Every process the stack wrote down, supervisord too."""
        entries = json.loads((self.data / "processes.json").read_text())
        return {entry["name"]: entry["pid"] for entry in entries}

    def ended(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(90)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts stacks, each in a folder of its own unless one is named; ends what a test left."""
    stacks: list[Running] = []

    def start_one(data: Path | None = None, base: int | None = None, **variables: str) -> Running:
        folder = data or tmp_path / f"stack{len(stacks)}"
        running = Running(folder, base or port_base(), **variables)
        stacks.append(running)
        return running

    yield start_one
    for running in stacks:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(90)


def port_base() -> int:
    """A base with seven free ports."""
    return until(
        lambda: next(
            (base for base in [free_port()] if all(is_free(base + n) for n in range(7))), None
        ),
        what="seven free ports",
    )


def gone(pids: dict[str, int]) -> bool | None:
    """True when none of the processes is there any more, else None: ask again."""
    return True if all(birth(pid) is None for pid in pids.values()) else None


def test_a_stack_describes_itself_and_leaves_nothing(start: Start) -> None:
    """stack.json holds the contract's keys, mode 600; SIGTERM ends everything, exit code 0."""
    stack = start()
    described = stack.up()
    assert set(described) == {
        *("gateway_url", "ingest_url", "nats_url", "mongo_url", "workspace", "phone_number_id"),
        *("app_secret", "verify_token", "tokens", "pids"),
    }
    assert set(described["tokens"]) == {"agent", "lead", "reviewer", "admin", "service"}
    assert set(described["pids"]) == PROGRAMS
    assert described["mongo_url"].endswith("/casetrail_audit?replicaSet=rs0")
    assert stat.S_IMODE((stack.data / "stack.json").stat().st_mode) == 0o600
    assert httpx.get(described["gateway_url"], trust_env=False).text == "GATEWAY"
    pids = stack.pids()
    assert set(pids) == PROGRAMS | {"supervisord"}
    stack.process.terminate()
    assert stack.ended() == 0
    assert gone(pids)
    assert not (stack.data / "stack.json").exists()


def test_two_stacks_run_side_by_side(start: Start) -> None:
    """Two data folders, two port bases: no process and no address in common, both answer."""
    first, second = start(), start()
    one, two = first.up(), second.up()
    assert not set(one["pids"].values()) & set(two["pids"].values())
    assert one["app_secret"] != two["app_secret"]
    for described in (one, two):
        assert httpx.get(f"{described['ingest_url']}/readyz", trust_env=False).is_success


@pytest.mark.parametrize("name", ["routing", "nats", "mongo"])
def test_a_killed_process_comes_back_and_stack_json_tells_its_new_id(
    start: Start, name: str
) -> None:
    """A kill -9 of one process: supervisord restarts it, the description follows."""
    stack = start()
    before = stack.up()["pids"]
    os.kill(before[name], signal.SIGKILL)

    def replaced() -> dict[str, int] | None:
        now: dict[str, int] = stack.up()["pids"]
        return now if now[name] not in {None, before[name]} else None

    after = until(replaced, what=f"a new process id of {name}")
    assert birth(after[name]) is not None
    assert {key: value for key, value in after.items() if key != name} == {
        key: value for key, value in before.items() if key != name
    }


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_killed_stack_program_takes_everything_with_it(start: Start) -> None:
    """A kill -9 of the program: its processes end on their own, and the next start works."""
    stack = start()
    stack.up()
    pids = stack.pids()
    stack.process.kill()
    stack.process.wait()
    until(lambda: gone(pids), what="the end of all processes", within=60)
    start(data=stack.data).up()


def test_the_next_start_ends_what_a_crash_left(start: Start) -> None:
    """Program and supervisord both killed: the orphans are ended by the next start, data kept."""
    stack = start()
    first = stack.up()
    pids = stack.pids()
    stack.process.send_signal(signal.SIGSTOP)  # it must not notice that supervisord is gone
    os.kill(pids.pop("supervisord"), signal.SIGKILL)
    stack.process.kill()
    stack.process.wait()
    assert all(birth(pid) is not None for pid in pids.values())
    again = start(data=stack.data)
    until(lambda: gone(pids), what="the end of the orphans", within=60)
    second = again.up()
    assert second["app_secret"] == first["app_secret"]
    assert "left behind" in again.output.read_text()


def test_a_foreign_process_under_a_remembered_id_is_left_alone(
    start: Start, tmp_path: Path
) -> None:
    """A process id that went to another program since is not ours to end."""
    data = tmp_path / "reused"
    data.mkdir()
    with subprocess.Popen(["sleep", "300"]) as stranger:
        entry = {"name": "nats", "pid": stranger.pid, "born": "an earlier life"}
        (data / "processes.json").write_text(json.dumps([entry]))
        start(data=data).up()
        assert stranger.poll() is None
        stranger.kill()


def test_supervisord_lost_ends_the_stack_with_a_sentence(start: Start) -> None:
    """Without its process manager the stack would lie about itself: it stops, exit code 1."""
    stack = start()
    stack.up()
    pids = stack.pids()
    os.kill(pids["supervisord"], signal.SIGKILL)
    assert stack.ended() == 1
    assert "The stack ended by itself" in stack.output.read_text()
    assert gone(pids)


def test_a_service_that_cannot_start_shows_its_last_words(start: Start) -> None:
    """The error shows the end of the log and where it is; exit code 1, nothing left running."""
    stack = start(STANDIN_FAILS="TICKETS")
    assert stack.ended() == 1
    said = stack.output.read_text()
    assert "tickets did not stay up" in said
    assert "the reason why this service cannot start" in said
    assert str(stack.data / "logs" / "tickets.log") in said
    assert not (stack.data / "stack.json").exists()
    assert not (stack.data / "processes.json").exists()


def test_a_folder_in_use_is_refused_with_the_holder(start: Start) -> None:
    """A second stack in the same folder says whose it is, and leaves the first alone."""
    stack = start()
    described = stack.up()
    second = start(data=stack.data)
    assert second.ended() == 1
    assert f"(pid {stack.process.pid})" in second.output.read_text()
    assert stack.up() == described


def test_a_taken_port_of_the_base_is_named(start: Start) -> None:
    """The error names port, service and holder; nothing was started."""
    base = port_base()
    with socket.socket() as listener:
        listener.bind((LOOPBACK, base + 3))
        listener.listen()
        stack = start(base=base)
        assert stack.ended() == 1
    said = stack.output.read_text()
    assert f"Port {base + 3} for tickets is taken by" in said
    assert f"(pid {os.getpid()})" in said


def test_an_interrupt_while_starting_leaves_nothing(start: Start) -> None:
    """Ctrl-C before the stack is up: what was started already is gone."""
    stack = start()

    def begun() -> dict[str, int] | None:
        with suppress(FileNotFoundError):
            pids = stack.pids()
            return pids if "mongo" in pids else None
        return None

    pids = until(begun, what="the first processes")
    stack.process.send_signal(signal.SIGINT)
    stack.ended()
    assert gone(pids)
