"""A shift is handed over: routing, the recorder and the gateway on real servers."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_contracts.subjects import SUPPORT
from casetrail_routing.main import create_app
from casetrail_routing.settings import RoutingSettings
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.integration.audit.replica import running, settings_for
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.support.servers import MongoForTests, NatsForTests
from tests.support.waiting import eventually
from tests.unit.routing import samples

tokens_file = real.tokens_file
LEAD = {"Authorization": "Bearer token-lead"}
ADMIN = {"Authorization": "Bearer token-admin"}


@pytest.fixture
async def gateway(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_server: MongoForTests,
    mongo_url: str,
    tokens_file: Path,
) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway, a recorder and routing over the same servers; a customer wrote."""
    settings = RoutingSettings(
        nats_url=SecretStr(nats_server.url),
        mongo_url=SecretStr(mongo_server.database_url(f"t_{uuid.uuid4().hex[:12]}")),
        sweep_seconds=0.2,
        log_level="WARNING",
    )
    routing = create_app(settings)
    async with running(settings_for(nats_server.url, mongo_url)) as recorder:
        await routing.start()
        try:
            message = samples.message("cv_1")
            publisher = StreamPublisher(recorder.broker, SUPPORT)
            await publisher.publish_raw(message.nats_subject, message.to_bytes(), message.id)
            async with real.running(
                nats_server.url, mongo_url, tokens_file, command_timeout=10.0
            ) as client:
                yield client
        finally:
            await routing.stop()


async def test_a_case_left_behind_is_seen_claimed_and_signed_for(
    gateway: httpx.AsyncClient,
) -> None:
    """Left with its owner; passed on without a word; a note later: each as of its own record."""

    async def post(path: str, body: Any, who: dict[str, str] = LEAD) -> Any:
        answer = await gateway.post(path, json=body, headers=who)
        assert answer.is_success, answer.text
        return answer.json()

    for user_id in ("a", "b"):
        await post("/v1/users", {"id": user_id, "name": f"Agent {user_id}"})
    await post("/v1/users/a/shift/start", {})

    async def owner() -> bool:
        answer = await gateway.get("/v1/cases/CASE-1001")
        return answer.is_success and answer.json()["owner"] == "agent:a"

    await eventually(owner, within=20)
    shift_id = (await post("/v1/users/a/shift/end", {}))["shift_id"]
    path = f"/v1/shifts/{shift_id}/handover"

    async def begun() -> bool:
        """The log may be more than the gateway's patience behind; until then the shift goes on."""
        answer = await gateway.post(path, json={}, headers=LEAD)
        behind = answer.json().get("type") == "urn:casetrail:problem:shift-not-ended"
        assert answer.is_success or behind, answer.text
        return not behind

    await eventually(begun, within=20)
    assert (await gateway.post(path, json={})).status_code == 403, "a reviewer reads only"

    async def told(outcome: str, query: str = "") -> Any:
        answer = await gateway.get(path + query)
        assert answer.status_code == 200, answer.text
        assert [case["outcome"] for case in answer.json()["cases"]] == [outcome]
        return answer.json()

    left = await eventually(lambda: told("carried"), within=20)
    await post("/v1/cases/CASE-1001/transfer", {"owner": "b"})
    moved = await eventually(lambda: told("reowned"), within=20)
    await post("/v1/cases/CASE-1001/notes", {"note": "the parcel is at the depot"})
    noted = await eventually(lambda: told("accepted"), within=20)
    sign = f"{path}/sign"
    first = await post(sign, {"through": moved["through"]})
    again = await gateway.post(sign, json={"through": noted["through"]}, headers=LEAD)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (
        409,
        "second-person-needed",
    )
    second = await post(sign, {"through": noted["through"]}, ADMIN)
    assert (first["complete"], second["complete"]) == (False, True)

    async def complete() -> Any:
        answer = (await gateway.get(path)).json()
        assert answer["complete"]
        return answer

    signed = await eventually(complete, within=20)
    assert [(one["by"]["id"], one["through"]) for one in signed["signatures"]] == [
        ("lead", moved["through"]),
        ("admin", noted["through"]),
    ]
    assert signed["opened"]["by"]["id"] == "lead"
    for before, outcome in ((left, "carried"), (moved, "reowned"), (noted, "accepted")):
        then = await told(outcome, f"?through={before['through']}")
        assert then["cases"] == before["cases"]
