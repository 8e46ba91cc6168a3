"""`python -m casetrail_runtime.streams` against a real server."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime.streams import DURABLES, STREAMS

pytestmark = pytest.mark.servers

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(own_nats: NatsServer) -> Run:
    """Runs the command line against this server: its exit code and output."""

    async def command(*arguments: str, **env: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "casetrail_runtime.streams", *arguments),
            env={"NATS_URL": own_nats.url, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    return command


async def test_the_command_line(run: Run) -> None:
    """Check fails with sentences, apply makes everything, check is satisfied."""
    code, out = await run("check")
    assert (code, out.count("is missing")) == (1, len(STREAMS) + len(DURABLES))
    code, out = await run("apply", AUDIT_EXTRA_SUBJECTS="orders.>, invoices.*.paid")
    assert (code, out.count(": made.")) == (0, len(STREAMS) + len(DURABLES))
    code, out = await run("check")
    assert code == 1
    assert "subjects is invoices.*.paid, orders.>, support.>, must be support.>" in out
    code, out = await run("check", "--extra-subjects", "orders.>,invoices.*.paid")
    assert (code, out) == (
        0,
        f"{len(STREAMS)} streams and {len(DURABLES)} durables are right.\n",
    )


async def test_the_command_line_without_nats(run: Run) -> None:
    """No server: exit 1 with the address, without the password in it."""
    code, out = await run("check", "--wait", "0.5", "--nats-url", "nats://me:hunter2@127.0.0.1:1")
    assert code == 1
    assert out.startswith("No NATS at 127.0.0.1:1 within 0.5 s: ")
    assert "hunter2" not in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--extra-subjects", ">"], "'>' is no subject"),
        (["--extra-subjects", "a b"], "'a b' is no subject"),
        (["--max-bytes", "NOPE=5"], "is not NAME=BYTES"),
        (["--replicas", "2"], "invalid choice: 2"),
    ],
)
async def test_the_command_line_asked_wrongly(
    run: Run, arguments: list[str], sentence: str
) -> None:
    """Wrong arguments: exit 2 and a sentence."""
    code, out = await run("check", *arguments)
    assert code == 2
    assert sentence in out
