"""Replicas of a stack's services that run another revision's code."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
from casetrail_local.ports import LOOPBACK, free_port

READY_WITHIN: Final = 120.0
_OURS: Final = ("INGEST_", "ROUTING_", "TICKETS_", "AUDIT_", "GATEWAY_")


class Replica:
    """One more process of a service, beside the one that a supervisor started."""

    def __init__(self, service: str, beside: int, code: Mapping[str, str], folder: Path) -> None:
        """Settings are those of the process `beside`; port, spool and code are its own."""
        self.service = service
        self.port = free_port()
        settings = {
            name: value for name, value in _environment(beside).items() if name.startswith(_OURS)
        }
        settings[f"{service.upper()}_PORT"] = str(self.port)
        if service == "ingest":
            settings["INGEST_SPOOL_DIR"] = str(folder / "spool")
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"casetrail_{service}"],
                env={**code, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def wait_until_ready(self) -> None:
        """Returns when `/readyz` says 200; raises with its last words when it does not."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{self.service} is not ready: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """An orderly end, as a rolling upgrade gives."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


def _environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)
