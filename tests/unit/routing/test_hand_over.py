"""The hand-over of a shift: what was left, opened by a lead, signed by two."""

from typing import Any

import pytest
from casetrail_contracts import Actor, CommandReply
from casetrail_contracts.commands import (
    DeactivateUser,
    EscalateConversation,
    OpenHandover,
    SignHandover,
)
from casetrail_contracts.registry.shift import HandoverOpened, HandoverSigned, ShiftEnded
from casetrail_routing.adapters.mongo import USER_CODEC
from casetrail_routing.domain.handover import SHIFTS_KEPT
from casetrail_routing.domain.user import fold
from casetrail_routing.use_cases.user_events import recorded

from tests.unit.routing import samples
from tests.unit.routing.world import World

LEAD = Actor(kind="lead", id="lead1", name="Lead 1")
NEXT = Actor(kind="lead", id="lead2", name="Lead 2")


async def ended() -> tuple[World, str]:
    """A held two cases, one of them escalated, when their shift ended; and its id."""
    world = World()
    await world.on_duty("a")
    await world.receive(samples.message("cv_1"))
    await world.receive(samples.message("cv_2"))
    escalate = samples.on_case(EscalateConversation, "cv_2", "CASE-1002", reason="angry")
    assert (await world.ask(escalate)).status == "ok"
    reply = await world.ask(samples.shift_end("a"))
    return world, reply.result["shift_id"]


async def opened(world: World, shift_id: str, **fields: Any) -> CommandReply:
    """The reply to the opening by the first lead."""
    return await world.ask(samples.on_user(OpenHandover, "a", by=LEAD, shift_id=shift_id, **fields))


async def signed(world: World, shift_id: str, by: Actor, **fields: Any) -> CommandReply:
    """The reply to a signature."""
    fields = {"through": 41, **fields}
    return await world.ask(samples.on_user(SignHandover, "a", by=by, shift_id=shift_id, **fields))


async def test_the_end_of_a_shift_says_what_was_held() -> None:
    """Each case with the version it was seen at, and whether it is escalated."""
    world, _ = await ended()
    data = world.user_events("a")[-1].data
    assert isinstance(data, ShiftEnded)
    assert data.cases is not None
    held = [(case.conversation_id, case.escalated) for case in data.cases]
    assert held == [("cv_1", False), ("cv_2", True)]
    for case in data.cases:
        state = world.conversation(case.conversation_id)
        assert (case.case_id, case.version) == (state.case_id, state.version)


async def test_a_deactivation_says_what_was_held_too() -> None:
    """It ends the shift before the cases go back."""
    world = World()
    await world.on_duty("a")
    await world.receive(samples.message("cv_1"))
    out = samples.on_user(DeactivateUser, "a", by=samples.ADMIN, reason="left")
    assert (await world.ask(out)).status == "ok"
    data = world.user_events("a")[-1].data
    assert isinstance(data, ShiftEnded)
    assert [case.conversation_id for case in data.cases or ()] == ["cv_1"]


async def test_two_leads_sign_and_the_second_completes_it() -> None:
    """The events follow the person's versions; the note is private, what was seen is public."""
    world, shift_id = await ended()
    before = world.user_events("a")[-1].version or 0
    assert (await opened(world, shift_id)).status == "ok"
    first = await signed(world, shift_id, LEAD, note="CASE-1001 waits")
    second = await signed(world, shift_id, NEXT, through=45)
    assert (first.result["complete"], second.result["complete"]) == (False, True)
    events = world.user_events("a")[-3:]
    assert [event.version for event in events] == [before + 1, before + 2, before + 3]
    opening, one, two = (event.data for event in events)
    assert isinstance(opening, HandoverOpened)
    assert isinstance(one, HandoverSigned)
    assert isinstance(two, HandoverSigned)
    assert (opening.to, one.through, one.complete) == (None, 41, False)
    assert (two.actor.id, two.through, two.complete) == ("lead2", 45, True)
    assert getattr(events[1].private, "note", None) == "CASE-1001 waits"
    again = await signed(world, shift_id, Actor(kind="admin", id="boss"))
    assert (again.status, again.code) == ("rejected", "already-signed")


async def test_nobody_signs_twice() -> None:
    """Four eyes: the same person is refused as the second, whatever their role is called."""
    world, shift_id = await ended()
    assert (await opened(world, shift_id)).status == "ok"
    assert (await signed(world, shift_id, LEAD)).status == "ok"
    for same in (LEAD, Actor(kind="admin", id="lead1")):
        reply = await signed(world, shift_id, same)
        assert (reply.status, reply.code) == ("rejected", "second-person-needed")
    assert [e.noun_verb for e in world.user_events("a")].count("shift.handover_signed") == 1


async def test_the_lead_who_is_named_has_to_sign() -> None:
    """A third person cannot complete a hand-over to somebody else."""
    world, shift_id = await ended()
    made = samples.user_create("lead2", role="lead")
    assert (await world.ask(made)).status == "ok"
    assert (await opened(world, shift_id, to="lead2")).result["to"] == "lead2"
    assert (await signed(world, shift_id, LEAD)).status == "ok"
    reply = await signed(world, shift_id, Actor(kind="lead", id="lead3"))
    assert (reply.code, "lead2" in (reply.detail or "")) == ("second-person-needed", True)
    assert (await signed(world, shift_id, NEXT)).result["complete"] is True


@pytest.mark.parametrize("to", ["nobody", "a"])
async def test_who_takes_over_is_a_lead(to: str) -> None:
    """A typing mistake would leave a hand-over that nobody can complete."""
    world, shift_id = await ended()
    assert (await opened(world, shift_id, to=to)).code == "lead-not-found"
    assert (await opened(world, shift_id)).status == "ok"


async def test_what_cannot_be_handed_over_is_said() -> None:
    """Not open, open already, going on, not theirs, nobody's: each has its own code."""
    world, shift_id = await ended()
    assert (await signed(world, shift_id, LEAD)).code == "handover-not-opened"
    assert (await opened(world, shift_id)).status == "ok"
    assert (await opened(world, shift_id)).code == "already-opened"
    going = (await world.ask(samples.shift_start("a"))).result["shift_id"]
    assert (await opened(world, going)).code == "shift-not-ended"
    assert (await opened(world, "s-9")).code == "shift-not-found"
    elsewhere = samples.on_user(OpenHandover, "z", by=LEAD, shift_id=shift_id)
    assert (await world.ask(elsewhere)).code == "user-not-found"
    assert (await signed(world, shift_id, LEAD)).status == "ok", "a new shift changes nothing"


async def test_a_repeated_command_signs_once() -> None:
    """INVARIANT I3: the same command again answers the same reply."""
    world, shift_id = await ended()
    assert (await opened(world, shift_id)).status == "ok"
    command = samples.on_user(SignHandover, "a", by=LEAD, shift_id=shift_id, through=41)
    assert await world.ask(command) == await world.ask(command)
    assert [e.noun_verb for e in world.user_events("a")].count("shift.handover_signed") == 1


async def test_the_state_is_the_fold_and_survives_the_database() -> None:
    """INVARIANT I4: the events alone give the state, and so does the stored document."""
    world, shift_id = await ended()
    assert (await opened(world, shift_id)).status == "ok"
    assert (await signed(world, shift_id, LEAD)).status == "ok"
    state = world.users.documents["main:a"].state
    assert state is not None
    facts = [fact for event in world.user_events("a") if (fact := recorded(event)) is not None]
    assert fold(facts) == state
    assert USER_CODEC.decode(USER_CODEC.encode(state)) == state


async def test_only_the_last_shifts_are_kept() -> None:
    """The document of a person does not grow for ever."""
    world, shift_id = await ended()
    for _ in range(SHIFTS_KEPT):
        assert (await world.ask(samples.shift_start("a"))).status == "ok"
        assert (await world.ask(samples.shift_end("a"))).status == "ok"
    state = world.users.documents["main:a"].state
    assert state is not None
    assert len(state.shifts) == SHIFTS_KEPT
    assert (await opened(world, shift_id)).code == "shift-not-found"
