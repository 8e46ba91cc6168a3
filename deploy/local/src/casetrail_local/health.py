"""How each process of a running stack is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from casetrail_local.description import StackDescription
from casetrail_local.ports import LOOPBACK
from casetrail_local.ready import nats_answers
from casetrail_local.services import SERVICES, STANDARD_PORTS


@dataclass(frozen=True)
class ProcessRow:
    """One line of `casetrail status`."""

    name: str
    pid: str
    address: str
    health: str

    @property
    def healthy(self) -> bool:
        """True when it answers and says it is ready."""
        return self.health == "ready"


def process_rows(stack: StackDescription, addresses: Path) -> Iterator[ProcessRow]:
    """Servers first, then the services, whose URLs the file `addresses` tells."""
    pids = stack.pids.model_dump()
    nats = urlsplit(stack.nats_url)
    answered = nats_answers(nats.hostname or LOOPBACK, nats.port or STANDARD_PORTS["nats"])
    nats_health = "ready" if answered else "does not answer"
    yield ProcessRow("nats", _pid(pids["nats"]), _address(stack.nats_url), nats_health)
    mongo_health = _mongo_health(stack.mongo_url)
    yield ProcessRow("mongo", _pid(pids["mongo"]), _address(stack.mongo_url), mongo_health)
    urls: dict[str, str] = json.loads(addresses.read_bytes())
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        for name in SERVICES:
            health = _service_health(client, urls[name])
            yield ProcessRow(name, _pid(pids[name]), urls[name], health)


def _pid(pid: int | None) -> str:
    return "-" if pid is None else str(pid)


def _address(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]  # a given URL may hold a password


def _mongo_health(url: str) -> str:
    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=2000)
    with client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return "does not answer"
    return "ready"


def _service_health(client: httpx.Client, url: str) -> str:
    try:
        answer = client.get(f"{url}/readyz")
    except httpx.HTTPError:
        return "does not answer"
    return "ready" if answer.is_success else f"not ready: {answer.text[:200]}"
