"""The gateway as it runs: real NATS, real MongoDB, commands answered by a stub."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from casetrail_contracts import CommandReply, parse_event
from casetrail_contracts.commands import CloseTicket
from casetrail_contracts.subjects import SUPPORT
from casetrail_gateway.main import create_app
from casetrail_gateway.settings import GatewaySettings
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_runtime.broker import make_broker
from casetrail_runtime.commands import serve
from casetrail_runtime.mongo import Database, database, make_client
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.integration.gateway.test_log import seed
from tests.support.fixtures import Addresses
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually
from tests.unit.gateway.story import SECRET_TEXT
from tests.unit.gateway.world import PEOPLE

TIMELINE = "/v1/cases/CASE-1001/timeline"


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    """A token per role: `token-<role>`."""
    path = tmp_path / "tokens.json"
    entries = [
        {
            "token_sha256": hashlib.sha256(f"token-{role}".encode()).hexdigest(),
            "id": person.id,
            "name": person.name,
            "role": role,
            "workspace": person.workspace,
            "expires_at": None,
        }
        for role, person in PEOPLE.items()
    ]
    path.write_text(json.dumps(entries))
    return path


@asynccontextmanager
async def running(
    nats_url: str, mongo_url: str, tokens_file: Path, **given: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A started gateway and a reviewer's client of it."""
    settings = GatewaySettings(
        nats_url=SecretStr(nats_url),
        mongo_url=SecretStr(mongo_url),
        tokens_file=tokens_file,
        # Patient, unless the test is about what happens without an answer: machines are busy.
        **{"record_timeout": 15.0, "command_timeout": 5.0, **given},
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://gateway",
            headers={"Authorization": "Bearer token-reviewer"},
        ) as client:
            yield client


@pytest.fixture
async def gateway(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    mongo_db: Database,
    tokens_file: Path,
) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway over the story's database and fresh streams."""
    await seed(mongo_db)
    async with running(nats_server.url, mongo_url, tokens_file) as client:
        yield client


async def stored(js: JetStreamContext) -> list[Any]:
    """All events of SUPPORT."""
    last = (await js.stream_info(SUPPORT)).state.last_seq
    messages = [await js.get_msg(SUPPORT, seq) for seq in range(1, last + 1)]
    return [parse_event(message.data or b"") for message in messages]


async def test_the_look_is_in_the_stream_when_the_answer_is_there(
    gateway: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I9: when the answer is there the look is stored: who, what, which case."""
    answer = await gateway.get(TIMELINE)
    assert answer.status_code == 200, answer.text
    (event,) = await stored(streams_applied)
    assert event.noun_verb == "access.viewed"
    assert (event.caseid, event.data.actor.id, event.data.target) == (
        "CASE-1001",
        "r",
        "case/CASE-1001",
    )
    assert [entry["seq"] for entry in answer.json()["entries"]] == [1, 2, 3, 4, 7, 9, 10]


async def test_without_nats_nothing_is_given_out(
    own_nats: NatsServer, mongo_url: str, mongo_db: Database, tokens_file: Path
) -> None:
    """INVARIANT I9: while the stream is away every read is 503 without data, then 200 again."""
    await seed(mongo_db)
    client = await nats.connect(own_nats.url)
    await apply_all(client.jetstream(), STREAMS, DURABLES)
    await client.close()
    async with running(own_nats.url, mongo_url, tokens_file, record_timeout=3.0) as gateway:
        assert (await gateway.get(TIMELINE)).status_code == 200
        own_nats.kill()
        for path in (TIMELINE, "/v1/cases", "/v1/records/1", "/v1/records"):
            answer = await gateway.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            for secret in (SECRET_TEXT, "Agent A", "CASE-1002"):
                assert secret not in answer.text
        assert (await gateway.get("/livez")).status_code == 200
        assert (await gateway.get("/readyz")).json()["down"] == ["nats"]
        own_nats.start()

        async def answers_again() -> bool:
            return (await gateway.get(TIMELINE)).status_code == 200

        await eventually(answers_again, within=30)


async def test_without_mongodb_reads_say_so(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    own_mongo: MongoServer,
    tokens_file: Path,
) -> None:
    """A database that is away is 503 with its own type, and readiness names it."""
    url = own_mongo.database_url("gone")
    client = make_client(Addresses(mongo_url=SecretStr(url)), "tests")
    await seed(database(client))
    client.close()
    async with running(nats_server.url, url, tokens_file) as gateway:
        assert (await gateway.get(TIMELINE)).status_code == 200
        own_mongo.kill()
        answer = await gateway.get(TIMELINE)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:casetrail:problem:log-unavailable"
        assert (await gateway.get("/readyz")).json()["down"] == ["mongo"]


@asynccontextmanager
async def answering(url: str) -> AsyncIterator[list[Any]]:
    """A stub of the tickets service that remembers replies by command id."""
    broker = make_broker(Addresses(nats_url=SecretStr(url)), "stub", exit_after=None)
    done: dict[str, CommandReply] = {}
    seen: list[Any] = []

    async def close(command: CloseTicket) -> CommandReply:
        seen.append(command)
        if command.note == "refuse":
            return CommandReply.rejected("resolution-note-missing", "Say how it ended.")
        if command.note == "break":
            raise RuntimeError("the password is hunter2")
        return done.setdefault(
            command.id, CommandReply.ok(len(done) + 1, ticket_id=command.ticket_id)
        )

    serve(broker, CloseTicket, close, service="tickets")
    await broker.start()
    yield seen
    await broker.stop()


async def test_a_command_goes_round(gateway: httpx.AsyncClient, nats_server: NatsForTests) -> None:
    """Over real NATS: the service's answer; the same key answers the same; faults are told."""
    headers = {"Authorization": "Bearer token-agent", "Idempotency-Key": "k-1", "If-Match": '"4"'}
    path = "/v1/tickets/T-1001/close"
    async with answering(nats_server.url) as seen:
        first = await gateway.post(path, json={}, headers=headers)
        again = await gateway.post(path, json={}, headers=headers)
        other = await gateway.post(path, json={}, headers={**headers, "Idempotency-Key": "k-2"})
        assert first.status_code == 200, first.text
        assert first.json() == again.json() == {"ticket_id": "T-1001", "version": 1}
        assert other.json()["version"] == 2
        assert seen[0].id == seen[1].id != seen[2].id
        assert (seen[0].actor.kind, seen[0].actor.id, seen[0].expected_version) == ("agent", "a", 4)
        refused = await gateway.post(path, json={"note": "refuse"}, headers=headers)
        assert (refused.status_code, refused.json()["detail"]) == (422, "Say how it ended.")
        broken = await gateway.post(path, json={"note": "break"}, headers=headers)
        assert broken.status_code == 500
        assert "hunter2" not in broken.text


async def test_a_command_that_nobody_answers_is_504(gateway: httpx.AsyncClient) -> None:
    """No service: the outcome is unknown, and the answer says to repeat with the same key."""
    answer = await gateway.post(
        "/v1/tickets/T-1001/close", json={}, headers={"Authorization": "Bearer token-lead"}
    )
    assert answer.status_code == 504
    assert answer.json()["type"] == "urn:casetrail:problem:outcome-unknown"
    assert "same Idempotency-Key" in answer.json()["detail"]


async def test_a_refused_command_is_in_the_stream(
    gateway: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I9: an agent's attempt on somebody else's case is stored before the 403."""
    answer = await gateway.post(
        "/v1/cases/CASE-1002/close",
        json={"reason": "r"},
        headers={"Authorization": "Bearer token-agent"},
    )
    assert answer.status_code == 403
    (event,) = await stored(streams_applied)
    assert (event.noun_verb, event.caseid) == ("command.rejected", "CASE-1002")


async def test_health_figures_and_status(gateway: httpx.AsyncClient) -> None:
    """Ready when NATS, MongoDB and the tokens are; the status counts what the streams hold."""
    ready = (await gateway.get("/readyz")).json()
    assert (ready["status"], set(ready["checks"])) == ("ready", {"nats", "mongo", "tokens"})
    assert "casetrail" in (await gateway.get("/metrics")).text
    await gateway.get(TIMELINE)
    status = (await gateway.get("/v1/log/status")).json()
    assert status["stream_last_seq"] == 1
    assert status["complete_through"] == 15
    assert (status["lag"], status["dead_letters"], status["duplicates"]) == (0, 0, 2)
