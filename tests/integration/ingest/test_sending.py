"""Sending on real NATS, MongoDB and HTTP: once for each command, told in the stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from casetrail_contracts import parse_event
from casetrail_contracts.commands import SendMessage
from casetrail_ingest.main import create_app
from casetrail_ingest.settings import IngestSettings
from casetrail_runtime.broker import make_broker
from casetrail_runtime.commands import CommandClient
from nats.js import JetStreamContext
from starlette.responses import Response

from tests.support.graph_api import TOKEN, GraphServer, fault, graph_server
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


@asynccontextmanager
async def ingest_that_sends(
    nats_url: str, mongo_url: str, graph: GraphServer, patience: float = 5
) -> AsyncIterator[CommandClient]:
    """A running ingest, and a client of its commands."""
    settings = IngestSettings.model_validate(
        {
            "nats_url": nats_url,
            "app_secrets": "secret",
            "verify_tokens": "verify",
            "workspaces": '{"*": "main"}',
            "workspace_key": "a key of the tests, long enough to be one",
            "graph_url": graph.url,
            "graph_token": TOKEN,
            "graph_timeout": patience,
            "mongo_url": mongo_url,
        }
    )
    app = create_app(settings)
    broker = make_broker(settings, "desk", exit_after=None)
    async with app.router.lifespan_context(app):
        await broker.start()
        yield CommandClient(broker)
        await broker.stop()


def command(id: str, text: str = "Your parcel is on its way") -> SendMessage:  # noqa: A002
    """A command that sends a text."""
    return SendMessage.model_validate(
        {
            "id": id,
            "workspace": "main",
            "actor": {"kind": "agent", "id": "a", "name": "Agent A"},
            "conversation_id": "cv_x",
            "case_id": "CASE-1001",
            "phone_number_id": "100",
            "wa_id": "923001234567",
            "text": text,
        }
    )


async def told(js: JetStreamContext, count: int) -> list[Any]:
    """The events of sendings, once there are so many."""

    async def there() -> bool:
        return bool((await js.stream_info("SUPPORT")).state.messages >= count)

    await eventually(there, within=15)
    found = [await js.get_msg("SUPPORT", seq) for seq in range(1, count + 1)]
    return [parse_event(msg.data or b"") for msg in found]


async def test_a_command_is_a_message_and_an_event(
    nats_server: NatsForTests, streams_applied: JetStreamContext, mongo_url: str
) -> None:
    """INVARIANT I3: sent and told once, however often it is asked; a rate limit is waited out."""
    async with graph_server() as graph:
        graph.answers = [fault(429, 130429, "Rate limit hit", retry_after="0")]
        async with ingest_that_sends(nats_server.url, mongo_url, graph) as client:
            copies = (client.send(command("one"), timeout=60) for _ in range(20))
            replies = await asyncio.gather(*copies)
            assert {reply.status for reply in replies} == {"ok"}
            (event,) = await told(streams_applied, 1)
            last = await client.send(command("one"), timeout=60)
    assert [sent["text"]["body"] for sent in graph.taken] == ["Your parcel is on its way"]
    assert graph.taken[0]["from"] == "100"
    assert last.result == {"status": "sent", "message_id": event.data.message_id}
    assert (await streams_applied.stream_info("SUPPORT")).state.messages == 1


async def test_a_refusal_and_a_silence_are_told_apart(
    nats_server: NatsForTests, streams_applied: JetStreamContext, mongo_url: str
) -> None:
    """A refused message says why; one without an answer is unknown, and not sent again."""
    async with graph_server() as graph:
        refusal: Response = fault(400, 131047, "Re-engagement message")
        graph.answers = [refusal]
        async with ingest_that_sends(nats_server.url, mongo_url, graph, patience=1) as client:
            refused = await client.send(command("refused"), timeout=60)
            assert (refused.status, refused.code) == ("rejected", "message-refused")
            graph.silent = True
            await client.send(command("silent"), timeout=60)
            events = await told(streams_applied, 2)
            assert [event.data.outcome for event in events] == ["refused", "unknown"]
            again = await client.send(command("silent"), timeout=60)
            assert again.code == "message-unknown"
    assert graph.asked == 2


async def test_without_a_graph_api_the_reason_is_told(
    nats_server: NatsForTests, streams_applied: JetStreamContext
) -> None:
    """An installation that sends nothing refuses, with what is not set."""
    settings = IngestSettings.model_validate(
        {
            "nats_url": nats_server.url,
            "app_secrets": "secret",
            "verify_tokens": "verify",
            "workspaces": '{"*": "main"}',
            "workspace_key": "a key of the tests, long enough to be one",
        }
    )
    app = create_app(settings)
    broker = make_broker(settings, "desk", exit_after=None)
    async with app.router.lifespan_context(app):
        await broker.start()
        reply = await CommandClient(broker).send(command("none"), timeout=30)
        await broker.stop()
    assert reply.code == "sending-not-configured"
    assert "INGEST_GRAPH_URL" in (reply.detail or "")
