"""Cases that are offered: accepted, declined, expired, and never given to two people."""

import asyncio
from datetime import timedelta

import pytest
from casetrail_contracts.commands import (
    AcceptConversation,
    ClaimConversation,
    DeclineConversation,
    ReleaseConversation,
    TransferConversation,
)
from casetrail_contracts.registry.conversation import (
    ConversationAccepted,
    ConversationAssigned,
    ConversationUnassigned,
)
from casetrail_routing.domain.custody_policy import CustodyPolicy

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World

OFFERS = CustodyPolicy(queue="offer", accept_within=timedelta(seconds=60))


@pytest.fixture
async def world() -> World:
    """A queue that offers; a is on duty with two places, and CASE-1001 is offered to them."""
    made = World(OFFERS)
    await made.on_duty("a", capacity=2)
    await made.receive(samples.message())
    return made


async def expire(world: World, *, after: float = 61) -> int:
    """Lets time pass and ends what is overdue; then the queue is served."""
    world.clock.forward(seconds=after)
    expired = await world.expire_offers()
    await world.serve_queue()
    return expired


async def test_an_offer_takes_a_place_until_it_is_answered(world: World) -> None:
    """Opened, queued, offered in one write; the place is taken, the time to accept is told."""
    assert world.verbs() == ["opened", "queued", "assigned"]
    event = world.events()[-1]
    assert isinstance(event.data, ConversationAssigned)
    assert event.data.accept_by == event.time + timedelta(seconds=60)
    assert world.conversation().is_offered
    assert world.load("a") == 1


async def test_an_accepted_offer_is_custody(world: World) -> None:
    """The case is theirs, in the place that the offer had; nothing expires any more."""
    slot = world.conversation().slot
    reply = await world.ask(samples.on_case(AcceptConversation, by="a"))
    assert (reply.status, reply.result["owner"]) == ("ok", "agent:a")
    event = world.events()[-1]
    assert isinstance(event.data, ConversationAccepted)
    assert event.data.actor.id == "a"
    state = world.conversation()
    assert (state.is_offered, state.slot, world.load("a")) == (False, slot, 1)
    assert await expire(world) == 0
    assert world.conversation().owner == "a"


async def test_a_declined_offer_goes_to_the_next(world: World) -> None:
    """Back to the queue with the reason kept apart, and offered to somebody else at once."""
    await world.on_duty("b")
    reply = await world.ask(samples.on_case(DeclineConversation, by="a", reason="on a call"))
    assert reply.status == "ok"
    assert world.verbs()[3:] == ["declined", "queued", "assigned"]
    assert world.events()[3].private_values() == {"reason": "on a call"}
    state = world.conversation()
    assert (state.owner, state.is_offered) == ("b", True)
    assert (world.load("a"), world.load("b")) == (0, 1)


async def test_who_declined_is_not_asked_next(world: World) -> None:
    """With nobody else on shift the case waits, however much time passes."""
    await world.ask(samples.on_case(DeclineConversation, by="a", reason="on a call"))
    world.clock.forward(hours=2)
    await world.drain.sweep()
    assert world.conversation().is_waiting


async def test_an_offer_that_nobody_answers_expires(world: World) -> None:
    """By the rule, with its version, because of the offer; the place is free again."""
    offered = world.events()[-1]
    assert await expire(world, after=50) == 0
    assert await expire(world, after=11) == 1
    assert world.verbs()[3:] == ["unassigned", "queued"]
    left = world.events()[3]
    assert isinstance(left.data, ConversationUnassigned)
    assert left.data.expired is True
    assert (left.data.actor.rule, left.causationid) == ("accept-timer", offered.id)
    assert left.data.actor.rule_version == OFFERS.accept_timer.version
    assert world.load("a") == 0


async def test_an_expired_offer_is_not_made_again_at_once(world: World) -> None:
    """Not to the same person while the timer runs once more; after that they may be back."""
    assert await expire(world) == 1
    assert world.conversation().is_waiting
    await world.drain.sweep()
    assert world.conversation().is_waiting
    world.clock.forward(seconds=60)
    await world.drain.sweep()
    assert (world.conversation().owner, world.conversation().is_offered) == ("a", True)


async def test_an_expired_offer_goes_to_somebody_else_at_once(world: World) -> None:
    """Who is free and was not asked is asked."""
    await world.on_duty("b")
    assert await expire(world) == 1
    assert (world.conversation().owner, world.conversation().is_offered) == ("b", True)


async def test_timers_survive_a_crash(world: World) -> None:
    """INVARIANT I10: killed before or after the write, the offer expires once."""
    world.clock.forward(seconds=61)
    world.conversations.crash = "before"
    with pytest.raises(Crashed):
        await world.expire_offers()
    world.conversations.crash = "after"
    with pytest.raises(Crashed):
        await world.expire_offers()
    assert await world.expire_offers() == 0
    assert world.verbs().count("unassigned") == 1
    world.clock.forward(seconds=6)
    await world.reconcile()
    assert world.load("a") == 0


async def test_two_replicas_expire_an_offer_once(world: World) -> None:
    """INVARIANT I3: both see it overdue, one ends it."""
    world.clock.forward(seconds=61)
    assert sum(await asyncio.gather(world.expire_offers(), world.expire_offers())) == 1
    assert world.verbs().count("unassigned") == 1


async def test_an_answer_and_the_timer_cannot_both_win(world: World) -> None:
    """Accepted while it expires: either it is theirs, or they are told that it is gone."""
    world.clock.forward(seconds=61)
    accept = samples.on_case(AcceptConversation, by="a")
    reply, expired = await asyncio.gather(world.ask(accept), world.expire_offers())
    assert (reply.status == "ok") == (expired == 0)
    assert world.load("a") == (1 if reply.status == "ok" else 0)


@pytest.mark.parametrize("kind", [AcceptConversation, DeclineConversation])
async def test_an_offer_is_answered_by_whom_it_is_made_to(
    world: World, kind: type[AcceptConversation]
) -> None:
    """Not by a colleague, not by a lead, and not twice."""
    for by in ("b", None):
        reply = await world.ask(samples.on_case(kind, by=by, reason="x"))
        assert (reply.status, reply.code) == ("rejected", "not-offered")
    assert (await world.ask(samples.on_case(AcceptConversation, by="a"))).status == "ok"
    reply = await world.ask(samples.on_case(kind, by="a", reason="x"))
    assert (reply.status, reply.code) == ("rejected", "not-offered")


async def test_offers_count_against_capacity(world: World) -> None:
    """Two places, three cases: the third waits although nothing is accepted yet."""
    await world.receive(samples.message("cv_2"))
    await world.receive(samples.message("cv_3"))
    assert world.load("a") == 2
    assert world.conversation("cv_3").is_waiting


async def test_people_move_an_offered_case_as_any_other(world: World) -> None:
    """A lead transfers it outright; whom it is offered to may give it back; nobody claims it."""
    await world.on_duty("b")
    reply = await world.ask(samples.on_case(ClaimConversation, by="b"))
    assert reply.code == "case-has-owner"
    reply = await world.ask(samples.on_case(TransferConversation, owner="b"))
    assert reply.status == "ok"
    assert not world.conversation().is_offered
    assert (world.load("a"), world.load("b")) == (0, 1)
    await world.receive(samples.message("cv_2"))
    release = samples.on_case(ReleaseConversation, "cv_2", "CASE-1002", by="a", reason="x")
    assert (await world.ask(release)).status == "ok"
    assert not world.conversation("cv_2").is_waiting
    assert world.conversation("cv_2").owner == "b"


async def test_without_a_policy_cases_are_given_outright() -> None:
    """Nothing changes for who never chose: no offer, no timer, the same events as before."""
    world = World()
    await world.on_duty("a")
    await world.receive(samples.message())
    assert not world.conversation().is_offered
    event = world.events()[-1]
    assert b"accept_by" not in event.to_bytes()
    assert b"accept_within" not in world.events()[-2].to_bytes()
    assert await expire(world, after=86_400) == 0
