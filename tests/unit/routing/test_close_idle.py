"""Cases in which nothing happens any more, and those that only look like it."""

import asyncio
from datetime import timedelta

import pytest
from casetrail_contracts import Actor, Event
from casetrail_contracts.commands import AddCaseNote
from casetrail_contracts.registry import ticket
from casetrail_contracts.registry.conversation import ConversationClosed
from casetrail_routing.domain.custody_policy import CustodyPolicy
from casetrail_routing.use_cases.close_idle import words

from tests.unit.routing import samples
from tests.unit.routing.world import World

POLICY = CustodyPolicy(close_idle_after=timedelta(hours=72))
AGENT = Actor(kind="agent", id="a")
CREATED = ticket.TicketCreated(
    actor=AGENT,
    ticket_id="T-1001",
    priority="normal",
    context=ticket.ContextSnapshot(message_count=1),
)
CLOSED = ticket.TicketClosed(actor=AGENT, old="resolved")


@pytest.fixture
async def world() -> World:
    """Agent a is on duty and holds CASE-1001; everything that happened has been heard of."""
    made = World(POLICY)
    await made.on_duty("a")
    await hear(made, samples.message(text="salam"))
    return made


async def hear(world: World, *events: Event) -> None:
    """The events arrive, and with them what routing made of them."""
    for event in events:
        if event.noun_verb == "message.received":
            await world.receive(event)
        await world.note_activity(event)
    for event in world.conversations.events():
        if event.conversationid is not None:
            await world.note_activity(event)


async def test_an_idle_case_is_closed_by_the_rule(world: World) -> None:
    """With the rule's version, why in words, and the last thing that happened as the cause."""
    last, *same_write = world.events()
    assert {event.time for event in same_write} == {last.time}
    world.clock.forward(hours=71)
    assert await world.close_idle() == 0
    world.clock.forward(hours=2)
    assert await world.close_idle() == 1
    closed = world.events()[-1]
    assert isinstance(closed.data, ConversationClosed)
    assert (closed.data.actor.rule, closed.data.reason) == (
        "close-idle",
        "nothing happened for 3 days",
    )
    assert closed.data.actor.rule_version == POLICY.idle_close.version
    assert closed.causationid == last.id
    assert world.load("a") == 0
    assert await world.close_idle() == 0


async def test_whatever_happens_begins_the_wait_anew(world: World) -> None:
    """A message, a note: 72 hours from then."""
    world.clock.forward(hours=60)
    await hear(world, samples.message(at=world.clock.time))
    world.clock.forward(hours=60)
    assert (await world.ask(samples.on_case(AddCaseNote, by="a", note="n"))).status == "ok"
    await hear(world)
    world.clock.forward(hours=71)
    assert await world.close_idle() == 0
    world.clock.forward(hours=2)
    assert await world.close_idle() == 1


async def test_what_was_not_heard_of_yet_counts_as_well(world: World) -> None:
    """A note that is in the document and not yet in the stream: the case is not idle."""
    world.clock.forward(hours=73)
    assert (await world.ask(samples.on_case(AddCaseNote, by="a", note="n"))).status == "ok"
    assert await world.close_idle() == 0


async def test_an_escalated_case_is_left_to_people(world: World) -> None:
    """Nobody's complaint ends by itself."""
    await hear(world, samples.message(text="parcel nahi aya"))
    assert world.conversation().escalated
    world.clock.forward(hours=100)
    assert await world.close_idle() == 0


@pytest.mark.parametrize("backwards", [False, True])
async def test_an_open_ticket_keeps_its_case_open(world: World, *, backwards: bool) -> None:
    """Until it is closed, in whatever order its events are heard of, and however often."""
    created = samples.of_ticket(CREATED, 1, world.clock.time)
    await hear(world, created)
    world.clock.forward(hours=100)
    assert await world.close_idle() == 0
    closed = samples.of_ticket(CLOSED, 2, world.clock.time)
    await hear(world, *((closed, created, created) if backwards else (created, closed)))
    assert await world.close_idle() == 0
    world.clock.forward(hours=73)
    assert await world.close_idle() == 1


async def test_two_replicas_close_a_case_once(world: World) -> None:
    """INVARIANT I3: both find it idle, one closes it."""
    world.clock.forward(hours=73)
    assert sum(await asyncio.gather(world.close_idle(), world.close_idle())) == 1
    assert world.verbs().count("closed") == 1


async def test_without_a_policy_only_people_close_cases() -> None:
    """The default."""
    world = World()
    await hear(world, samples.message())
    world.clock.forward(hours=9000)
    assert await world.close_idle() == 0


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(days=3), "3 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=24), "1 day"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_times_are_told_in_words(time: timedelta, said: str) -> None:
    """The largest unit that is exact."""
    assert words(time) == said
