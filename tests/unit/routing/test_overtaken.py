"""A process that stood still between two questions, while others did the same work and more."""

import pytest
from casetrail_contracts.commands import AddCaseNote

from tests.unit.routing import samples
from tests.unit.routing.memory import HOLDS
from tests.unit.routing.world import World


@pytest.fixture
async def world() -> World:
    """CASE-1001 is open and waits."""
    made = World()
    await made.receive(samples.message())
    return made


async def more_notes(world: World) -> None:
    """So many that the conversation forgets what was before them."""
    for _ in range(2 * HOLDS):
        assert (await world.ask(note())).status == "ok"


def note() -> AddCaseNote:
    """A note on the case, with an id of its own."""
    command = samples.on_case(AddCaseNote, "cv_1", "CASE-1001", note="The courier was called.")
    assert isinstance(command, AddCaseNote)
    return command


async def test_a_command_that_a_rival_carried_out_is_answered_the_same(world: World) -> None:
    """INVARIANT I3: the conversation has forgotten it meanwhile, the log has not."""
    command = note()
    answers = []

    async def others() -> None:
        answers.append(await world.ask(command))
        await more_notes(world)

    world.processed.overtaken = others
    answers.append(await world.ask(command))
    assert answers[0] == answers[1]
    assert [event.causationid for event in world.events()].count(command.id) == 1


async def test_a_user_that_a_rival_made_is_not_made_twice(world: World) -> None:
    """INVARIANT I3: the same for a person."""
    command = samples.user_create("a")
    answers = []

    async def others() -> None:
        answers.append(await world.ask(command))
        for _ in range(HOLDS):
            await world.ask(samples.shift_start("a"))
            await world.ask(samples.shift_end("a"))

    world.processed.overtaken = others
    answers.append(await world.ask(command))
    assert answers[0] == answers[1]
    assert answers[0].status == "ok"


async def test_a_message_that_a_rival_took_does_not_open_the_case_again(world: World) -> None:
    """INVARIANT I3: taken and answered elsewhere, the case closed, and much written since."""
    await world.ask(samples.close())
    message = samples.message()

    async def others() -> None:
        await world.receive(message)
        await world.ask(samples.close())
        await more_notes(world)

    world.processed.overtaken = others
    await world.receive(message)
    assert world.verbs().count("reopened") == 1
