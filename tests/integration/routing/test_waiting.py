"""A customer who waits, on a real NATS and a real MongoDB, across a restart."""

from casetrail_contracts.registry.conversation import ConversationEscalated

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples


async def test_a_wait_is_noticed_by_whoever_runs_later(bench: Bench) -> None:
    """INVARIANT I10: two processes that start after the message mark its case, once."""
    message = samples.message("cv_1")  # days ago
    await bench.send(message)
    first = await bench.start()
    await eventually(bench.all_handled)
    await first.stop()
    for _ in range(2):
        await bench.start(waiting_seconds=0.1)

    async def marked() -> bool:
        return (await bench.conversation("cv_1")).escalated

    await eventually(marked, within=20)
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued", "escalated"]
    data = (await bench.events("conversation/cv_1"))[-1].data
    assert isinstance(data, ConversationEscalated)
    assert (data.rule, data.trigger) == ("first-response-overdue", "rule")
    assert data.observed is not None
    assert (data.observed.messages, data.observed.since) == (1, message.time)
