"""Service levels on real NATS and MongoDB: told once, after a restart, by one of two replicas."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from casetrail_contracts import Actor, Event
from casetrail_contracts.clocks import Link, agreement
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.ticket import SlaBreached, SlaStarted
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.mongo import Database, database, make_client
from casetrail_runtime.publisher import StreamPublisher
from casetrail_tickets.adapters.mongo_links import MongoLinks
from casetrail_tickets.main import create_app
from casetrail_tickets.settings import TicketsSettings
from casetrail_tickets.use_cases.keeping_time import step_of
from faststream.asgi import AsgiFastStream
from nats.js import JetStreamContext

from tests.integration.tickets.test_tickets_on_real_servers import CONVERSATION, create, events
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

LEVELS = """\
calendars:
  always: {zone: UTC, hours: always}
policies:
  - name: quick
    when: {priority: [urgent], tag: [vip]}
    calendar: always
    targets: {first_response: 1s, next_response: 2s, resolution: 1h}
  - name: slow
    calendar: always
    targets: {first_response: 8h, next_response: 1s}
"""


MOMENT = timedelta(milliseconds=1)


class Replicas:
    """Replicas of tickets over the same servers."""

    def __init__(self, settings: TicketsSettings) -> None:
        self.settings = settings
        self.running: list[AsgiFastStream] = []

    async def start(self) -> None:
        """One more."""
        app = create_app(self.settings)
        await app.start()
        self.running.append(app)

    async def stop(self) -> None:
        """All of them."""
        while self.running:
            await self.running.pop().stop()


@pytest.fixture
async def replicas(
    nats_server: NatsForTests, streams_applied: JetStreamContext, mongo_url: str, tmp_path: Path
) -> AsyncIterator[Replicas]:
    """One replica with service levels; a test may start more and stop all."""
    file = tmp_path / "levels.yaml"
    file.write_text(LEVELS, "utf-8")
    settings = {
        "nats_url": nats_server.url,
        "mongo_url": mongo_url,
        "service_levels_file": file,
        "due_every": 0.05,
    }
    found = Replicas(TicketsSettings.model_validate(settings))
    await found.start()
    yield found
    await found.stop()


def said(number: int, at: datetime, side: str) -> Event:
    """A message of the conversation."""
    noun = "received" if side == "customer" else "sent"
    actor = Actor(kind="customer", id="c") if side == "customer" else Actor(kind="agent", id="a")
    data: dict[str, Any] = {
        "actor": actor.model_dump(),
        "message_id": f"ms_{number}",
        "message_type": "text",
        "phone_number_id": "100",
    }
    if side == "customer":
        data["origin"] = {"received_at": at, "body_mac": "0" * 64, "position": "0.0.messages.0"}
    else:
        data["via"] = "api"
    return Event.model_validate(
        {
            "id": derive_id("said", number),
            "source": "casetrail/ingest",
            "type": f"casetrail.message.{noun}.v1",
            "subject": f"message/ms_{number}",
            "time": at,
            "workspace": "main",
            "conversationid": CONVERSATION,
            "data": data,
        }
    )


async def breaches(js: JetStreamContext, count: int) -> list[Event]:
    """The breaches in the stream, once there are this many."""

    async def enough() -> list[Event]:
        found = [each for each in await events(js) if isinstance(each.data, SlaBreached)]
        assert len(found) >= count
        return found

    return await eventually(enough, within=60)


async def test_a_breach_is_told_once_after_a_restart_by_one_of_two(
    replicas: Replicas, broker: ServiceBroker, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I10: fell due while nobody was up; two replicas come back, one tells of it."""
    client = CommandClient(broker)
    await client.send(create(key="slow"), timeout=30)
    await replicas.stop()
    # The customer asks while tickets is down; it is due one second later.
    asked = datetime.now(UTC)
    await StreamPublisher(broker, "SUPPORT").publish_all(
        [said(1, asked, "agent"), said(2, asked + MOMENT, "customer")]
    )
    await replicas.start()
    await replicas.start()
    (breach,) = await breaches(streams_applied, 1)
    assert isinstance(breach.data, SlaBreached)
    assert breach.data.clock == "next_response"
    assert breach.time == breach.data.due_at
    assert breach.data.noticed_at >= breach.data.due_at
    found = await events(streams_applied)
    begun = [each for each in found if isinstance(each.data, SlaStarted)]
    assert breach.causationid in {each.id for each in begun}
    await replicas.stop()
    await replicas.start()  # a third look finds nothing more to tell
    await client.send(create(key="other", priority="low"), timeout=30)
    found = await events(streams_applied)
    mine = [each for each in found if each.subject == "ticket/T-1001"]
    assert [each.version for each in mine] == list(range(1, len(mine) + 1))
    assert len([each for each in mine if isinstance(each.data, SlaBreached)]) == 1
    messages = [said(1, asked, "agent"), said(2, asked + MOMENT, "customer")]
    log = [step_of(each) for each in [*mine, *messages]]
    findings, strays = agreement(log, datetime.now(UTC))
    assert strays == []
    assert [each.differences for each in findings] == [() for _ in findings]
    assert len(findings) == 2


async def test_tickets_keeps_what_is_due_in_its_own_database(
    replicas: Replicas, broker: ServiceBroker, streams_applied: JetStreamContext
) -> None:
    """The due time stands in the document of the ticket, and is gone once it is told."""
    client = make_client(replicas.settings, "test")
    tickets = database(client)["tickets"]
    await CommandClient(broker).send(create(priority="normal"), timeout=30)
    found = await tickets.find_one({"_id": "main:T-1001"})
    assert found is not None
    assert found["state"]["due_at"] > datetime.now(UTC)
    names = {index["name"] async for index in tickets.list_indexes()}
    assert {"due", "of_conversation"} <= names
    client.close()


async def test_links_are_followed_both_ways(mongo_db: Database) -> None:
    """Up to what leads and down to what is led; the newest link of a conversation counts."""
    links = MongoLinks(mongo_db["links"])
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    await links.remember("main", Link("cv_b", "cv_a", now, "e1"))
    await links.remember("main", Link("cv_c", "cv_a", now))
    await links.remember("main", Link("cv_d", "cv_c", now))
    await links.remember("main", Link("cv_d", "cv_z", now - MOMENT))
    await links.remember("elsewhere", Link("cv_x", "cv_a", now))
    group = await links.around("main", "cv_d")
    assert group.of("cv_d") == ("cv_d", "cv_a", "cv_b", "cv_c")
    assert group.hears("cv_d", "cv_b", now - MOMENT, "e1")
    assert (await links.around("main", "cv_y")).of("cv_y") == ("cv_y",)
