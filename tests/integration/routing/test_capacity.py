"""Capacity on a real NATS and a real MongoDB, with two replicas at work."""

import asyncio
from collections import Counter

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples


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
