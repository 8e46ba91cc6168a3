"""One action on many tickets, on real NATS and MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from casetrail_contracts import CommandReply
from casetrail_contracts.commands import BulkTickets, ReadBulk
from casetrail_contracts.ids import derive_id
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.mongo import Database
from casetrail_tickets.adapters.mongo_bulks import MongoBulks
from casetrail_tickets.domain.bulk import Bulk, Outcome
from casetrail_tickets.main import create_app
from casetrail_tickets.settings import TicketsSettings
from nats.js import JetStreamContext

from tests.integration.tickets.test_tickets_on_real_servers import AGENT, create, told
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually
from tests.unit.tickets.desk import MONDAY

NOTE = "Courier strike: delivered by our own riders."
TICKETS = [f"T-{number}" for number in range(1001, 1061)]


@pytest.fixture
async def client(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    broker: ServiceBroker,
) -> AsyncIterator[CommandClient]:
    """Asks two replicas of the tickets service."""
    settings = [
        TicketsSettings.model_validate(
            {"nats_url": nats_server.url, "mongo_url": mongo_url, "instance": f"tickets-{n}"}
        )
        for n in (1, 2)
    ]
    apps = [create_app(each) for each in settings]
    for app in apps:
        await app.start()
    yield CommandClient(broker)
    for app in apps:
        await app.stop()


def bulk(action: dict[str, Any], mode: str, key: str = "bulk") -> BulkTickets:
    """The action on all tickets."""
    return BulkTickets.model_validate(
        {
            "id": derive_id(key),
            "workspace": "main",
            "actor": AGENT,
            "ticket_ids": TICKETS,
            "action": action,
            "mode": mode,
        }
    )


async def ended(client: CommandClient, command: BulkTickets) -> dict[str, Any]:
    """The progress, once it has ended."""

    async def done() -> dict[str, Any]:
        ask = ReadBulk(id="r", workspace="main", actor=AGENT, bulk_id=command.id)
        told = (await client.send(ask)).result
        assert told["ended_at"] is not None, told["state"]
        return told

    return await eventually(done, within=60)


async def test_sixty_tickets_are_closed_once_each(
    client: CommandClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I3: asked for twice, by two replicas: one event per ticket; all refuses as one."""
    made = await asyncio.gather(*(client.send(create(f"m{n}"), timeout=60) for n in range(60)))
    assert {reply.result["ticket_id"] for reply in made} == set(TICKETS)
    too_early = bulk({"kind": "close", "note": NOTE}, "all", "early")
    await client.send(too_early, timeout=20)
    refused = await ended(client, too_early)
    assert (refused["state"], refused["done"], refused["refused"]) == ("refused", 0, 60)
    begin = bulk({"kind": "status", "status": "in_progress"}, "all", "begin")
    await client.send(begin, timeout=20)
    assert (await ended(client, begin))["done"] == 60
    close = bulk({"kind": "close", "note": NOTE}, "each")
    taken: list[CommandReply] = [await client.send(close, timeout=20) for _ in range(2)]
    assert [reply.result["bulk_id"] for reply in taken] == [close.id] * 2
    assert (await ended(client, close))["done"] == 60
    found = await told(streams_applied, 60 * 4 + 1)
    names = [event.noun_verb for event in found]
    assert {name: names.count(name) for name in set(names)} == {
        "ticket.created": 60,
        "ticket.status_changed": 60,
        "ticket.resolved": 60,
        "ticket.closed": 60,
        "command.rejected": 1,
    }


async def test_one_replica_is_at_a_bulk(mongo_db: Database) -> None:
    """A lease by MongoDB's clock; the decision is made once; texts leave with the end."""
    first, second = (MongoBulks(mongo_db["bulks"], holder) for holder in ("one", "two"))
    asked = bulk({"kind": "note", "note": "$NOTE"}, "each")
    taken = Bulk(
        bulk_id=asked.id,
        workspace="main",
        kind="note",
        mode="each",
        ticket_ids=TICKETS,
        asked=asked.model_dump(mode="json"),
        state="accepted",
        outcomes={},
        taken_at=MONDAY,
    )
    await first.add(taken)
    await first.add(taken)
    claimed = await first.claim()
    assert claimed == taken
    assert await second.claim() is None
    refused = {"T-1001": Outcome("refused", "code", "$detail", 3)}
    assert (await first.decided(taken, {}, "running")).state == "running"
    assert (await second.decided(taken, refused, "refusing")).state == "running"
    assert not await second.note(taken, refused, state="running")
    assert await first.note(taken, refused, state="running")
    await first.end(taken, "done", MONDAY)
    found = await first.find("main", asked.id)
    assert found is not None
    assert (found[0].outcomes, found[0].asked) == (refused, None)
    assert (await first.claim(), await first.find("other", asked.id)) == (None, None)


async def test_a_bulk_that_is_not_there(client: CommandClient) -> None:
    """It is told as not found."""
    ask = ReadBulk(id="r", workspace="main", actor=AGENT, bulk_id="none")
    assert (await client.send(ask)).code == "bulk-not-found"
