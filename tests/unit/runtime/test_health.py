"""Health over HTTP, for both kinds of application that services are."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import Ping, health_routes
from casetrail_runtime.telemetry import Telemetry
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.routing import Route

from tests.support.fixtures import Addresses

NOBODY = Addresses(nats_url=SecretStr("nats://127.0.0.1:1"))


async def fine() -> None:
    """A ping that answers."""


async def broken() -> None:
    """A ping that fails."""
    raise ConnectionError("no primary at mongodb://casetrail:hunter2@db:27017")


async def silent() -> None:
    """A ping that never answers."""
    await asyncio.Event().wait()


def served_by(kind: str, pings: Mapping[str, Ping]) -> httpx.AsyncClient:
    """A client of an application with the health routes."""
    telemetry = Telemetry("desk")
    telemetry.processed.labels("routing").inc(3)
    routes = health_routes(pings, telemetry.registry, timeout=0.2)
    if kind == "fastapi":
        api = FastAPI()
        for path, app in routes:
            api.router.routes.append(Route(path, app))
        return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://desk")
    broker = make_broker(NOBODY, "desk", telemetry=telemetry)
    stream_app = make_app(broker, title="Desk", version="1", routes=routes)
    transport = httpx.ASGITransport(stream_app)
    return httpx.AsyncClient(transport=transport, base_url="http://desk")


pytestmark = pytest.mark.parametrize("kind", ["faststream", "fastapi"])


async def test_ready_when_every_ping_answers(kind: str) -> None:
    """200 with a line per ping."""
    async with served_by(kind, {"nats": fine, "mongo": fine}) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "nats": True,
        "mongo": True,
    }


async def test_not_ready_names_what_is_down(kind: str) -> None:
    """503 with the names and reasons, without a password and without waiting for ever."""
    pings = {"nats": fine, "mongo": broken, "relay": silent}
    async with served_by(kind, pings) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["down"] == ["mongo", "relay"]
    assert answer.json()["checks"]["relay"]["error"] == "no answer within 0.2 s"
    assert "ConnectionError: no primary" in answer.json()["checks"]["mongo"]["error"]
    assert "hunter2" not in answer.text


async def test_live_even_when_nothing_else_is(kind: str) -> None:
    """A restart does not heal a database that is away, so liveness does not ask it."""
    async with served_by(kind, {"mongo": broken}) as http:
        assert (await http.get("/livez")).json() == {"status": "live"}


async def test_figures_are_labelled_by_durable(kind: str) -> None:
    """Prometheus text with our instruments and the process's."""
    async with served_by(kind, {}) as http:
        text = (await http.get("/metrics")).text
    assert 'casetrail_messages_processed_total{durable="routing"} 3.0' in text
    assert "process_cpu_seconds_total" in text
