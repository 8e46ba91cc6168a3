"""Capacity on a real NATS and a real MongoDB, with two replicas at work."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples
from tests.unit.routing.test_places_outside import LEAVES, RETURNS, created


async def test_nobody_is_over_capacity_with_two_replicas(bench: Bench) -> None:
    """200 conversations at once, 10 agents with 20 places: each has an owner, nobody has 21."""
    await bench.start()
    await bench.start()
    users = [f"u{number}" for number in range(10)]
    await bench.on_duty(*users, capacity=20)
    most: Counter[str] = Counter()

    async def watch() -> None:
        while True:
            for user_id in users:
                most[user_id] = max(most[user_id], len(await bench.slots(user_id)))

    watching = asyncio.create_task(watch())
    messages = [samples.message(f"cv_{number}") for number in range(200)]
    await asyncio.gather(*(bench.send(message) for message in messages))

    async def everyone_assigned() -> bool:
        owned = {"state.owner": {"$ne": None}, "state.status": "open"}
        return await bench.db["conversations"].count_documents(owned) == 200

    await eventually(everyone_assigned, within=60)
    assert not watching.done()
    watching.cancel()
    owners = Counter(
        [document["state"]["owner"] async for document in bench.db["conversations"].find()]
    )
    assert owners == dict.fromkeys(users, 20)
    assert max(most.values()) <= 20
    await eventually(bench.outboxes_empty, within=30)
    assigned = Counter(
        event.subject for event in await bench.events() if event.type.endswith("assigned.v1")
    )
    assert set(assigned.values()) == {1}
    assert len(assigned) == 200
    numbers = [(await bench.conversation(f"cv_{number}")).case_id for number in range(200)]
    assert sorted(numbers) == [f"CASE-{number}" for number in range(1001, 1201)]


async def test_capacity_holds_while_cases_close_and_come_in(bench: Bench) -> None:
    """More cases than places, closed while others arrive, by two replicas: never one too many."""
    await bench.start()
    await bench.start()
    users = ["a", "b", "c"]
    await bench.on_duty(*users, capacity=4)
    over: list[str] = []

    async def watch() -> None:
        while True:
            held = Counter(
                [
                    found["state"]["owner"]
                    async for found in bench.db["conversations"].find({"state.held": True})
                ]
            )
            over.extend(user for user, count in held.items() if count > 4)

    async def close(number: int) -> None:
        async def is_closed() -> bool:
            found = await bench.db["conversations"].find_one(
                {"_id": f"main:cv_{number}", "state.held": True}
            )
            if found is None:
                return False
            command = samples.close(f"cv_{number}", found["state"]["case_id"])
            return (await bench.commands.send(command)).status == "ok"

        await eventually(is_closed, within=60)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(bench.send(samples.message(f"cv_{n}")) for n in range(60)))
    await asyncio.gather(*(close(number) for number in range(60)))
    assert not watching.done()
    watching.cancel()
    assert over == []

    async def all_free() -> bool:
        return [len(await bench.slots(user)) for user in users] == [0, 0, 0]

    await eventually(all_free, within=10)


async def test_what_a_courier_has_makes_room(bench: Bench, tmp_path: Path) -> None:
    """Two replicas, one place: the next case gets it, and none does once the first is back."""
    policies = tmp_path / "custody.yaml"
    policies.write_text("default: {outside: free}\n")
    await bench.start(custody_file=policies)
    await bench.start(custody_file=policies)
    await bench.on_duty("a", capacity=1)

    async def handled() -> bool:
        return await bench.all_handled() and await bench.outboxes_empty()

    async def marks() -> list[tuple[str, bool]]:
        slots = await bench.slots("a")
        return [(slot["conversation_id"], slot.get("outside", False)) for slot in slots]

    for name in ("cv_1", "cv_2", "cv_3"):
        await bench.send(samples.message(name))
        await eventually(handled, within=30)
    assert await marks() == [("cv_1", False)]
    now = datetime.now(UTC)
    await bench.send(
        samples.of_ticket(created("T-1001"), 1, now), samples.of_ticket(LEAVES, 2, now)
    )

    async def taken() -> bool:
        return await marks() == [("cv_1", True), ("cv_2", False)]

    await eventually(taken, within=30)
    await bench.send(samples.of_ticket(RETURNS, 3, now))

    async def back() -> bool:
        return await marks() == [("cv_1", False), ("cv_2", False)]

    await eventually(back, within=30)
    second = await bench.conversation("cv_2")
    reply = await bench.commands.send(samples.close("cv_2", second.case_id))
    assert reply.status == "ok"
    await eventually(handled, within=30)
    await asyncio.sleep(1)  # sweeps every 0.2 s would give the place away
    assert await marks() == [("cv_1", False)]
    assert (await bench.conversation("cv_3")).is_waiting
