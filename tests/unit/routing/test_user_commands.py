"""Users and shifts."""

from datetime import timedelta

import pytest
from casetrail_contracts.commands import EndShift, StartShift
from casetrail_contracts.registry.shift import ShiftEnded, ShiftStarted
from casetrail_contracts.registry.user import UserCreated

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_a_user_is_added_once(world: World) -> None:
    """The id is taken then; the same command again gets the same reply."""
    command = samples.user_create("a", capacity=3)
    first = await world.ask(command)
    assert (first.status, first.version, first.result) == ("ok", 1, {"user_id": "a"})
    assert await world.ask(command) == first
    again = await world.ask(samples.user_create("a"))
    assert (again.status, again.code) == ("rejected", "user-exists")
    (event,) = world.user_events("a")
    assert isinstance(event.data, UserCreated)
    assert (event.data.name, event.data.role, event.data.capacity) == ("Agent A", "agent", 3)
    assert event.data.actor == samples.LEAD
    assert world.publisher.events[-1].caseid is None


async def test_the_same_addition_after_a_crash_is_no_conflict(world: World) -> None:
    """INVARIANT I3: the command that made the user is not refused because the user exists."""
    command = samples.user_create("a")
    world.processed.crash = True
    with pytest.raises(Crashed):
        await world.ask(command)
    assert (await world.ask(command)).status == "ok"


async def test_a_shift_starts_and_ends(world: World) -> None:
    """Each is an event of the user, versions contiguous; twice is refused."""
    await world.ask(samples.user_create("a"))
    started = await world.ask(samples.shift_start("a"))
    assert (await world.ask(samples.shift_start("a"))).code == "shift-already-started"
    ended = await world.ask(samples.shift_end("a"))
    assert (await world.ask(samples.shift_end("a"))).code == "shift-not-started"
    events = world.user_events("a")
    assert [event.version for event in events] == [1, 2, 3]
    assert isinstance(events[1].data, ShiftStarted)
    assert isinstance(events[2].data, ShiftEnded)
    assert events[1].data.shift_id == events[2].data.shift_id == started.result["shift_id"]
    assert ended.result["shift_id"] == started.result["shift_id"]


async def test_a_shift_does_not_end_before_it_starts(world: World) -> None:
    """A planned end in the past is a typing mistake, not a shift."""
    await world.ask(samples.user_create("a"))
    command = samples.shift_start("a").model_copy(
        update={"ends_at": world.clock.time - timedelta(minutes=1)}
    )
    assert (await world.ask(command)).code == "shift-end-past"


@pytest.mark.parametrize("command", [samples.shift_start("x"), samples.shift_end("x")])
async def test_nobody_has_no_shift(world: World, command: StartShift | EndShift) -> None:
    """A user id that does not exist is said to be so."""
    assert (await world.ask(command)).code == "user-not-found"


async def test_a_shift_start_drains_the_queue_oldest_first(world: World) -> None:
    """Up to capacity, longest waiting first, each caused by the start of the shift."""
    for number in range(4):
        await world.receive(samples.message(f"cv_{number}"))
    await world.on_duty("a", capacity=3)
    assert [world.conversation(f"cv_{n}").owner for n in range(4)] == ["a", "a", "a", None]
    started = world.user_events("a")[-1]
    assigned = world.events("cv_0")[-1]
    assert assigned.causationid == started.id
    assert assigned.correlationid == started.correlationid
    assert assigned.data.actor.rule == "least-loaded"


async def test_cases_stay_with_their_owner_when_the_shift_ends(world: World) -> None:
    """No new cases come; those held stay, with their places taken."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.ask(samples.shift_end("a"))
    await world.receive(samples.message("cv_2"))
    assert world.conversation().owner == "a"
    assert world.load("a") == 1
    assert world.conversation("cv_2").is_waiting
