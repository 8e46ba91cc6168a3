"""Tickets on real NATS and MongoDB: commands in, events out, once in effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from casetrail_contracts import Actor, CommandReply, Event, commands, parse_event
from casetrail_contracts.commands import Command
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_contracts.registry.user import UserCreated
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.yaml_file import FileInvalid
from casetrail_tickets.main import create_app
from casetrail_tickets.settings import TicketsSettings
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

AGENT = Actor(kind="agent", id="a", name="Agent A")
CONVERSATION = "cv_test"


@pytest.fixture
async def tickets(
    nats_server: NatsForTests, streams_applied: JetStreamContext, mongo_url: str
) -> AsyncIterator[None]:
    """A running tickets service."""
    settings = TicketsSettings.model_validate({"nats_url": nats_server.url, "mongo_url": mongo_url})
    app = create_app(settings)
    await app.start()
    yield
    await app.stop()


@pytest.fixture
def client(tickets: None, broker: ServiceBroker) -> CommandClient:
    """Asks the service."""
    return CommandClient(broker)


def create(key: str = "c1", **fields: Any) -> commands.CreateTicket:
    """The command that makes a ticket of CASE-1001."""
    return commands.CreateTicket(
        id=derive_id(key),
        workspace="main",
        actor=AGENT,
        conversation_id=CONVERSATION,
        case_id="CASE-1001",
        **{"title": "Parcel never came", **fields},
    )


def on(kind: type[Command], key: str, **fields: Any) -> Command:
    """A command on T-1001."""
    common = {"workspace": "main", "actor": AGENT, "ticket_id": "T-1001"}
    return kind.model_validate({"id": derive_id(key), **common, **fields})


def heard(number: int) -> Event:
    """A message of the conversation."""
    received = datetime(2026, 11, 22, 10, number, tzinfo=UTC)
    origin = WebhookOrigin(received_at=received, body_mac="0" * 64, position="0.0.messages.0")
    return Event.build(
        MessageReceived(
            actor=Actor(kind="customer", id=CONVERSATION),
            message_id=f"ms_{number}",
            message_type="text",
            phone_number_id="100",
            origin=origin,
        ),
        workspace="main",
        source="ingest",
        subject=f"message/ms_{number}",
        time=received,
        id=derive_id("message", number),
        conversationid=CONVERSATION,
        private={"text": f"text {number}"},
    )


def added(user_id: str, role: str) -> Event:
    """A user who was added."""
    return Event.build(
        UserCreated.model_validate(
            {
                "actor": AGENT,
                "user_id": user_id,
                "name": f"Agent {user_id}",
                "role": role,
                "capacity": 3,
            }
        ),
        workspace="main",
        source="routing",
        subject=f"user/{user_id}",
        time=datetime(2026, 11, 22, 10, tzinfo=UTC),
        id=derive_id("user", user_id),
        sequence=1,
    )


async def events(js: JetStreamContext) -> list[Event]:
    """Every event of the stream that tickets published, in order."""
    found = []
    for seq in range(1, (await js.stream_info("SUPPORT")).state.last_seq + 1):
        try:
            data = (await js.get_msg("SUPPORT", seq)).data
        except NotFoundError:
            continue
        event = parse_event(data or b"")
        if event.source == "casetrail/tickets":
            found.append(event)
    return found


async def told(js: JetStreamContext, count: int) -> list[Event]:
    """The events, once there are this many."""

    async def enough() -> list[Event]:
        found = await events(js)
        assert len(found) >= count, [event.noun_verb for event in found]
        return found

    return await eventually(enough)


async def test_the_story_of_a_ticket(
    client: CommandClient, broker: ServiceBroker, streams_applied: JetStreamContext
) -> None:
    """Created with context, handed to the courier, refused without a note, resolved, closed."""
    publisher = StreamPublisher(broker, "SUPPORT")
    await publisher.publish_all([heard(1), heard(2)])

    async def processed() -> bool:
        info = await streams_applied.consumer_info("SUPPORT", "tickets")
        return bool(info.num_pending == 0 and info.num_ack_pending == 0)

    await eventually(processed)
    made = await client.send(create())
    assert made.result == {"ticket_id": "T-1001", "status": "new"}
    await client.send(on(commands.ChangeTicketStatus, "s", status="in_progress"))
    handed = on(commands.HandOffTicket, "h", reference="TCS-88121")
    assert (await client.send(handed)).version == 4
    refused = await client.send(on(commands.CloseTicket, "x"))
    assert (refused.status, refused.code) == ("rejected", "resolution-note-missing")
    await client.send(on(commands.ResolveTicket, "r", note="courier confirmed delivery"))
    closed = await client.send(on(commands.CloseTicket, "c"))
    assert closed.result["status"] == "closed"
    found = await told(streams_applied, 7)
    assert [event.noun_verb for event in found] == [
        "ticket.created",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.handed_off",
        "command.rejected",
        "ticket.resolved",
        "ticket.closed",
    ]
    versions = [event.version for event in found if event.subject == "ticket/T-1001"]
    assert versions == list(range(1, 7))
    created = found[0]
    assert [said["text"] for said in created.private_values()["context"]] == ["text 1", "text 2"]
    assert found[5].private_values() == {"resolution_note": "courier confirmed delivery"}
    assert all(event.data.actor == AGENT for event in found)


async def test_a_command_repeated_is_answered_the_same(
    client: CommandClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I3: fifty copies at once make one ticket, and one more later gets its number."""
    replies = await asyncio.gather(*(client.send(create("once"), timeout=20) for _ in range(50)))
    assert {reply.result["ticket_id"] for reply in replies} == {"T-1001"}
    assert (await client.send(create("once"))).result["ticket_id"] == "T-1001"
    await told(streams_applied, 1)
    assert len(await events(streams_applied)) == 1


async def test_numbers_have_no_gaps(client: CommandClient) -> None:
    """Thirty tickets made at once are T-1001 to T-1030."""
    sent = [client.send(create(f"many {n}"), timeout=20) for n in range(30)]
    numbers = {reply.result["ticket_id"] for reply in await asyncio.gather(*sent)}
    assert numbers == {f"T-{number}" for number in range(1001, 1031)}


async def test_of_two_agents_one_wins(client: CommandClient) -> None:
    """The other is told that the ticket has moved on, and its attempt is recorded."""
    await client.send(create())
    both: list[CommandReply] = await asyncio.gather(
        *(
            client.send(
                on(commands.ChangeTicketStatus, key, status="in_progress", expected_version=1)
            )
            for key in ("one", "two")
        )
    )
    assert sorted(reply.status for reply in both) == ["ok", "rejected"]
    assert {reply.code for reply in both} == {None, "version-conflict"}
    assert {reply.version for reply in both} == {2}, "the loser learns the version it is at"


async def test_a_ticket_is_given_to_somebody_who_exists(
    client: CommandClient, broker: ServiceBroker, streams_applied: JetStreamContext
) -> None:
    """An agent the log tells of, also of a moment ago; nobody else; then taken away again."""
    publisher = StreamPublisher(broker, "SUPPORT")
    await publisher.publish_all([added("b", "agent"), added("r", "reviewer")])
    await client.send(create())
    given = await client.send(on(commands.AssignTicket, "a1", owner="b", reason="knows TCS"))
    assert (given.status, given.version) == ("ok", 2)
    for key, owner, code in (
        ("a2", "b", "nothing-changes"),
        ("a3", "r", "owner-not-found"),
        ("a4", "ghost", "owner-not-found"),
    ):
        refused = await client.send(on(commands.AssignTicket, key, owner=owner), timeout=20)
        assert (refused.status, refused.code) == ("rejected", code)
    assert (await client.send(on(commands.AssignTicket, "a5", owner=None))).version == 3
    found = await told(streams_applied, 6)
    assigned = [event for event in found if event.noun_verb == "ticket.assigned"]
    assert [event.data.model_dump()["owner_name"] for event in assigned] == ["Agent b", None]
    assert assigned[0].private_values()["reason"] == "knows TCS"
    assert sum(event.noun_verb == "command.rejected" for event in found) == 3


async def test_priority_and_links_are_events(
    client: CommandClient, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I3: each once, whatever is sent twice; the versions run on."""
    await client.send(create())
    urgent = on(commands.ChangeTicketPriority, "p", priority="urgent")
    link = on(
        commands.LinkTicket,
        "l",
        target="case/CASE-1002",
        relation="concerns",
        target_conversation_id="cv_other",
    )
    for _ in range(2):
        assert (await client.send(urgent)).version == 2
        assert (await client.send(link)).version == 3
    again = await client.send(
        on(commands.LinkTicket, "m", target="case/CASE-1002", relation="concerns")
    )
    assert (again.status, again.code) == ("rejected", "nothing-changes")
    found = await told(streams_applied, 4)
    assert [event.noun_verb for event in found[:3]] == [
        "ticket.created",
        "ticket.priority_changed",
        "ticket.linked",
    ]
    assert [event.version for event in found[:3]] == [1, 2, 3]


async def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Every fault of the life cycles, with its line, before anything is connected."""
    file = tmp_path / "cycles.yaml"
    file.write_text("life_cycles:\n  default: {states: {}, moves: {}}\n", "utf-8")
    settings = {"nats_url": "nats://127.0.0.1:1", "mongo_url": "mongodb://127.0.0.1:1/tickets"}
    with pytest.raises(FileInvalid, match=r"cycles\.yaml: line 2: .* needs one state"):
        create_app(TicketsSettings.model_validate({**settings, "life_cycles_file": file}))


async def test_a_ticket_nobody_made_is_refused_and_recorded(
    client: CommandClient, streams_applied: JetStreamContext
) -> None:
    """The attempt is in the log although there is no ticket to hang it on."""
    reply = await client.send(on(commands.CloseTicket, "c", ticket_id="T-4711", note="gone"))
    assert (reply.status, reply.code) == ("rejected", "ticket-not-found")
    (event,) = await told(streams_applied, 1)
    assert event.noun_verb == "command.rejected"
