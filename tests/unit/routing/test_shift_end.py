"""What becomes of the cases of somebody whose shift ends."""

from datetime import timedelta

import pytest
from casetrail_contracts import Event
from casetrail_contracts.commands import AcceptConversation
from casetrail_contracts.registry.conversation import ConversationUnassigned
from casetrail_routing.domain.custody_policy import AtShiftEnd, CustodyPolicy

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World


async def ended(policy: AtShiftEnd) -> tuple[World, Event]:
    """A holds two cases and goes off duty; the event that says so has not been heard of yet."""
    world = World(CustodyPolicy(shift_end=policy, accept_within=timedelta(minutes=5)))
    await world.on_duty("a")
    await world.receive(samples.message("cv_1"))
    await world.receive(samples.message("cv_2"))
    assert (await world.ask(samples.shift_end("a"))).status == "ok"
    return world, world.user_events("a")[-1]


async def test_by_default_cases_stay() -> None:
    """Keep: nothing is moved, and nothing is said."""
    world, event = await ended("keep")
    before = list(world.log)
    await world.receive(event)
    assert world.log == before
    assert world.load("a") == 2


async def test_cases_go_back_to_the_queue() -> None:
    """By the policy's rule, because the shift ended; never by the person who ended it."""
    world, event = await ended("queue")
    await world.receive(event)
    for conversation_id in ("cv_1", "cv_2"):
        left, queued = world.events(conversation_id)[-2:]
        assert isinstance(left.data, ConversationUnassigned)
        assert (left.data.actor.kind, left.data.actor.rule) == ("service", "shift-end")
        assert left.data.on_behalf_of is None
        assert left.causationid == queued.causationid == event.id
    assert world.load("a") == 0


async def test_the_next_shift_is_asked_although_the_queue_assigns() -> None:
    """Offer: whoever is free is offered the case, now or when their shift starts."""
    world, event = await ended("offer")
    await world.receive(event)
    await world.on_duty("b")
    await world.serve_queue()
    assert all(world.conversation(cv).is_offered for cv in ("cv_1", "cv_2"))
    assert (await world.ask(samples.on_case(AcceptConversation, by="b"))).status == "ok"
    await world.receive(samples.message("cv_3"))
    assert (world.conversation("cv_3").owner, world.conversation("cv_3").is_offered) == ("b", False)


async def test_a_second_delivery_moves_nothing_more() -> None:
    """INVARIANT I3: a case taken since by the same person, off shift, stays with them."""
    world, event = await ended("queue")
    await world.receive(event)
    assert (await world.ask(samples.assign("a"))).status == "ok"
    before = list(world.log)
    await world.receive(event)
    assert world.log == before


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_leaves_no_case_behind(when: str) -> None:
    """INVARIANT I10: killed between two cases, the redelivery passes on the rest, each once."""
    world, event = await ended("queue")
    world.conversations.crash = "before" if when == "before" else "after"
    with pytest.raises(Crashed):
        await world.receive(event)
    await world.receive(event)
    for conversation_id in ("cv_1", "cv_2"):
        assert world.verbs(conversation_id).count("unassigned") == 1
        assert world.conversation(conversation_id).is_waiting


async def test_who_is_back_on_shift_keeps_their_cases() -> None:
    """A shift that was ended by mistake and started again costs nobody their cases."""
    world, event = await ended("queue")
    assert (await world.ask(samples.shift_start("a"))).status == "ok"
    await world.receive(event)
    assert world.load("a") == 2
