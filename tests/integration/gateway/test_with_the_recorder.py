"""The gateway over a log that audit itself wrote: what the two must agree on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_contracts import Actor, Event
from casetrail_contracts.envelope import Change, EventData
from casetrail_contracts.registry.conversation import ConversationAssigned, ConversationOpened
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_contracts.registry.ticket import TicketClosed
from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext

from tests.integration.audit.replica import Replica, running, settings_for
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

CV = "cv_6ajxh7e6vooz6cksap7wr3rmvq"
AT = datetime(2026, 11, 22, 10, 11, 52, tzinfo=UTC)
ROUTING = Actor(kind="service", id="routing")
tokens_file = real.tokens_file


def event(data: EventData, number: int, subject: str, **more: Any) -> Event:
    """An event of the conversation, ten seconds after the one before."""
    return Event.build(
        data,
        workspace="main",
        source="tests",
        subject=subject,
        time=AT + timedelta(seconds=10 * number),
        id=f"e{number}",
        conversationid=CV,
        **more,
    )


def events() -> list[Event]:
    """A message, its case and owner, a closed ticket whose first versions are missing, a copy."""
    origin = WebhookOrigin(received_at=AT, body_mac="ab" * 32, position="0.0.messages.0")
    conversation, case = f"conversation/{CV}", {"caseid": "CASE-1001"}
    message = MessageReceived(
        actor=Actor(kind="customer", id=CV),
        message_id="ms_1",
        message_type="text",
        phone_number_id="1",
        origin=origin,
    )
    return [
        event(message, 1, "message/ms_1", private={"text": "nahi aya", "phone": "923001114291"}),
        event(
            ConversationOpened(actor=ROUTING, phone_number_id="1", message_event_id="e1"),
            2,
            conversation,
            sequence=1,
            causationid="e1",
            **case,
        ),
        event(
            ConversationAssigned(
                actor=ROUTING,
                owner="agent:a",
                owner_name="Agent A",
                queue="shared-inbox",
                reason="from shared inbox queue",
                changes=[Change(field="owner", new="agent:a")],
            ),
            3,
            conversation,
            sequence=2,
            **case,
        ),
        event(
            TicketClosed(actor=ROUTING, old="resolved"),
            4,
            "ticket/T-1001",
            sequence=6,
            ticketid="T-1001",
            **case,
        ),
    ]


@pytest.fixture
async def gateway(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tokens_file: Path,
) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway and a recorder over the same servers, with the events stored and recorded."""
    replica: Replica
    async with running(settings_for(nats_server.url, mongo_url)) as replica:
        publisher = StreamPublisher(replica.broker, SUPPORT)
        stored = await publisher.publish_all(events())
        copy = events()[0]
        await publisher.publish_raw(copy.nats_subject, copy.to_bytes(), "another-msg-id", None)
        await publisher.close()
        assert [ack.seq for ack in stored] == [1, 2, 3, 4]
        async with real.running(nats_server.url, mongo_url, tokens_file) as client:
            yield client


async def test_what_audit_writes_the_gateway_tells(gateway: httpx.AsyncClient) -> None:
    """Message, case, owner, hole and copy of a real log, in sentences; the look joins the log."""

    async def told() -> Any:
        answer = await gateway.get("/v1/cases/CASE-1001/timeline")
        assert answer.status_code == 200, answer.text
        timeline = answer.json()
        assert timeline["complete_through"] >= 5
        return timeline

    timeline = await eventually(told, within=15)
    assert [(e["seq"], e["summary"], e["copies"], e["late"]) for e in timeline["entries"]] == [
        (1, "Message received: «nahi aya»", 1, False),
        (2, "Case opened by a customer's message", 0, False),
        (3, "Assigned to Agent A from shared inbox queue", 0, False),
        (4, "Ticket T-1001 closed", 0, False),
    ]
    assert timeline["entries"][1]["cause"]["seq"] == 1
    (hole,) = timeline["holes"]
    assert hole["sentence"] == ("Not in the log before record 4: versions 1-5 of ticket/T-1001.")
    case = (await gateway.get("/v1/cases/CASE-1001")).json()
    assert (case["owner"], case["version"], case["status"]) == ("agent:a", 2, "open")
    assert [c["case_id"] for c in (await gateway.get("/v1/cases")).json()["items"]] == ["CASE-1001"]
    copy = (await gateway.get("/v1/records/5")).json()
    assert (copy["kind"], copy["of"], copy["index"], len(copy["leaf"])) == ("duplicate", 1, 4, 64)

    async def looked() -> bool:
        shown = await gateway.get("/v1/cases/CASE-1001/timeline?kinds=access")
        return any(entry["actor"]["id"] == "r" for entry in shown.json()["entries"])

    assert await eventually(looked, within=10)


async def test_an_agent_gets_what_is_theirs_from_a_real_log(gateway: httpx.AsyncClient) -> None:
    """INVARIANT I9: custody in the views audit writes is what the gateway goes by."""

    async def mine() -> bool:
        answer = await gateway.get(
            "/v1/cases/CASE-1001", headers={"Authorization": "Bearer token-agent"}
        )
        return answer.status_code == 200

    assert await eventually(mine, within=15)
    record = await gateway.get("/v1/records/1", headers={"Authorization": "Bearer token-agent"})
    assert record.json()["private"] == {"text": "nahi aya", "phone": "····4291"}
