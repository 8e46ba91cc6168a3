"""Each strategy on a real MongoDB, by two replicas at once; and a file edited while they run."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from casetrail_contracts.commands import UpdateUser
from casetrail_contracts.registry.conversation import ConversationAssigned
from casetrail_contracts.registry.message import MessageReceived
from casetrail_routing.use_cases.drain_queue import DrainQueue

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples

PLANS = {
    "round-robin": "[round-robin]",
    "last-owner": "[last-owner, round-robin]",
    "match": "[{strategy: match, language: true}, least-loaded]",
    "least-loaded": "[least-loaded]",
}


@pytest.mark.parametrize("strategy", PLANS)
async def test_two_replicas_and_two_hundred_conversations_at_once(
    bench: Bench, tmp_path: Path, strategy: str
) -> None:
    """Nobody over capacity, everyone assigned once, whichever strategy chooses."""
    path = tmp_path / "assignment.yaml"
    path.write_text(f"plans:\n  - choose: {PLANS[strategy]}\n")
    replicas = [bench.use_cases(assignment_file=path) for _ in range(2)]
    users = [f"u{number}" for number in range(10)]
    for number, user_id in enumerate(users):
        await replicas[0].commands.user_create(samples.user_create(user_id, capacity=20))
        if number < 5:
            speaks = samples.on_user(UpdateUser, user_id, languages=["ur"])
            await replicas[0].commands.user_update(speaks)
        await replicas[0].commands.shift_start(samples.shift_start(user_id))
    messages = [samples.message(f"cv_{number}", "mera order hai") for number in range(200)]

    async def arrives(number: int) -> None:
        message = messages[number]
        assert isinstance(message.data, MessageReceived)
        await replicas[number % 2].route_message(message, message.data, f"cv_{number}")

    await asyncio.gather(*(arrives(number) for number in range(200)))
    drains: list[DrainQueue] = [replica.drain for replica in replicas]
    await asyncio.gather(*(drain.sweep() for drain in drains))
    owners = Counter([found["state"]["owner"] async for found in bench.db["conversations"].find()])
    assert owners == dict.fromkeys(users, 20)
    assert [len(await bench.slots(user_id)) for user_id in users] == [20] * 10
    bodies = [
        entry["body"]
        async for found in bench.db["conversations"].find()
        for entry in found["outbox"]
        if entry["subject"].endswith("conversation.assigned")
    ]
    assert len(bodies) == 200
    chosen = Counter(
        rule for body in bodies for rule in PLANS if f'"rule":"{rule}"'.encode() in body
    )
    if strategy == "match":
        assert chosen == {"match": 100, "least-loaded": 100}
    else:
        assert chosen == {"round-robin" if strategy == "last-owner" else strategy: 200}


async def test_an_edited_plan_is_in_force_without_a_restart(bench: Bench, tmp_path: Path) -> None:
    """A broken edit changes nothing and is told in /readyz; the next good one is taken over."""
    path = tmp_path / "assignment.yaml"
    path.write_text("plans:\n  - choose: [least-loaded]\n")
    await bench.start(assignment_file=path, rules_poll_seconds=0.05)
    await bench.on_duty("a")
    path.write_text("plans:\n  - choose: [fastest]\n")
    await bench.send(samples.message("cv_1"))
    await eventually(bench.all_handled)
    path.write_text("plans:\n  - choose: [round-robin]\n")

    async def by_turns() -> bool:
        number = len(bench.sent)
        await bench.send(samples.message(f"cv_more_{number}"))
        await eventually(bench.all_handled)
        await eventually(bench.outboxes_empty)
        events = await bench.events(f"conversation/cv_more_{number}")
        return events[-1].data.actor.rule == "round-robin"

    await eventually(by_turns, within=20)
    first = (await bench.events("conversation/cv_1"))[-1]
    assert isinstance(first.data, ConversationAssigned)
    assert first.data.actor.rule == "least-loaded"
    assert first.data.rule_text is not None
