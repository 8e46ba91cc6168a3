"""People on a real NATS and a real MongoDB: what follows from a deactivation."""

from casetrail_contracts.commands import ChangePresence, DeactivateUser, UpdateUser

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples


async def test_a_deactivation_hands_the_cases_to_others_by_itself(bench: Bench) -> None:
    """Two replicas: the cases return once each, caused by the event; somebody else gets them."""
    await bench.start()
    await bench.start()
    await bench.on_duty("a", capacity=5)
    for number in range(4):
        await bench.send(samples.message(f"cv_{number}"))
    await eventually(bench.all_handled)
    created = await bench.commands.send(samples.user_create("b", capacity=3))
    assert created.status == "ok"
    assert (await bench.commands.send(samples.shift_start("b"))).status == "ok"
    away = samples.on_user(ChangePresence, "b", presence="away")
    assert (await bench.commands.send(away)).status == "ok"
    out = samples.on_user(DeactivateUser, "a", by=samples.ADMIN, reason="left the team")
    assert (await bench.commands.send(out)).status == "ok"

    async def all_wait() -> bool:
        return [(await bench.conversation(f"cv_{n}")).owner for n in range(4)] == [None] * 4

    await eventually(all_wait, within=20)

    async def all_places_free() -> bool:
        return await bench.slots("a") == []

    await eventually(all_places_free, within=20)  # a place is freed after the write, not with it
    back = samples.on_user(ChangePresence, "b", presence="available")
    assert (await bench.commands.send(back)).status == "ok"

    async def three_are_served() -> bool:
        owners = [(await bench.conversation(f"cv_{n}")).owner for n in range(4)]
        return sorted(owners, key=str) == [None, "b", "b", "b"]

    await eventually(three_are_served, within=20)
    more = samples.on_user(UpdateUser, "b", capacity=4)
    assert (await bench.commands.send(more)).status == "ok"

    async def nobody_waits() -> bool:
        return [(await bench.conversation(f"cv_{n}")).owner for n in range(4)] == ["b"] * 4

    await eventually(nobody_waits, within=20)
    await eventually(bench.outboxes_empty, within=20)
    deactivated = next(
        event for event in await bench.events("user/a") if event.noun_verb == "user.deactivated"
    )
    for number in range(4):
        returned = [
            event
            for event in await bench.events(f"conversation/cv_{number}")
            if event.causationid == deactivated.id
        ]
        verbs = [event.noun_verb for event in returned]
        assert verbs == ["conversation.unassigned", "conversation.queued"]
        assert {event.data.actor.kind for event in returned} == {"service"}
