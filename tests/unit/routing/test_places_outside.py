"""A case that a courier has takes no place of its owner, where the workspace says so."""

from typing import Any

import pytest
from casetrail_contracts import Actor, EventData
from casetrail_contracts.commands import LinkConversation
from casetrail_contracts.registry import ticket
from casetrail_routing.domain.custody_policy import CustodyPolicy
from casetrail_routing.ports import Key

from tests.unit.routing import samples
from tests.unit.routing.world import World

AGENT = Actor(kind="agent", id="a")
LEAVES = ticket.TicketStatusChanged(
    actor=AGENT, old="in_progress", new="awaiting_courier", outside=True
)
RETURNS = ticket.TicketStatusChanged(actor=AGENT, old="awaiting_courier", new="in_progress")
HANDED = ticket.TicketHandedOff(actor=AGENT, to="tcs", reference="TCS-1")


def created(ticket_id: str) -> EventData:
    """A ticket was made."""
    context = ticket.ContextSnapshot(message_count=1)
    return ticket.TicketCreated(actor=AGENT, ticket_id=ticket_id, context=context)


async def hear(world: World, *told: tuple[EventData, int], id_: str = "T-1001") -> None:
    """The events arrive, and whoever waits is served."""
    for data, version in told:
        await world.note_activity(samples.of_ticket(data, version, world.clock.time, id_))
    await world.serve_queue()


async def made(policy: CustodyPolicy) -> World:
    """Agent a has one place: CASE-1001 takes it, CASE-1002 waits."""
    world = World(policy)
    await world.on_duty("a", capacity=1)
    await world.receive(samples.message("cv_1", text="salam"))
    await world.receive(samples.message("cv_2", text="salam"))
    await world.serve_queue()
    assert world.conversation("cv_1").owner == "a"
    assert world.conversation("cv_2").is_waiting
    return world


@pytest.fixture
async def world() -> World:
    """Where such cases take no place."""
    return await made(CustodyPolicy(outside="free"))


async def test_who_waits_gets_the_place(world: World) -> None:
    """The event names the hand-off as what made somebody free; the case keeps its owner."""
    await hear(world, (created("T-1001"), 1), (LEAVES, 2), (HANDED, 3))
    assert world.conversation("cv_1").owner == "a"
    assert world.conversation("cv_2").owner == "a"
    assert world.events("cv_2")[-1].causationid == "T-1001 2"
    await world.receive(samples.message("cv_3", text="salam"))
    await world.serve_queue()
    assert world.conversation("cv_3").is_waiting, "one place, and CASE-1002 has it"


async def test_what_comes_back_counts_again(world: World) -> None:
    """Over the capacity then, and nobody gives them more until they have room."""
    await hear(world, (created("T-1001"), 1), (LEAVES, 2))
    assert world.conversation("cv_2").owner == "a"
    await hear(world, (RETURNS, 3))
    await world.receive(samples.message("cv_3", text="salam"))
    reply = await world.ask(samples.close("cv_2", "CASE-1002"))
    assert reply.status == "ok"
    assert world.conversation("cv_3").is_waiting, "CASE-1001 has the place again"


@pytest.mark.parametrize(
    "back",
    [
        ticket.TicketResolved(actor=AGENT, old="awaiting_courier"),
        ticket.TicketReopened(actor=AGENT, old="resolved"),
    ],
)
async def test_what_is_resolved_or_reopened_is_at_hand(world: World, back: EventData) -> None:
    """Without a move of its own: the place counts until the ticket is closed or leaves."""
    await hear(world, (created("T-1001"), 1), (LEAVES, 2))
    (slot, _) = await world.slots.reserved()
    assert await world.slots.marked() == {slot.conversation}
    await hear(world, (back, 3))
    assert await world.slots.marked() == set()


async def test_as_long_as_anything_is_at_hand_the_place_counts(world: World) -> None:
    """Another open ticket; when that one is closed, everything open is outside."""
    await hear(world, (created("T-1002"), 1), id_="T-1002")
    await hear(world, (created("T-1001"), 1), (LEAVES, 2))
    assert world.conversation("cv_2").is_waiting
    closed = ticket.TicketClosed(actor=AGENT, old="resolved")
    await hear(world, (closed, 2), id_="T-1002")
    assert world.conversation("cv_2").owner == "a"


async def test_any_order_and_any_number_of_copies(world: World) -> None:
    """The newest version says where the ticket is."""
    await hear(world, (RETURNS, 3), (LEAVES, 2), (created("T-1001"), 1), (LEAVES, 2))
    assert world.conversation("cv_2").is_waiting
    await hear(world, (LEAVES, 4), (RETURNS, 3), (LEAVES, 4))
    assert world.conversation("cv_2").owner == "a"


async def test_a_crash_before_the_mark_is_healed(world: World) -> None:
    """Heard of and not marked: the next reconciliation marks it, and says so."""
    for data, version in ((created("T-1001"), 1), (LEAVES, 2)):
        event = samples.of_ticket(data, version, world.clock.time)
        await world.note_activity(event)
    (slot,) = await world.slots.reserved()
    await world.slots.mark(slot.conversation, outside=False)
    world.requests.asked.clear()
    assert (await world.reconcile()).marked == 1
    await world.serve_queue()
    assert world.conversation("cv_2").owner == "a"
    assert (await world.reconcile()).marked == 0


async def test_by_default_the_case_keeps_its_place() -> None:
    """Nothing changes for who never chose; marks of another policy are taken away."""
    world = await made(CustodyPolicy())
    await hear(world, (created("T-1001"), 1), (LEAVES, 2), (HANDED, 3))
    assert world.conversation("cv_2").is_waiting
    (slot,) = await world.slots.reserved()
    await world.slots.mark(slot.conversation, outside=True)
    assert (await world.reconcile()).marked == 1
    assert await world.slots.marked() == set()


async def linking(world: World) -> None:
    """CASE-1002 goes on in CASE-1001, which agent a has."""
    reply = await world.ask(
        samples.on_case(
            LinkConversation,
            "cv_2",
            "CASE-1002",
            reason="the same customer",
            into_conversation_id="cv_1",
            into_case_id="CASE-1001",
        )
    )
    assert reply.status == "ok"


@pytest.mark.parametrize("moment", ["carried", "looked up"])
async def test_heard_of_while_conversations_are_linked_it_counts_where_they_are_led(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """After the link has carried what was known; or before, when only the look was earlier."""
    events = [
        samples.of_ticket(data, version, world.clock.time, conversation_id="cv_2")
        for version, data in enumerate((created("T-1001"), LEAVES), 1)
    ]
    if moment == "carried":
        carry = world.activity.carry

        async def carry_and_hear(source: Key, target: Key) -> None:
            monkeypatch.undo()
            await carry(source, target)
            for event in events:
                await world.note_activity(event)

        monkeypatch.setattr(world.activity, "carry", carry_and_hear)
        await linking(world)
        await world.note_activity(world.events("cv_2")[-1])
    else:
        heard = world.activity.heard

        async def link_and_hear(*what: Any) -> None:
            monkeypatch.undo()
            await linking(world)
            await world.note_activity(world.events("cv_2")[-1])
            await heard(*what)

        await world.note_activity(events[0])
        monkeypatch.setattr(world.activity, "heard", link_and_hear)
        await world.note_activity(events[1])
    assert await world.slots.marked() == {Key("main", "cv_1")}


async def test_heard_of_before_its_conversation_is_known_it_counts_where_that_is_led(
    world: World,
) -> None:
    """A first message links without anything to carry; the event of the link brings it over."""
    for version, data in enumerate((created("T-1001"), LEAVES), 1):
        event = samples.of_ticket(data, version, world.clock.time, conversation_id="cv_3")
        await world.note_activity(event)
    await world.receive(samples.identified("cv_3", "cv_1"))
    await world.receive(samples.message("cv_3", at=world.clock.time))
    await world.note_activity(world.events("cv_3")[-1])
    assert await world.slots.marked() == {Key("main", "cv_1")}
