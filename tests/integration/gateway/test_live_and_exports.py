"""The live tail and exports of a log that audit records, over a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from casetrail_contracts import Actor, Event
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_contracts.subjects import SUPPORT
from casetrail_gateway.main import create_app
from casetrail_gateway.settings import GatewaySettings
from casetrail_local.ports import LOOPBACK, free_port
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.integration.audit.replica import KEY, running, settings_for
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.integration.gateway.test_with_the_recorder import AT, CV, events
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

tokens_file = real.tokens_file


@asynccontextmanager
async def served(settings: GatewaySettings) -> AsyncIterator[str]:
    """The gateway behind a real HTTP server."""
    port = free_port()
    config = uvicorn.Config(create_app(settings), host=LOOPBACK, port=port, log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started, within=20)
    yield f"http://{LOOPBACK}:{port}"
    server.should_exit = True
    await asyncio.wait_for(task, 20)


class Desk:
    """The servers, the publisher and a client."""

    def __init__(self, url: str, publisher: StreamPublisher) -> None:
        self.url = url
        self.publisher = publisher

    def client(self, token: str = "token-reviewer") -> httpx.AsyncClient:
        """A client with this token."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)


@pytest.fixture
async def desk(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tokens_file: Path,
) -> AsyncIterator[Desk]:
    """A recorder and a gateway with the events of a case recorded."""
    async with running(settings_for(nats_server.url, mongo_url)) as replica:
        publisher = StreamPublisher(replica.broker, SUPPORT)
        await publisher.publish_all(events())
        settings = GatewaySettings(
            nats_url=SecretStr(nats_server.url),
            mongo_url=SecretStr(mongo_url),
            tokens_file=tokens_file,
            workspace_key=SecretStr(KEY),
        )
        async with served(settings) as url:
            yield Desk(url, publisher)
        await publisher.close()


def said(number: int) -> Event:
    """What the customer of the case writes next."""
    origin = WebhookOrigin(received_at=AT, body_mac="ab" * 32, position="0.0.messages.0")
    return Event.build(
        MessageReceived(
            actor=Actor(kind="customer", id=CV),
            message_id=f"ms_{number}",
            message_type="text",
            phone_number_id="1",
            origin=origin,
        ),
        workspace="main",
        source="tests",
        subject=f"message/ms_{number}",
        time=AT,
        id=f"said-{number}",
        conversationid=CV,
        private={"text": f"kahan hai {number}", "phone": "923001114291"},
    )


async def entries(lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    """The next entries of a stream."""
    found: list[dict[str, Any]] = []
    kind = ""
    async for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        if line.startswith("data: ") and kind == "entry":
            found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count:
                break
    return found


async def test_what_is_recorded_is_sent_at_once_and_again(desk: Desk) -> None:
    """INVARIANT I9: after Last-Event-ID what was missed, then what comes, for the case's agent."""
    async with (
        desk.client("token-agent") as agent,
        agent.stream("GET", "/v1/live?case=CASE-1001", headers={"Last-Event-ID": "2"}) as stream,
    ):
        assert stream.status_code == 200
        lines = stream.aiter_lines()
        missed = await asyncio.wait_for(entries(lines, 2), 30)
        assert [entry["seq"] for entry in missed] == [3, 4]
        ack = await desk.publisher.publish(said(1))
        (new,) = await asyncio.wait_for(entries(lines, 1), 30)
    assert new["seq"] == ack.seq
    assert new["summary"] == "Message received: «kahan hai 1»"
    async with desk.client("token-other-nobody") as stranger:
        assert (await stranger.get("/v1/live")).status_code == 401


async def test_an_export_of_a_real_log(desk: Desk) -> None:
    """Every record of the log once, the look at it in the log before, and a file gone on with."""
    async with desk.client() as reviewer:

        async def whole() -> list[dict[str, Any]]:
            answer = await reviewer.get("/v1/export?format=jsonl&action=conversation")
            assert answer.status_code == 200, answer.text
            rows = [json.loads(line) for line in answer.text.splitlines()]
            assert [row["seq"] for row in rows] == [2, 3]
            return rows

        await eventually(whole, within=20)
        rest = await reviewer.get("/v1/export?format=csv&action=conversation&after=2")
        assert [line.split(",")[0] for line in rest.text.splitlines()] == ["3"]

        async def exported() -> bool:
            found = await reviewer.get("/v1/records?action=access.exported")
            items = found.json()["items"]
            return bool(items and items[-1]["data"]["format"] == "jsonl")

        assert await eventually(exported, within=20)


async def test_a_view_is_there_when_it_was_saved(desk: Desk) -> None:
    """What was answered 201 is in the list that is read next, and its words are private."""
    async with desk.client("token-lead") as lead:
        body = {"name": "Waiting", "q": "status:open nahi", "shared": True}
        saved = await lead.post("/v1/views", json=body, headers={"Idempotency-Key": "k"})
        assert saved.status_code == 201, saved.text
        again = await lead.post("/v1/views", json=body, headers={"Idempotency-Key": "k"})
        assert again.json()["view_id"] == saved.json()["view_id"]
        listed = (await lead.get("/v1/views")).json()["items"]
        assert [(view["name"], view["q"]) for view in listed] == [("Waiting", "status:open nahi")]
        gone = await lead.delete(f"/v1/views/{saved.json()['view_id']}")
        assert gone.status_code == 200
        assert (await lead.get("/v1/views")).json()["items"] == []
