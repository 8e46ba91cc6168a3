"""Ingest on a real NATS server: 200 means stored, once in effect, whatever comes."""

import asyncio
import csv
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_contracts import parse_event
from casetrail_ingest.main import create_app
from casetrail_ingest.settings import IngestSettings
from casetrail_local.servers import NatsServer
from casetrail_runtime.streams import apply_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

SECRET = "the app secret of the tests"
OTHERS = Path(__file__).parents[4] / "shared" / "data" / "whatsapp"


def settings_for(url: str, publish_timeout: float = 60) -> IngestSettings:
    """Settings of an ingest on this NATS server; patient, since machines of tests are busy."""
    return IngestSettings.model_validate(
        {
            "nats_url": url,
            "app_secrets": f"an older one,{SECRET}",
            "verify_tokens": "verify",
            "workspaces": '{"*": "main"}',
            "workspace_key": "a key of the tests, long enough to be one",
            "publish_timeout": publish_timeout,
        }
    )


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header WhatsApp sends."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


def message(wamid: str, text: str = "Salam") -> dict[str, Any]:
    """A text message."""
    return {
        "from": "923001234567",
        "id": wamid,
        "timestamp": "1795342443",
        "type": "text",
        "text": {"body": text},
    }


def webhook(*messages: dict[str, Any]) -> bytes:
    """One POST with these messages."""
    value = {"metadata": {"phone_number_id": "100"}, "messages": list(messages)}
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "x", "entry": [{"id": "1", "changes": [change]}]}).encode()


@pytest.fixture
async def ingest(
    nats_server: NatsForTests, streams_applied: JetStreamContext
) -> AsyncIterator[httpx.AsyncClient]:
    """A running ingest."""
    app = create_app(settings_for(nats_server.url))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
            yield client


async def post(ingest: httpx.AsyncClient, body: bytes) -> httpx.Response:
    """The answer to a signed body."""
    return await ingest.post("/webhooks/whatsapp", content=body, headers=sign(body))


async def stored(js: JetStreamContext) -> int:
    """How many messages the stream holds."""
    return int((await js.stream_info("SUPPORT")).state.messages)


async def test_the_handshake_echoes_the_challenge(ingest: httpx.AsyncClient) -> None:
    """GET with a known token is answered with the challenge alone, as text."""
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify", "hub.challenge": "<1158>"}
    answer = await ingest.get("/webhooks/whatsapp", params=asked)
    assert (answer.status_code, answer.text) == (200, "<1158>")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = await ingest.get("/webhooks/whatsapp", params={**asked, "hub.verify_token": "guess"})
    assert wrong.status_code == 403
    assert (await ingest.get("/webhooks/whatsapp")).status_code == 400


async def test_a_webhook_is_stored_before_it_is_answered(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I2: after the 200 every item is in the stream, under its id and subject."""
    answer = await post(ingest, webhook(message("wamid.1"), message("wamid.2")))
    assert answer.json() == {"events": 2, "duplicates": 0}
    first = await streams_applied.get_msg("SUPPORT", 1)
    assert first.subject == "support.main.message.received"
    assert first.data is not None
    assert first.headers is not None
    event = parse_event(first.data)
    assert first.headers["Nats-Msg-Id"] == event.id
    assert event.private_values()["text"] == "Salam"


@pytest.mark.parametrize("header", [None, "sha256=" + "0" * 64, "sha1=abc", "sha256=zz"])
async def test_an_unsigned_body_publishes_nothing(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext, header: str | None
) -> None:
    """A missing or wrong signature is 401 and leaves no trace in the stream."""
    headers = {} if header is None else {"X-Hub-Signature-256": header}
    body = webhook(message("wamid.1"))
    answer = await ingest.post("/webhooks/whatsapp", content=body, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored(streams_applied) == 0


async def test_a_body_longer_than_any_webhook_is_refused(ingest: httpx.AsyncClient) -> None:
    """413, whether the length is announced or only noticed."""
    body = b"x" * 3_600_000
    assert (await post(ingest, body)).status_code == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000

    url = "/webhooks/whatsapp"
    assert (await ingest.post(url, content=chunks(), headers=sign(body))).status_code == 413


async def test_odd_bodies_are_taken_and_quarantined(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I2: an authentic body is never refused for its shape."""
    for body in (b"", b"no json", b'{"field":"messages","value":{}}', b"[]", b"\xff"):
        answer = await post(ingest, body)
        assert (answer.status_code, answer.json()["events"]) == (200, 1)
    info = await streams_applied.stream_info("SUPPORT", subjects_filter="support.main.webhook.>")
    assert info.state.subjects == {"support.main.webhook.quarantined": 5}


async def test_a_body_of_three_megabytes_is_stored_in_parts(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I2: size costs nothing; a thousand items are a thousand events."""
    thousand = webhook(*(message(f"wamid.{n}") for n in range(1000)))
    assert (await post(ingest, thousand)).json() == {"events": 1000, "duplicates": 0}
    huge = webhook(message("wamid.huge", "x" * 3_000_000))
    answer = await post(ingest, huge)
    assert answer.status_code == 200
    assert await stored(streams_applied) == 1000 + answer.json()["events"]


async def test_a_hundred_copies_have_one_effect(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I3: at once, one event is stored and the copies are counted."""
    body = webhook(message("wamid.1"), message("wamid.2"))
    answers = await asyncio.gather(*(post(ingest, body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["duplicates"] for answer in answers) == 198
    assert await stored(streams_applied) == 2


async def test_a_copy_after_the_window_has_the_same_id(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I3: a week later the stream takes it again, under the id the log knows."""
    info = await streams_applied.stream_info("SUPPORT")
    short = StreamConfig(**{**info.config.__dict__, "duplicate_window": 0.1})
    await streams_applied.update_stream(short)
    body = webhook(message("wamid.1"))
    await post(ingest, body)

    async def taken_again() -> bool:
        return bool((await post(ingest, body)).json()["duplicates"] == 0)

    await eventually(taken_again)
    ids = [(await streams_applied.get_msg("SUPPORT", seq)).headers for seq in (1, 2)]
    assert ids[0] is not None
    assert ids[1] is not None
    assert ids[0]["Nats-Msg-Id"] == ids[1]["Nats-Msg-Id"]


async def test_without_nats_a_webhook_is_503_and_nothing_is_lost(own_nats: NatsServer) -> None:
    """INVARIANT I2: not stored means not answered 200; the retry after NATS' return is."""
    import nats  # noqa: PLC0415 - only here a client of the test's own is needed

    client = await nats.connect(own_nats.url)
    await apply_all(client.jetstream(), STREAMS, DURABLES)
    await client.close()
    app = create_app(settings_for(own_nats.url, publish_timeout=1))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as ingest:
            own_nats.kill()
            body = webhook(message("wamid.1"))
            answer = await post(ingest, body)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert (await ingest.get("/readyz")).status_code == 503
            own_nats.restart()

            async def taken() -> bool:
                return (await post(ingest, body)).status_code == 200

            await eventually(taken, within=10)
    client = await nats.connect(own_nats.url)
    assert await stored(client.jetstream()) == 1
    await client.close()


async def test_bodies_by_other_people_are_all_taken(
    ingest: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I2: 171 real-life bodies: envelopes give their items, others are quarantined."""
    if not OTHERS.is_dir():
        pytest.skip(f"the bodies of other projects are not at {OTHERS.name}/ beside the checkout")
    with (OTHERS / "INDEX.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    ids: set[str] = set()
    for row in rows:
        body = (OTHERS / row["file"]).read_bytes()
        before = await stored(streams_applied)
        answer = await post(ingest, body)
        assert answer.status_code == 200, row["file"]
        document = json.loads(body)
        counted = items_in(document)
        said = answer.json()
        assert said["events"] >= max(counted, 1), row["file"]
        now = await stored(streams_applied)
        assert now - before == said["events"] - said["duplicates"], row["file"]
        for seq in range(before + 1, now + 1):
            found = await streams_applied.get_msg("SUPPORT", seq)
            assert found.data is not None
            ids.add(parse_event(found.data).id)
        if "entry" not in document:
            last = await streams_applied.get_msg("SUPPORT", now)
            if not said["duplicates"]:
                assert last.subject == "support.main.webhook.quarantined", row["file"]
    assert len(ids) == await stored(streams_applied)
    info = await streams_applied.stream_info("SUPPORT", subjects_filter=">")
    print(f"{len(rows)} bodies:", dict(info.state.subjects or {}))


def items_in(document: Any) -> int:
    """Messages, statuses and errors of an envelope, counted apart from ingest's own way."""
    found = Counter[str]()
    for entry in document.get("entry", []) if isinstance(document, dict) else []:
        for change in entry.get("changes", []):
            value = change.get("value")
            value = value if isinstance(value, dict) else {}
            for key in ("messages", "statuses", "errors", "calls", "message_echoes"):
                found[key] += len(value.get(key) or [])
    return found.total()
