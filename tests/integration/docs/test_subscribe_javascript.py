"""The JavaScript example of docs/how-to/subscribe.md does what it says, on a real stream.

Needs node and npm (Debian: `apt-get install nodejs npm`) and the package registry that npm is set
up for. Where they are absent the tests are skipped and say so; in CI (CI=…) they fail.
"""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from tests.integration.docs.test_subscribe_how_to import HOW_TO, record
from tests.support.servers import NatsForTests


def example() -> str:
    """The program in the how-to."""
    (found,) = re.findall(r"```javascript\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    return str(found)


def packages() -> list[str]:
    """What the how-to says to install."""
    (found,) = re.findall(r"`npm install ([^`]+)`", HOW_TO.read_text("utf-8"))
    return str(found).split()


def not_tested(reason: str) -> None:
    """Fails in CI; elsewhere skips, and says what is not known."""
    if os.environ.get("CI"):
        pytest.fail(f"the JavaScript subscriber is not tested: {reason}")
    pytest.skip(f"the JavaScript subscriber is NOT tested: {reason}")


async def run(*command: str, folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """A command in a folder, without a colour in its words."""
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
async def program(tmp_path: Path) -> Path:
    """The example with its packages."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            not_tested(f"there is no {tool}: apt-get install nodejs npm")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error")
    made = await run("npm", "install", *options, *packages(), folder=tmp_path)
    if made.returncode != 0:
        last = made.stderr.strip().splitlines()[-1:] or ["npm says nothing"]
        not_tested(f"npm cannot install {' '.join(packages())}: {last[0]}")
    file = tmp_path / "subscriber.js"
    file.write_text(example(), "utf-8")
    return file


async def test_the_javascript_example_prints_every_record(
    nats_server: NatsForTests, streams_applied: JetStreamContext, program: Path
) -> None:
    """Three records, then the other two by the same durable: each once, all acknowledged."""
    for seq in range(1, 6):
        body = record(seq).model_dump_json().encode()
        await streams_applied.publish("audit.main.conversation.assigned", body)
    printed = []
    for count in ("3", "2"):
        env = {"NATS_URL": nats_server.url, "DURABLE": "crm", "COUNT": count}
        done = await run("node", program.name, folder=program.parent, **env)
        assert done.returncode == 0, done.stderr
        printed += done.stdout.splitlines()
    assert [line.split()[0] for line in printed] == ["1", "2", "3", "4", "5"]
    assert all("routing CASE-1001" in line for line in printed)
    info = await streams_applied.consumer_info("AUDIT", "crm")
    assert (info.num_pending, info.ack_floor.stream_seq if info.ack_floor else 0) == (0, 5)


def test_the_javascript_example_is_short() -> None:
    """A subscriber is a page, not a project."""
    assert len([line for line in example().splitlines() if line.strip()]) <= 25
