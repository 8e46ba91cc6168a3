"""The example of docs/how-to/subscribe.md does what it says, on a real stream."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from casetrail_contracts import AuditRecord
from nats.js import JetStreamContext

from tests.support.servers import NatsForTests

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "subscribe.md"


def example() -> str:
    """The program in the how-to."""
    return str(re.findall(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)[0])


def record(seq: int) -> AuditRecord:
    """A record as audit publishes it."""
    return AuditRecord.model_validate(
        {
            "seq": seq,
            "leaf": f"{seq:064x}",
            "recordedtime": "2026-11-22T10:14:03.130Z",
            "id": f"id-{seq}",
            "source": "casetrail/routing",
            "type": "casetrail.conversation.assigned.v1",
            "caseid": "CASE-1001",
            "data": {"actor": {"kind": "service", "id": "routing"}, "changes": []},
        }
    )


async def test_the_example_prints_every_record(
    nats_server: NatsForTests, streams_applied: JetStreamContext, tmp_path: Path
) -> None:
    """Twenty-odd lines, a durable of its own: five records out, all acknowledged."""
    for seq in range(1, 6):
        body = record(seq).model_dump_json().encode()
        await streams_applied.publish("audit.main.conversation.assigned", body)
    program = tmp_path / "subscriber.py"
    program.write_text(example(), "utf-8")
    env = {**os.environ, "NATS_URL": nats_server.url, "DURABLE": "bi", "COUNT": "5"}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(program)],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert all("routing CASE-1001" in line for line in lines)
    assert (await streams_applied.consumer_info("AUDIT", "bi")).num_ack_pending == 0


def test_the_example_is_short() -> None:
    """A subscriber is a page, not a project."""
    code = [line for line in example().splitlines() if line.strip()]
    assert len(code) <= 25
