"""A customer with several conversations is served in one of them."""

from typing import Any

import pytest
from casetrail_contracts import CommandReply
from casetrail_contracts.commands import LinkConversation
from casetrail_contracts.registry.conversation import (
    ConversationClosed,
    ConversationEscalated,
    ConversationLinked,
    ConversationOpened,
    ConversationReopened,
)
from casetrail_routing.ports import Key

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World

OLD, NEW, THIRD = "cv_old", "cv_new", "cv_third"


def link(source: str, case_id: str, target: str, into: str, **fields: Any) -> LinkConversation:
    """A lead links one case to another."""
    return samples.on_case(
        LinkConversation,
        source,
        case_id,
        reason="the same customer, says her brother",
        into_conversation_id=target,
        into_case_id=into,
        **fields,
    )


def linked(world: World, conversation_id: str) -> ConversationLinked:
    """The link that a conversation recorded last."""
    data = world.events(conversation_id)[-1].data
    assert isinstance(data, ConversationLinked)
    return data


async def test_a_new_number_goes_on_in_the_case_of_the_old_one() -> None:
    """A first message from a new number goes into the case there is, and says so."""
    world = World()
    await world.on_duty("a")
    await world.receive(samples.message(OLD))
    told = samples.identified(NEW, OLD)
    await world.receive(told)
    assert world.verbs(NEW) == []  # nobody has written there yet
    await world.receive(samples.message(NEW, "refund!"))
    assert world.verbs(OLD) == ["opened", "queued", "assigned", "escalated"]
    assert world.verbs(NEW) == ["linked"]
    [event] = world.events(NEW)
    assert (event.caseid, event.version, event.conversationid) == ("CASE-1001", 1, NEW)
    data = linked(world, NEW)
    assert data.linked_to == OLD
    assert (data.linked_case_id, data.merged_case_id) == ("CASE-1001", None)
    assert data.identity_event_id == told.id
    assert world.load("a") == 1


async def test_what_is_written_in_a_linked_conversation_reopens_and_says_where() -> None:
    """A message from a linked conversation reopens or opens a case of the leading one."""
    world = World()
    await world.receive(samples.message(OLD))
    await world.receive(samples.identified(NEW, OLD))
    await world.ask(samples.close(OLD))
    again = samples.message(NEW, at=world.clock.time)
    await world.receive(again)
    reopened = next(e.data for e in world.events(OLD) if isinstance(e.data, ConversationReopened))
    assert reopened.message_event_id == again.id
    assert reopened.message_conversation_id == NEW
    await world.ask(samples.close(OLD))
    world.clock.forward(hours=100)
    await world.receive(samples.message(NEW, at=world.clock.time))
    opened = [e.data for e in world.events(OLD) if isinstance(e.data, ConversationOpened)]
    assert [data.message_conversation_id for data in opened] == [None, NEW]
    assert world.conversation(OLD).case_id == "CASE-1002"
    assert world.verbs(NEW) == ["linked"]


async def test_the_newer_of_two_open_cases_is_merged_and_its_mark_stays() -> None:
    """Two open cases become one: the older, with the other's mark."""
    world = World()
    await world.on_duty("a", "b", capacity=1)
    await world.receive(samples.message(OLD))
    world.clock.forward(minutes=5)
    await world.receive(samples.message(NEW, "refund!", at=world.clock.time))
    assert (world.load("a"), world.load("b")) == (1, 1)
    told = samples.identified(NEW, OLD)
    await world.receive(told)
    await world.serve_queue()
    assert world.verbs(NEW) == ["opened", "queued", "assigned", "escalated", "closed", "linked"]
    closed, link_event = world.events(NEW)[-2:]
    assert isinstance(closed.data, ConversationClosed)
    assert closed.data.merged_into == "CASE-1001"
    assert (closed.caseid, link_event.caseid) == ("CASE-1002", "CASE-1001")
    assert linked(world, NEW).merged_case_id == "CASE-1002"
    mark = world.events(OLD)[-1]
    assert isinstance(mark.data, ConversationEscalated)
    assert mark.data.reason == "the case merged into it was"
    assert mark.causationid == told.id
    assert world.load("a") + world.load("b") == 1


async def test_told_again_nothing_happens() -> None:
    """The same told again, or the other way round, changes nothing."""
    world = World()
    await world.receive(samples.message(OLD))
    await world.receive(samples.message(NEW))
    told = samples.identified(NEW, OLD)
    await world.receive(told)
    before = list(world.log)
    await world.receive(told)
    await world.receive(samples.identified(OLD, NEW))
    assert world.log == before


async def test_killed_between_mark_and_merge_it_is_made_good() -> None:
    """A crash after the mark and before the merge: doing it again completes it."""
    world = World()
    await world.receive(samples.message(OLD))
    world.clock.forward(minutes=5)
    await world.receive(samples.message(NEW, "refund!", at=world.clock.time))
    told = samples.identified(NEW, OLD)
    world.conversations.crash = "after"  # dies after it has marked the older case
    with pytest.raises(Crashed):
        await world.receive(told)
    assert world.verbs(NEW)[-1] == "escalated"
    await world.receive(told)
    assert world.verbs(NEW)[-2:] == ["closed", "linked"]
    assert world.verbs(OLD).count("escalated") == 1


async def test_ids_told_while_the_first_case_is_opened_are_joined() -> None:
    """Neither sees the other's write first: the later look joins them."""
    world = World()
    await world.receive(samples.message(OLD))
    told = samples.identified(NEW, OLD)
    home = world.links.home

    async def told_a_moment_later(key: Key, *rest: Any) -> Key:
        found = await home(key, *rest)
        await world.receive(told)  # sees no case in the new conversation: it is not written yet
        return found

    object.__setattr__(world.links, "home", told_a_moment_later)
    await world.receive(samples.message(NEW, at=world.clock.time))
    assert world.verbs(NEW)[-2:] == ["closed", "linked"]


async def test_a_message_for_a_conversation_that_yields_meanwhile_opens_no_second_case() -> None:
    """INVARIANT I5: found to lead, linked by another replica a moment later: led there instead."""
    world = World()
    await world.receive(samples.message(OLD))
    world.clock.forward(minutes=5)
    await world.receive(samples.message(NEW, at=world.clock.time))
    home = world.links.home

    async def linked_a_moment_later(key: Key, *rest: Any) -> Key:
        found = await home(key, *rest)
        object.__setattr__(world.links, "home", home)
        await world.receive(samples.identified(NEW, OLD))
        return found

    object.__setattr__(world.links, "home", linked_a_moment_later)
    await world.receive(samples.message(NEW, "refund!", at=world.clock.time))
    assert world.verbs(NEW)[-2:] == ["closed", "linked"]
    assert world.verbs(NEW).count("opened") == 1
    assert world.verbs(OLD)[-1] == "escalated"


async def test_killed_before_the_later_look_the_redelivery_joins_them() -> None:
    """The first case is written, the process dies; delivered again the message looks once more."""
    world = World()
    await world.receive(samples.message(OLD))
    home = world.links.home

    async def told_a_moment_later(key: Key, *rest: Any) -> Key:
        found = await home(key, *rest)
        await world.receive(samples.identified(NEW, OLD))
        world.conversations.crash = "after"
        return found

    object.__setattr__(world.links, "home", told_a_moment_later)
    message = samples.message(NEW, at=world.clock.time)
    with pytest.raises(Crashed):
        await world.receive(message)
    assert "linked" not in world.verbs(NEW)
    object.__setattr__(world.links, "home", home)
    await world.receive(message)
    assert world.verbs(NEW)[-2:] == ["closed", "linked"]


async def test_ids_of_ids_are_one_customer() -> None:
    """Ids told together with one that was told together with another."""
    world = World()
    await world.receive(samples.message(OLD))
    await world.receive(samples.identified(NEW, OLD))
    await world.receive(samples.identified(THIRD, NEW))
    await world.receive(samples.message(THIRD))
    assert linked(world, THIRD).linked_to == OLD


async def test_a_link_is_followed_to_the_end() -> None:
    """Chains of links lead to one conversation."""
    world = World()
    for conversation_id in (OLD, NEW, THIRD):
        world.clock.forward(minutes=1)
        await world.receive(samples.message(conversation_id, at=world.clock.time))
    await world.receive(samples.identified(THIRD, NEW))
    await world.receive(samples.identified(NEW, OLD))
    await world.receive(samples.message(THIRD, "refund!", at=world.clock.time))
    assert world.verbs(OLD)[-1] == "escalated"
    assert world.verbs(THIRD)[-1] == world.verbs(NEW)[-1] == "linked"


async def test_linked_to_each_other_they_begin_a_new_case() -> None:
    """Two replicas link both ways at once: the lower id leads with a new case."""
    world = World()
    await world.receive(samples.message(OLD))
    await world.receive(samples.message(NEW))
    yielding = world.links._yield
    done: list[Key] = []

    async def both_ways(key: Key, *rest: Any) -> None:
        if not done:
            done.append(key)
            lead = rest[0]
            mine = world.conversation(key.id)
            await yielding(Key("main", lead.conversation_id), type(lead)(key.id, mine), *rest[1:])
        await yielding(key, *rest)

    object.__setattr__(world.links, "_yield", both_ways)
    await world.receive(samples.identified(NEW, OLD))
    assert world.verbs(OLD)[-1] == world.verbs(NEW)[-1] == "linked"
    await world.receive(samples.message(OLD, at=world.clock.time))
    state = world.conversation(NEW)
    assert (state.is_open, state.linked_to, state.case_id) == (True, None, "CASE-1003")
    await world.receive(samples.message(NEW, "refund!", at=world.clock.time))
    assert world.verbs(NEW)[-1] == "escalated"


async def test_an_answer_in_a_linked_conversation_ends_the_wait() -> None:
    """What waited there waits here; a merge is not an answer."""
    world = World()
    await world.receive(samples.message(OLD))
    world.clock.forward(minutes=1)
    await world.receive(samples.message(NEW, at=world.clock.time))
    await world.receive(samples.identified(NEW, OLD))
    root = world.memories.of["main:cv_old"]
    assert len(root.unanswered) == 2  # what waited in the other one waits here now
    closed = world.events(NEW)[-2]
    await world.receive(closed)
    assert len(world.memories.of["main:cv_old"].unanswered) == 2  # a merge is no answer


class TestByAPerson:
    """`LinkConversation`."""

    async def test_the_case_that_is_named_goes_on(self) -> None:
        """The case in the body goes on, whichever is older."""
        world = World()
        await world.receive(samples.message(OLD))
        await world.receive(samples.message(NEW))
        reply = await world.ask(link(OLD, "CASE-1001", NEW, "CASE-1002"))
        assert reply.status == "ok"
        assert reply.result == {"case_id": "CASE-1001", "linked_to": "CASE-1002", "merged": True}
        data = linked(world, OLD)
        assert (data.actor.id, data.identity_event_id) == ("lea", None)
        assert world.events(OLD)[-2].private_values() == {
            "reason": "the same customer, says her brother"
        }

    @pytest.mark.parametrize(
        ("command", "code"),
        [
            (link(OLD, "CASE-1001", OLD, "CASE-1001"), "same-conversation"),
            (link(OLD, "CASE-1001", NEW, "CASE-1009"), "case-not-current"),
            (link(OLD, "CASE-1001", "cv_unknown", "CASE-1009"), "case-not-current"),
            (link(OLD, "CASE-1001", THIRD, "CASE-1003"), "case-closed"),
            (link(OLD, "CASE-1001", NEW, "CASE-1002", expected_version=1), "version-conflict"),
        ],
    )
    async def test_refusals(self, command: LinkConversation, code: str) -> None:
        """Each with its code, and nothing is linked."""
        world = World()
        for conversation_id in (OLD, NEW, THIRD):
            await world.receive(samples.message(conversation_id))
        await world.ask(samples.close(THIRD, "CASE-1003"))
        reply: CommandReply = await world.ask(command)
        assert (reply.status, reply.code) == ("rejected", code)
        assert "linked" not in world.verbs(OLD)

    async def test_a_closed_case_can_be_linked_to_an_open_one(self) -> None:
        """A closed case stays as it is; only its conversation is led elsewhere."""
        world = World()
        await world.receive(samples.message(OLD))
        await world.receive(samples.message(NEW))
        await world.ask(samples.close(OLD))
        reply = await world.ask(link(OLD, "CASE-1001", NEW, "CASE-1002"))
        assert reply.result == {"case_id": "CASE-1001", "linked_to": "CASE-1002", "merged": False}
        assert world.verbs(OLD)[-2:] == ["closed", "linked"]
        await world.receive(samples.message(OLD, "refund!"))
        assert world.verbs(NEW)[-1] == "escalated"
