"""Each service killed in the middle of the story: it ends the same, nothing lost or doubled."""

import asyncio
import random

import pytest
from casetrail_local.five_rows import missing_rows

from tests.e2e.conftest import RunningStack
from tests.support.invariants import Inspector
from tests.support.waiting import eventually

VISIBLE = {
    "message.received": 2,
    "conversation.opened": 1,
    "conversation.queued": 1,
    "conversation.assigned": 1,
    "conversation.escalated": 1,
    "ticket.created": 1,
    "ticket.status_changed": 2,
    "ticket.handed_off": 1,
    "ticket.resolved": 1,
    "ticket.closed": 1,
    "conversation.closed": 1,
}
"""What the story leaves in a timeline, however often something was killed."""


@pytest.mark.parametrize("victim", ["ingest", "routing", "tickets", "audit", "gateway"])
async def test_a_killed_service_loses_and_doubles_nothing(stack: RunningStack, victim: str) -> None:
    """INVARIANT I10: kill -9 three times during the story, restarted by the supervisor."""
    chance = random.Random(victim)
    playing = asyncio.create_task(asyncio.to_thread(stack.story().play))
    killed: set[int] = set()
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        if playing.done():
            break

        def running() -> int | None:
            pid: int | None = getattr(stack.description.pids, victim)
            return pid

        pid = await eventually(running, within=20)
        if pid not in killed:
            killed.add(stack.kill(victim))
    told = await playing
    assert killed, "the story was over before anything was killed"
    assert missing_rows(told.timeline, told.ticket_id) == []
    counted = {
        action: sum(entry["action"] == action for entry in told.timeline["entries"])
        for action in VISIBLE
    }
    assert counted == VISIBLE
    async with Inspector(stack.description) as inspector:
        await eventually(inspector.settled, within=60)
        await inspector.check()
