"""The server configurations that containers use."""

import subprocess
from pathlib import Path

import pytest
from casetrail_local.servers import MAX_PAYLOAD, find_nats_server

NATS_CONF = Path(__file__).parents[3] / "deploy" / "nats" / "nats.conf"


@pytest.mark.servers
def test_nats_server_accepts_the_deployed_configuration() -> None:
    """The real server parses it, and it keeps the promises of the embedded one."""
    command = [str(find_nats_server()), "-t", "-c", str(NATS_CONF)]
    parsed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, parsed.stderr
    text = NATS_CONF.read_text()
    assert "sync_interval: always" in text
    assert f"max_payload: {MAX_PAYLOAD}" in text
