"""What a crash leaves undone, and how it is found again."""

import asyncio

import pytest
from casetrail_contracts.ids import derive_id
from casetrail_routing.domain.assignment import LEAST_LOADED
from casetrail_routing.domain.facts import Queued
from casetrail_routing.domain.strategies import Pick
from casetrail_routing.ports import Key, Slot
from casetrail_routing.use_cases.reconcile_slots import Healed

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World

ANYBODY = [Pick(LEAST_LOADED.ref)]


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_the_sweep_finds_a_case_that_nobody_drained(world: World) -> None:
    """INVARIANT I10: killed between the shift's write and the drain, the sweep serves the queue."""
    await world.receive(samples.message())
    await world.ask(samples.user_create("a"))
    world.processed.crash = True
    with pytest.raises(Crashed):
        await world.ask(samples.shift_start("a"))
    world.requests.asked.clear()
    assert await world.drain.sweep() == 1
    queued, assigned = world.events()[1:]
    assert queued.type.split(".")[1:3] == Queued.type_name.split(".")
    assert assigned.causationid == queued.id
    assert await world.drain.sweep() == 0


async def test_a_long_queue_is_drained_whole(world: World) -> None:
    """More than one batch, nobody forgotten."""
    for number in range(120):
        await world.receive(samples.message(f"cv_{number}"))
    await world.on_duty("a", capacity=500)
    assert world.load("a") == 120


async def test_a_slot_of_nobody_is_freed(world: World) -> None:
    """A reservation whose write never came is found, and whoever waits is served."""
    await world.on_duty("a", capacity=1)
    world.conversations.crash = "before"
    with pytest.raises(Crashed):
        await world.receive(samples.message("cv_lost"))
    await world.receive(samples.message("cv_2"))
    assert world.conversation("cv_2").is_waiting
    assert await world.reconcile() == Healed(0, 0)
    world.clock.forward(seconds=6)
    assert await world.reconcile() == Healed(1, 0)
    await world.drain.sweep()
    assert world.conversation("cv_2").owner == "a"


async def test_a_sleeper_cannot_write_after_its_slot_is_freed(world: World) -> None:
    """The reconciliation moves the revision on first: the late write conflicts and starts over."""
    await world.on_duty("a", capacity=1)
    key = Key("main", "cv_1")
    custody = world.route_message.custody
    current = await custody.load(key)
    name = derive_id("m-1", "cv_1", "conversation.assigned", 3)
    holder = await world.slots.choose(key, name, ANYBODY)
    assert holder is not None
    world.clock.forward(seconds=6)
    assert (await world.reconcile()).freed == 1
    stored = await custody.load(key)
    assert (stored.version, stored.revision) == (0, current.revision + 1)
    await world.receive(samples.message(id="m-1"))
    assert world.verbs() == ["opened", "queued", "assigned"]
    assert world.load("a") == 1


async def test_a_slot_taken_over_since_is_not_freed(world: World) -> None:
    """A second attempt of the same write makes the reservation young again."""
    await world.on_duty("a", capacity=1)
    key = Key("main", "cv_1")
    await world.slots.choose(key, "s-1", ANYBODY)
    world.clock.forward(seconds=6)
    (old,) = await world.slots.reserved(world.reconcile.grace)
    await world.slots.choose(key, "s-1", ANYBODY)
    await world.slots.release(old, world.reconcile.grace)
    assert world.load("a") == 1


async def test_a_missing_slot_is_taken_again(world: World) -> None:
    """A case that is held counts, whatever happened to its slot."""
    await world.on_duty("a")
    await world.receive(samples.message())
    state = world.conversation()
    await world.slots.release(Slot(Key("main", "a"), state.slot or "", "cv_1"))
    assert await world.reconcile() == Healed(0, 1)
    assert world.load("a") == 1
    assert await world.reconcile() == Healed(0, 0)


async def test_a_lost_race_for_the_drain_gives_its_slot_back(world: World) -> None:
    """Two drains of one case: one assigns, the other leaves no slot behind."""
    await world.receive(samples.message())
    await world.ask(samples.user_create("a", capacity=5))
    await world.ask(samples.user_create("b", capacity=5))
    await world.on_shift_undrained("a", "b")
    done = await asyncio.gather(world.drain("main", "x"), world.drain("main", "y"))
    assert sum(done) == 1
    assert world.load("a") + world.load("b") == 1
