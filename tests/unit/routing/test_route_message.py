"""What a customer's message does."""

import asyncio
from datetime import timedelta

import pytest
from casetrail_contracts.registry.conversation import (
    ConversationAssigned,
    ConversationEscalated,
    ConversationReopened,
)
from casetrail_routing.domain.assignment import LEAST_LOADED, PREVIOUS_OWNER

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import REOPEN_WINDOW, World


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_a_first_message_opens_a_case_with_an_owner(world: World) -> None:
    """One write: opened, queued, assigned, in versions 1 to 3, caused by the message."""
    await world.on_duty("a")
    message = samples.message()
    await world.receive(message)
    events = world.events()
    assert world.verbs() == ["opened", "queued", "assigned"]
    assert [event.version for event in events] == [1, 2, 3]
    assert {event.causationid for event in events} == {message.id}
    assert {event.correlationid for event in events} == {message.correlationid}
    assert {event.caseid for event in events} == {"CASE-1001"}
    assigned = events[2].data
    assert isinstance(assigned, ConversationAssigned)
    assert assigned.actor.model_dump(exclude_none=True) == {
        "kind": "service",
        "id": "routing",
        "rule": "least-loaded",
        "rule_version": LEAST_LOADED.version,
    }
    assert assigned.reason == "from shared inbox queue"
    assert [change.model_dump() for change in assigned.changes] == [
        {"field": "owner", "old": None, "new": "agent:a"}
    ]
    assert (assigned.owner, assigned.owner_name) == ("agent:a", "Agent A")
    assert (assigned.queue, assigned.queued_at) == ("shared-inbox", events[1].time)
    assert world.load("a") == 1


async def test_a_case_waits_while_nobody_is_on_shift(world: World) -> None:
    """Without anybody free the case stays in the queue."""
    await world.ask(samples.user_create("a"))
    await world.receive(samples.message())
    assert world.verbs() == ["opened", "queued"]
    assert world.conversation().is_waiting


async def test_the_least_loaded_agent_gets_the_case(world: World) -> None:
    """Fewest cases first; among equals whoever waits longest for one; then by id."""
    await world.on_duty("b", "a", "c")
    owners = []
    for number in range(6):
        await world.receive(samples.message(f"cv_{number}"))
        owners.append(world.conversation(f"cv_{number}").owner)
    assert owners == ["a", "b", "c", "a", "b", "c"]
    case_id = world.conversation("cv_1").case_id
    await world.ask(samples.close("cv_1", case_id))
    await world.receive(samples.message("cv_6"))
    assert world.conversation("cv_6").owner == "b"


async def test_nobody_is_given_more_than_their_capacity(world: World) -> None:
    """The case over capacity waits."""
    await world.on_duty("a", capacity=2)
    for number in range(3):
        await world.receive(samples.message(f"cv_{number}"))
    assert world.load("a") == 2
    assert world.conversation("cv_2").is_waiting


async def test_a_user_without_capacity_or_role_gets_nothing(world: World) -> None:
    """Capacity 0 and roles that do not work cases are passed over."""
    await world.on_duty("a", capacity=0)
    await world.ask(samples.user_create("r", role="reviewer"))
    await world.ask(samples.shift_start("r"))
    await world.receive(samples.message())
    assert world.conversation().is_waiting


async def test_nobody_passes_those_who_wait(world: World) -> None:
    """A new case queues behind one that waits, although somebody is free by now."""
    await world.receive(samples.message("cv_old"))
    await world.ask(samples.user_create("a", capacity=1))
    await world.on_shift_undrained("a")
    await world.receive(samples.message("cv_new"))
    assert world.conversation("cv_new").is_waiting
    await world.serve_queue()
    assert world.conversation("cv_old").owner == "a"
    assert world.conversation("cv_new").is_waiting


async def test_a_further_message_of_an_open_case_changes_nothing(world: World) -> None:
    """It is activity; the log has it as the message itself."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.receive(samples.message(text="koi update?"))
    assert world.verbs() == ["opened", "queued", "assigned"]


async def test_a_complaint_marks_the_case_escalated_once(world: World) -> None:
    """The event names rule, version and words; a second complaint finds the mark set."""
    await world.receive(samples.message())
    complaint = samples.message(text="parcel nahi aya, 5 din ho gaye")
    await world.receive(complaint)
    await world.receive(samples.message(text="refund!"))
    assert world.verbs() == ["opened", "queued", "escalated"]
    event = world.events()[-1]
    data = event.data
    assert isinstance(data, ConversationEscalated)
    assert (data.trigger, data.rule) == ("rule", "parcel-not-arrived")
    assert data.rule_version == data.actor.rule_version
    assert [match.model_dump() for match in data.matched] == [
        {"phrase": "nahi aya", "language": "ur-Latn", "start": 7, "end": 15},
        {"phrase": "din ho gaya", "language": "ur-Latn", "start": 19, "end": 30},
    ]
    assert data.message_event_id == complaint.id
    assert [change.model_dump() for change in data.changes] == [
        {"field": "escalated", "old": False, "new": True}
    ]
    assert event.private is None
    assert "5 din" not in event.to_bytes().decode(), (
        "what the customer wrote stays in its own event"
    )


async def test_a_first_message_that_complains_is_one_write(world: World) -> None:
    """Opened, queued, assigned and escalated belong together."""
    await world.on_duty("a")
    await world.receive(samples.message(text="شکایت ہے"))
    assert world.verbs() == ["opened", "queued", "assigned", "escalated"]
    assert world.conversations.documents["main:cv_1"].revision == 1


async def test_a_message_inside_the_window_reopens_with_the_previous_owner(world: World) -> None:
    """The same case goes on; the owner keeps it and holds a slot again."""
    await world.on_duty("a", "b")
    await world.receive(samples.message())
    await world.ask(samples.close())
    assert world.load("a") == 0
    message = samples.message(at=world.clock.time + REOPEN_WINDOW - timedelta(seconds=1))
    await world.receive(message)
    assert world.verbs() == ["opened", "queued", "assigned", "closed", "reopened"]
    state = world.conversation()
    assert (state.case_id, state.owner, state.status) == ("CASE-1001", "a", "open")
    data = world.events()[-1].data
    assert isinstance(data, ConversationReopened)
    assert data.actor.rule_version == PREVIOUS_OWNER.version
    assert data.closed_at == world.events()[3].time
    assert world.load("a") == 1


async def test_a_reopened_case_goes_to_another_when_its_owner_is_away(world: World) -> None:
    """Reopened, taken from the old owner, queued, given to who is free."""
    await world.on_duty("a", "b")
    await world.receive(samples.message())
    await world.ask(samples.close())
    await world.ask(samples.shift_end("a"))
    await world.receive(samples.message(at=world.clock.time))
    assert world.verbs()[4:] == ["reopened", "unassigned", "queued", "assigned"]
    assert world.conversation().owner == "b"
    assert (world.load("a"), world.load("b")) == (0, 1)


async def test_a_case_closed_while_waiting_reopens_into_the_queue(world: World) -> None:
    """It never had an owner, so nobody loses it."""
    await world.receive(samples.message())
    await world.ask(samples.close())
    await world.receive(samples.message(at=world.clock.time))
    assert world.verbs() == ["opened", "queued", "closed", "reopened", "queued"]


async def test_a_message_after_the_window_opens_the_next_case(world: World) -> None:
    """A new number, a new story: not escalated, no owner from before."""
    await world.receive(samples.message(text="refund"))
    await world.ask(samples.close())
    await world.receive(samples.message(at=world.clock.time + REOPEN_WINDOW * 2))
    state = world.conversation()
    assert (state.case_id, state.cases, state.escalated) == ("CASE-1002", 2, False)
    assert [event.version for event in world.events()] == list(range(1, 7))


async def test_a_message_written_before_the_close_reopens(world: World) -> None:
    """It was on its way when the case was closed: nobody has answered it."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.ask(samples.close())
    await world.receive(samples.message(at=world.clock.time - timedelta(hours=3)))
    assert world.verbs()[-1] == "reopened"


async def test_the_same_event_a_week_later_has_no_effect(world: World) -> None:
    """INVARIANT I3: a copy that outlives every window is known for good."""
    await world.on_duty("a")
    message = samples.message(text="refund")
    await world.receive(message)
    await world.ask(samples.close())
    before = list(world.log)
    world.clock.forward(days=7)
    await world.receive(message)
    assert world.log == before


async def test_a_hundred_copies_at_once_have_one_effect(world: World) -> None:
    """INVARIANT I3: whoever loses the write finds the event applied and keeps its hands off."""
    await world.on_duty("a", "b", "c", capacity=100)
    message = samples.message(text="refund")
    await asyncio.gather(*(world.receive(message) for _ in range(100)))
    assert world.verbs() == ["opened", "queued", "assigned", "escalated"]
    assert sum(world.load(user) for user in "abc") == 1
    assert world.load(world.conversation().owner or "") == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_around_the_write_is_healed_by_the_redelivery(
    world: World, when: str
) -> None:
    """INVARIANT I10: killed before or after the write, the message takes effect once."""
    await world.on_duty("a", capacity=1)
    message = samples.message()
    world.conversations.crash = "before" if when == "before" else "after"
    with pytest.raises(Crashed):
        await world.receive(message)
    await world.receive(message)
    assert world.verbs() == ["opened", "queued", "assigned"]
    assert world.load("a") == 1


@pytest.mark.parametrize("lost", ["commit", "mark"])
async def test_a_redelivery_after_the_close_does_not_reopen(world: World, lost: str) -> None:
    """INVARIANT I3: the write was made, the ack was lost, the case was closed: still one effect."""
    message = samples.message()
    if lost == "commit":
        world.conversations.crash = "after"
    else:
        world.processed.crash = True
    with pytest.raises(Crashed):
        await world.receive(message)
    await world.ask(samples.close())
    await world.receive(message)
    assert world.verbs() == ["opened", "queued", "closed"]


async def test_two_first_messages_at_once_open_one_case(world: World) -> None:
    """The loser of the race sees the case open, and no number is used up."""
    await world.on_duty("a", "b")
    await asyncio.gather(world.receive(samples.message()), world.receive(samples.message()))
    assert world.verbs() == ["opened", "queued", "assigned"]
    assert world.load("a") + world.load("b") == 1
    await world.receive(samples.message("cv_2"))
    assert world.conversation("cv_2").case_id == "CASE-1002"


async def test_workspaces_do_not_share_anything(world: World) -> None:
    """INVARIANT I9: agents, numbers and conversations belong to one workspace."""
    await world.on_duty("a")
    await world.receive(samples.message(workspace="other"))
    state = world.conversations.documents["other:cv_1"].state
    assert state is not None
    assert state.is_waiting
    assert state.case_id == "CASE-1001"
    await world.receive(samples.message())
    assert world.conversation().case_id == "CASE-1001"
