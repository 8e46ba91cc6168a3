"""The ingest service as an operator runs it, to be killed and started again."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
from casetrail_local.ports import free_port

SECRET = "the app secret of the chaos runs"
STARTING = 180.0


class IngestProcess:
    """One process with a spool; `kill` is a `kill -9`."""

    def __init__(self, folder: Path, nats_url: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._log = folder / "ingest.log"
        self._environment = {
            **os.environ,
            "INGEST_NATS_URL": nats_url,
            "INGEST_PORT": str(port),
            "INGEST_APP_SECRETS": SECRET,
            "INGEST_VERIFY_TOKENS": "verify",
            "INGEST_WORKSPACES": '{"*": "main"}',
            "INGEST_WORKSPACE_KEY": "a key of the chaos runs, long enough to be one",
            "INGEST_SPOOL_DIR": str(folder / "spool"),
            "INGEST_LOG_LEVEL": "warning",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it answers."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "casetrail_ingest"),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with httpx.AsyncClient() as client, asyncio.timeout(STARTING):
            while True:
                try:
                    await client.get(f"{self.url}/livez")
                except httpx.TransportError:
                    if self._process.returncode is not None:
                        raise RuntimeError(f"ingest ended; see {self._log}") from None
                    await asyncio.sleep(0.05)
                else:
                    return

    async def kill(self) -> None:
        """Ends it at whatever instruction it is."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def readiness(self) -> dict[str, Any]:
        """What `/readyz` says of taking webhooks."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = json.loads((await client.get(f"{self.url}/readyz")).content)
        found: dict[str, Any] = answer["checks"]["accepting"]
        return found
