"""Offers on a real NATS and a real MongoDB: accept timers, restarts, two replicas."""

from collections import Counter
from pathlib import Path

from casetrail_contracts.commands import AcceptConversation
from casetrail_routing.adapters.queue_drainer import QueueDrainer
from casetrail_routing.main import Routing, assemble

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples


def routing_with(bench: Bench, path: Path, accept_within: str) -> Routing:
    """The use cases of one process whose queue offers; its background tasks are the test's."""
    path.write_text(f"default:\n  queue: offer\n  accept_within: {accept_within}\n", "utf-8")
    drainer = QueueDrainer(sweep_every=60, reconcile_every=60)
    settings = bench.settings.model_copy(update={"custody_file": path})
    return assemble(bench.db, bench.publisher, drainer, settings)


async def test_an_offer_outlives_the_process_that_made_it(bench: Bench, tmp_path: Path) -> None:
    """INVARIANT I10: made by one process, overdue in two others, ended once, offered on."""
    maker = routing_with(bench, tmp_path / "custody.yaml", "1s")
    for user_id in ("a", "b"):
        await maker.commands.user_create(samples.user_create(user_id))
    await maker.commands.shift_start(samples.shift_start("a"))
    message = samples.message()
    await maker.route_message(message, message.data, "cv_1")  # type: ignore[arg-type]
    assert (await bench.conversation("cv_1")).is_offered
    await maker.commands.shift_start(samples.shift_start("b"))
    others = [routing_with(bench, tmp_path / f"{n}.yaml", "1h") for n in range(2)]

    async def expired() -> bool:
        return sum([await other.expire_offers() for other in others]) == 1

    await eventually(expired, within=20)
    assert await others[0].drain.sweep() == 1
    state = await bench.conversation("cv_1")
    assert (state.owner, state.is_offered) == ("b", True)
    assert (len(await bench.slots("a")), len(await bench.slots("b"))) == (0, 1)
    reply = await others[1].commands.accept(samples.on_case(AcceptConversation, by="b"))
    assert reply.status == "ok"
    assert await others[0].expire_offers() == 0


async def test_capacity_holds_while_offers_come_and_go(bench: Bench, tmp_path: Path) -> None:
    """Two replicas, more cases than places, offers that expire: never one place too many."""
    path = tmp_path / "custody.yaml"
    path.write_text("default:\n  queue: offer\n  accept_within: 1s\n", "utf-8")
    for _ in range(2):
        await bench.start(custody_file=path)
    users = ["a", "b", "c"]
    await bench.on_duty(*users, capacity=4)
    await bench.send(*(samples.message(f"cv_{number}") for number in range(30)))
    over: list[tuple[str, int]] = []

    async def enough_expired() -> bool:
        for user_id in users:
            taken = len(await bench.slots(user_id))
            if taken > 4:
                over.append((user_id, taken))
        ended = [
            event for event in await bench.events() if event.noun_verb == "conversation.unassigned"
        ]
        return len(ended) >= 12

    await eventually(enough_expired, within=60)
    assert over == []
    histories = Counter(event.id for event in await bench.events())
    assert set(histories.values()) == {1}
