"""Profiles, roles, deactivation and presence: what they change, and what follows from them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from casetrail_contracts.commands import (
    ChangePresence,
    CloseConversation,
    DeactivateUser,
    ReactivateUser,
    StartShift,
    UpdateUser,
)
from casetrail_contracts.registry.presence import PresenceChanged
from casetrail_contracts.registry.shift import ShiftStarted
from casetrail_contracts.registry.user import UserDeactivated, UserUpdated
from casetrail_routing.domain.consequences import AT_DESK, CASES_RETURN, SHIFT_ENDS
from casetrail_routing.domain.shifts import planned_end
from casetrail_routing.domain.user import User
from casetrail_routing.ports import Loaded

from tests.unit.routing import samples
from tests.unit.routing.samples import ADMIN, LEAD, on_user
from tests.unit.routing.world import World


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_a_change_says_old_and_new_of_each_field_and_the_rest_stays(world: World) -> None:
    """One event for the profile, with the whole of it as it is from now on."""
    await world.ask(samples.user_create("a", capacity=3))
    command = on_user(
        UpdateUser, "a", capacity=5, languages=["ur", "en", "ur"], time_zone="Asia/Karachi"
    )
    reply = await world.ask(command)
    assert (reply.status, reply.version) == ("ok", 2)
    assert reply.result["changed"] == ["capacity", "languages", "time_zone"]
    assert await world.ask(command) == reply
    event = world.user_events("a")[-1]
    assert isinstance(event.data, UserUpdated)
    assert [(change.field, change.old, change.new) for change in event.data.changes] == [
        ("capacity", 3, 5),
        ("languages", [], ["ur", "en"]),
        ("time_zone", None, "Asia/Karachi"),
    ]
    assert (event.data.name, event.data.skills) == ("Agent A", [])
    assert event.data.actor == LEAD
    again = await world.ask(on_user(UpdateUser, "a", capacity=5))
    assert (again.status, again.code) == ("rejected", "user-unchanged")
    assert (await world.ask(on_user(UpdateUser, "x", capacity=5))).code == "user-not-found"


async def test_a_role_and_a_profile_change_in_one_write(world: World) -> None:
    """Two events, each its own version; only an admin gives roles, and reaches everybody."""
    await world.ask(samples.user_create("a"))
    assert (await world.ask(on_user(UpdateUser, "a", role="lead"))).code == "not-permitted"
    reply = await world.ask(on_user(UpdateUser, "a", by=ADMIN, role="lead", name="Aisha"))
    assert reply.version == 3
    types = [event.noun_verb for event in world.user_events("a")]
    assert types == ["user.created", "user.role_changed", "user.updated"]
    assert (await world.ask(on_user(UpdateUser, "a", capacity=1))).code == "not-permitted"
    assert (await world.ask(on_user(DeactivateUser, "a", reason="x"))).code == "not-permitted"


async def test_more_capacity_serves_those_who_wait(world: World) -> None:
    """A raised capacity is somebody free: the assignment names that change as its cause."""
    await world.on_duty("a", capacity=0)
    await world.receive(samples.message())
    assert world.conversation().is_waiting
    await world.ask(on_user(UpdateUser, "a", capacity=1))
    assert world.conversation().owner == "a"
    assert world.events()[-1].causationid == world.user_events("a")[-1].id


async def test_a_deactivation_gives_the_cases_back_with_itself_as_their_cause(
    world: World,
) -> None:
    """The admin is the author of the deactivation alone; what follows is routing's, by its rule."""
    await world.on_duty("a")
    for number in range(3):
        await world.receive(samples.message(f"cv_{number}"))
    case_id = world.conversation("cv_2").case_id
    await world.ask(samples.on_case(CloseConversation, "cv_2", case_id, reason="done"))
    command = on_user(DeactivateUser, "a", by=ADMIN, reason="left the team")
    assert (await world.ask(command)).result == {"user_id": "a", "active": False}
    deactivated, ended = world.user_events("a")[-2:]
    assert isinstance(deactivated.data, UserDeactivated)
    assert deactivated.data.actor == ADMIN
    assert deactivated.private_values() == {"reason": "left the team"}
    assert ended.noun_verb == "shift.ended"
    assert ended.causationid == deactivated.id
    assert (ended.data.actor.kind, ended.data.actor.rule) == ("service", SHIFT_ENDS.name)
    await world.receive(deactivated)
    for number in (0, 1):
        assert world.conversation(f"cv_{number}").is_waiting
        unassigned, queued = world.events(f"cv_{number}")[-2:]
        assert (unassigned.noun_verb, queued.noun_verb) == (
            "conversation.unassigned",
            "conversation.queued",
        )
        for event in (unassigned, queued):
            assert event.causationid == deactivated.id
            assert event.correlationid == deactivated.correlationid
            assert event.data.on_behalf_of is None
            actor = event.data.actor
            assert (actor.kind, actor.id) == ("service", "routing")
            assert (actor.rule, actor.rule_version) == (CASES_RETURN.name, CASES_RETURN.version)
            assert event.data.rule_text == CASES_RETURN.text
    assert world.conversation("cv_2").owner == "a", "a closed case keeps its owner"
    assert world.load("a") == 0
    before = list(world.log)
    await world.receive(deactivated)
    await world.return_cases.sweep()
    assert world.log == before, "the same event again has no effect"


async def test_returned_cases_go_to_whoever_is_free(world: World) -> None:
    """The queue is served at once; each assignment names the event that queued its case."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.on_duty("b")
    await world.ask(on_user(DeactivateUser, "a", by=ADMIN, reason="left"))
    await world.receive(
        next(e for e in world.user_events("a") if isinstance(e.data, UserDeactivated))
    )
    await world.serve_queue()
    assert world.conversation().owner == "b"
    assert world.events()[-1].causationid == world.events()[-2].id


async def test_an_assignment_under_way_is_taken_back_by_the_sweep(world: World) -> None:
    """INVARIANT I10: custody written after the deactivation was handled does not stay."""
    await world.on_duty("a")
    await world.ask(on_user(DeactivateUser, "a", by=ADMIN, reason="left"))
    deactivated = world.user_events("a")[-2]
    await world.receive(deactivated)
    world.users.documents["main:a"], held = _active_again(world), world.users.documents["main:a"]
    await world.receive(samples.message())
    world.users.documents["main:a"] = held  # the reservation was made a moment before
    assert world.conversation().owner == "a"
    assert await world.return_cases.sweep() == 1
    assert world.conversation().is_waiting
    assert world.events()[-1].causationid == deactivated.id


def _active_again(world: World) -> Loaded[User]:
    found = world.users.documents["main:a"]
    assert found.state is not None
    return replace(found, state=replace(found.state, active=True, shift_id="s"))


async def test_who_is_deactivated_takes_no_part(world: World) -> None:
    """No shift, no presence, no case by hand; reactivated, all of it again."""
    await world.on_duty("a", "b")
    await world.receive(samples.message())
    owner = world.conversation().owner
    other = "b" if owner == "a" else "a"
    await world.ask(on_user(DeactivateUser, other, by=ADMIN, reason="left"))
    assert (await world.ask(samples.assign(other))).code == "owner-deactivated"
    assert (await world.ask(samples.shift_start(other))).code == "user-deactivated"
    away = on_user(ChangePresence, other, presence="away")
    assert (await world.ask(away)).code == "user-deactivated"
    twice = on_user(DeactivateUser, other, by=ADMIN, reason="left")
    assert (await world.ask(twice)).code == "already-deactivated"
    back = on_user(ReactivateUser, other, by=ADMIN)
    assert (await world.ask(back)).status == "ok"
    assert (await world.ask(on_user(ReactivateUser, other, by=ADMIN))).code == "already-active"
    assert (await world.ask(samples.shift_start(other))).status == "ok"
    assert (await world.ask(samples.assign(other))).status == "ok"


async def test_a_role_that_works_no_cases_gives_them_back(world: World) -> None:
    """The same consequence as a deactivation, caused by the change of the role."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.ask(on_user(UpdateUser, "a", by=ADMIN, role="reviewer"))
    changed = world.user_events("a")[-1]
    await world.receive(changed)
    assert world.conversation().is_waiting
    assert world.events()[-1].causationid == changed.id


async def test_a_reactivation_that_comes_first_keeps_the_cases(world: World) -> None:
    """Nothing is taken from somebody who works cases by the time it is looked at."""
    await world.on_duty("a")
    await world.receive(samples.message())
    await world.ask(on_user(DeactivateUser, "a", by=ADMIN, reason="oops"))
    deactivated = world.user_events("a")[-2]
    await world.ask(on_user(ReactivateUser, "a", by=ADMIN))
    await world.receive(deactivated)
    assert world.conversation().owner == "a"


@pytest.mark.parametrize("presence", ["away", "offline"])
async def test_who_is_not_there_gets_no_case_by_a_rule(world: World, presence: str) -> None:
    """By hand they do; once they are back, those who waited are served, and that is the cause."""
    await world.on_duty("a")
    gone = on_user(ChangePresence, "a", presence=presence)
    assert (await world.ask(gone)).result["presence"] == presence
    assert (await world.ask(on_user(ChangePresence, "a", presence=presence))).status == "rejected"
    await world.receive(samples.message())
    assert world.conversation().is_waiting
    await world.receive(samples.message("cv_2"))
    case_id = world.conversation("cv_2").case_id
    assert (await world.ask(samples.assign("a", "cv_2", case_id))).status == "ok"
    await world.ask(on_user(ChangePresence, "a", presence="available"))
    assert world.conversation().owner == "a"
    changed = world.user_events("a")[-1]
    assert isinstance(changed.data, PresenceChanged)
    assert (changed.data.previous_presence, changed.data.presence) == (presence, "available")
    assert world.events()[-1].causationid == changed.id


async def test_a_shift_starts_at_the_desk(world: World) -> None:
    """An absence noted before is taken back with the start, visibly and by a rule."""
    await world.ask(samples.user_create("a"))
    await world.ask(on_user(ChangePresence, "a", presence="offline"))
    await world.ask(samples.shift_start("a"))
    started, back = world.user_events("a")[-2:]
    assert (started.noun_verb, back.noun_verb) == ("shift.started", "presence.changed")
    assert back.causationid == started.id
    assert back.data.actor.rule == AT_DESK.name
    await world.receive(samples.message())
    assert world.conversation().owner == "a"


async def test_a_shift_is_planned_by_the_clock_on_the_wall(world: World) -> None:
    """The zone of the shift, else of the person; the event has both the moment and the zone."""
    await world.ask(samples.user_create("a"))
    await world.ask(on_user(UpdateUser, "a", time_zone="Asia/Karachi"))
    start = StartShift(id="c-1", workspace="main", actor=LEAD, user_id="a", until="18:00")
    reply = await world.ask(start)
    assert reply.result["ends_at"] == "2026-11-22T13:00:00+00:00"
    event = world.user_events("a")[-1]
    assert isinstance(event.data, ShiftStarted)
    assert event.data.ends_at == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert event.data.time_zone == "Asia/Karachi"


@pytest.mark.parametrize(
    ("now", "until", "zone", "expected"),
    [
        ("2026-11-22T10:00", "18:00", "Asia/Karachi", "2026-11-22T13:00"),
        ("2026-11-22T13:00", "18:00", "Asia/Karachi", "2026-11-23T13:00"),  # now is not later
        ("2026-11-22T22:00", "02:00", "Asia/Karachi", "2026-11-23T21:00"),
        ("2026-03-28T20:00", "02:30", "Europe/Berlin", "2026-03-29T01:30"),  # skipped: 03:30
        ("2026-10-24T20:00", "02:30", "Europe/Berlin", "2026-10-25T00:30"),  # comes twice
        ("2026-10-25T00:45", "02:30", "Europe/Berlin", "2026-10-25T01:30"),  # the second of them
        ("2026-06-01T12:00", "00:00", "America/Los_Angeles", "2026-06-02T07:00"),
    ],
)
def test_the_planned_end_is_the_next_such_time(
    now: str, until: str, zone: str, expected: str
) -> None:
    """Across midnight and across changes to and from summer time."""
    end = planned_end(datetime.fromisoformat(now).replace(tzinfo=UTC), until, zone)
    assert end == datetime.fromisoformat(expected).replace(tzinfo=UTC)
