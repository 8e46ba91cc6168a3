"""Customers who write again and again, and customers who wait: marked by a rule, on facts."""

import json
from datetime import timedelta

import pytest
from casetrail_contracts import Actor, Event, EventData
from casetrail_contracts.commands import DeescalateConversation
from casetrail_contracts.registry.conversation import ConversationEscalated
from casetrail_routing.adapters.rules_yaml import parse_rules
from casetrail_routing.domain.complaints import EscalationRules
from casetrail_routing.domain.patience import Heard, Memory

from tests.unit.routing import samples
from tests.unit.routing.memory import START
from tests.unit.routing.world import World

RULES = """
rules:
  - {name: slow, means: It is slow., times: 2, phrases: {en: [slow]}}
repeats:
  - {name: again, means: Writes again., messages: 3, over_minutes: 10}
waiting:
  - {name: overdue, means: Waits., minutes: 60}
"""


@pytest.fixture
def world() -> World:
    """A world with one agent and the rules above."""
    world = World()
    world.rules = parse_rules(RULES, "rules.yaml")
    return world


async def says(world: World, text: str = "salam", *, after: float = 0) -> Event:
    """The customer writes, so many minutes after the last thing that happened."""
    world.clock.forward(minutes=after)
    message = samples.message(text=text, at=world.clock.time)
    await world.receive(message)
    return message


async def answers(world: World, *, kind: str = "agent") -> None:
    """A message goes out to the customer."""
    sent = Event(
        id=f"sent {world.clock()}",
        source="casetrail/ingest",
        type="casetrail.message.sent.v1",
        subject="message/ms_9",
        time=world.clock.time,
        workspace="main",
        conversationid="cv_1",
        data=EventData(actor=Actor.model_validate({"kind": kind, "id": "a"})),
    )
    await world.receive(sent)


def mark(world: World) -> ConversationEscalated | None:
    """The last mark of the case."""
    found = [event.data for event in world.events()]
    marks = [data for data in found if isinstance(data, ConversationEscalated)]
    return marks[-1] if marks else None


async def test_messages_that_pile_up_mark_the_case(world: World) -> None:
    """The event has rule, version, text, how many, since when, and which messages."""
    sent = [await says(world), await says(world, after=5)]
    assert mark(world) is None
    sent.append(await says(world, after=5))
    data = mark(world)
    assert data is not None
    assert (data.trigger, data.rule, data.matched) == ("rule", "again", [])
    rule = {"name": "again", "means": "Writes again.", "messages": 3, "over_minutes": 10}
    assert json.loads(data.rule_text or "") == rule
    assert data.observed is not None
    assert (data.observed.messages, data.observed.since) == (3, sent[0].time)
    assert data.observed.message_event_ids == [message.id for message in sent]
    assert world.events()[-1].causationid == sent[-1].id


async def test_several_bubbles_at_once_are_one_thought(world: World) -> None:
    """So many messages within the rule's minutes are not written again and again."""
    for _ in range(6):
        await says(world, after=1)
    assert mark(world) is None


@pytest.mark.parametrize(("kind", "marked"), [("agent", 0), ("unknown", 0), ("service", 1)])
async def test_a_persons_answer_ends_the_wait(world: World, kind: str, marked: int) -> None:
    """An automatic message does not."""
    await says(world)
    await says(world, after=6)
    await answers(world, kind=kind)
    await says(world, after=6)
    assert (mark(world) is not None) == bool(marked)


async def test_the_same_complaint_again_marks_the_case(world: World) -> None:
    """A rule of two times needs two messages, answered or not; the event names both."""
    first = await says(world, "this is slow")
    assert mark(world) is None
    assert world.conversation().topic == "slow"
    await answers(world)
    await says(world, "thanks", after=1)
    second = await says(world, "still slow", after=1)
    data = mark(world)
    assert data is not None
    assert data.observed is not None
    assert (data.rule, [match.phrase for match in data.matched]) == ("slow", ["slow"])
    assert data.observed.message_event_ids == [first.id, second.id]


async def test_a_copy_is_no_second_message(world: World) -> None:
    """INVARIANT I3: the same message again is not the customer writing again."""
    message = await says(world, "this is slow")
    world.processed.marks.clear()
    await world.receive(message)
    assert mark(world) is None


async def test_who_waits_too_long_is_marked_once(world: World) -> None:
    """With the facts; taken back by a person it stays so for this wait, not for the next."""
    message = await says(world)
    world.clock.forward(minutes=59)
    assert await world.escalate_waiting.look() == 0
    world.clock.forward(minutes=2)
    assert await world.escalate_waiting.look() == 1
    data = mark(world)
    assert data is not None
    assert (data.rule, data.reason) == ("overdue", "no answer so far")
    assert (data.actor.kind, data.actor.rule) == ("service", "overdue")
    assert data.observed is not None
    assert (data.observed.since, data.observed.seconds // 60) == (message.time, 61)
    assert world.events()[-1].causationid == message.id
    await world.ask(samples.on_case(DeescalateConversation, reason="called them"))
    world.clock.forward(hours=5)
    assert await world.escalate_waiting.look() == 0
    await answers(world)
    await says(world, after=1)
    world.clock.forward(minutes=61)
    assert await world.escalate_waiting.look() == 1


@pytest.mark.parametrize("ending", ["answer", "close"])
async def test_an_answer_or_a_close_ends_the_wait(world: World, ending: str) -> None:
    """Nobody waits any more, so nothing is overdue."""
    await says(world)
    if ending == "answer":
        await answers(world)
    else:
        await world.ask(samples.close())
        await world.receive(world.events()[-1])
    world.clock.forward(hours=3)
    assert await world.escalate_waiting.look() == 0
    assert mark(world) is None


async def test_a_restart_forgets_no_wait(world: World) -> None:
    """What waits is in the store: a process that starts later finds it."""
    await says(world)
    world.clock.forward(hours=9)
    successor = type(world.escalate_waiting)(
        world.escalate_waiting.custody, world.memories, lambda: world.rules, world.clock
    )
    assert await successor.look() == 1


def test_what_is_unanswered_does_not_depend_on_the_order_of_arrival() -> None:
    """An answer heard of before the message it came after is no answer to it."""
    early, late = Heard("m1", START), Heard("m2", START + timedelta(minutes=5))
    memory = Memory((early, late), START + timedelta(minutes=1))
    assert memory.unanswered == (late,)
    assert Memory((early, late)).unanswered == (early, late)
    assert EscalationRules(()).waiting == ()
