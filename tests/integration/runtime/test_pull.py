"""Consuming on a real server: nothing lost, order kept, failures tried again or set aside."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.failure import FailurePolicy
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.pull import Delivery, subscribe_batch, subscribe_keyed
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from tests.integration.runtime.conftest import (
    QUICK,
    MakeBroker,
    about,
    dead_letters,
    event,
    idle,
    number,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


async def short_ack_wait(client: Client, durable: str, seconds: float) -> None:
    """Makes the server deliver unacked messages again soon."""
    js = client.jetstream()
    config = (await js.consumer_info("SUPPORT", durable)).config
    await js.add_consumer("SUPPORT", config.evolve(ack_wait=seconds))


async def test_order_per_key_is_kept_under_failures(desk: ServiceBroker, client: Client) -> None:
    """Events of one key are handled in order, one at a time, while others overtake a slow key."""
    done: dict[str, list[int]] = {}
    running: dict[str, int] = {}
    failed: set[int] = set()
    most = 0

    async def handle(delivery: Delivery) -> None:
        nonlocal most
        key, n = delivery.event.subject, number(delivery.event)
        running[key] = running.get(key, 0) + 1
        most = max(most, sum(running.values()))
        assert running[key] == 1
        try:
            await asyncio.sleep(0.001)
            if n % 17 == 0 and n not in failed:
                failed.add(n)
                raise ValueError("once")
        finally:
            running[key] -= 1
        done.setdefault(key, []).append(n)

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", conc=8, policy=QUICK)
    await desk.start()
    events = [event(n, about=f"c{n % 13}") for n in range(600)]
    await StreamPublisher(desk, "SUPPORT").publish_all(events)
    await eventually(lambda: sum(map(len, done.values())) == 600, within=20)
    await eventually(lambda: idle(client, "routing"))
    assert done == {f"message/c{k}": list(range(k, 600, 13)) for k in range(13)}
    assert len(failed) == 36
    assert 1 < most <= 8
    assert await dead_letters(client) == []


async def test_a_key_that_waits_holds_up_no_other(desk: ServiceBroker) -> None:
    """With one place to run, a failing key leaves it to the others between its attempts."""
    seen: list[str] = []

    async def handle(delivery: Delivery) -> None:
        if delivery.event.subject == "message/stuck":
            raise ConnectionError("away")
        seen.append(delivery.event.subject)

    policy = FailurePolicy(first_delay=0.05, max_delay=0.05)
    subscribe_keyed(desk, "routing", handle, key=about, service="desk", conc=1, policy=policy)
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await publisher.publish(event(0, about="stuck"))
    await publisher.publish_all([event(n, about=f"c{n}") for n in range(20)])
    await eventually(lambda: len(seen) == 20)


async def test_a_slow_handler_is_not_given_its_message_twice(
    desk: ServiceBroker, client: Client
) -> None:
    """What is being worked on is kept alive beyond `ack_wait`."""
    await short_ack_wait(client, "routing", 0.4)
    seen: list[int] = []
    release = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        seen.append(number(delivery.event))
        await release.wait()

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish_all([event(n) for n in range(3)])
    await eventually(lambda: bool(seen))
    await asyncio.wait({asyncio.create_task(release.wait())}, timeout=1.5)
    assert (await client.jetstream().consumer_info("SUPPORT", "routing")).num_redelivered == 0
    release.set()
    await eventually(lambda: idle(client, "routing"))
    assert seen == [0, 1, 2]


async def test_batches_come_whole_in_order_and_raw(desk: ServiceBroker, client: Client) -> None:
    """A batch handler gets every message as it is, poison included, in stream order."""
    sequences: list[int] = []
    bodies: list[bytes] = []

    async def handle(msgs: Sequence[Msg]) -> None:
        sequences.extend(msg.metadata.sequence.stream for msg in msgs)
        bodies.extend(msg.data for msg in msgs)

    subscribe_batch(desk, "audit", handle, max_batch=64)
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await publisher.publish_all([event(n) for n in range(300)])
    await publisher.publish_raw("support.main.message.odd", b"\xff", "odd")
    await eventually(lambda: len(sequences) == 301)
    await eventually(lambda: idle(client, "audit"))
    assert sequences == list(range(1, 302))
    assert bodies[-1] == b"\xff"


async def test_a_batch_whose_handler_fails_comes_back(desk: ServiceBroker, client: Client) -> None:
    """INVARIANT I1: nothing of a failed batch is acked; all of it is delivered again."""
    calls: list[list[int]] = []
    stored: set[int] = set()

    async def handle(msgs: Sequence[Msg]) -> None:
        batch = [msg.metadata.sequence.stream for msg in msgs]
        calls.append(batch)
        if len(calls) <= 2:
            raise ConnectionError("the database is away")
        stored.update(batch)

    subscribe_batch(desk, "audit", handle, retry_delay=0.05)
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish_all([event(n) for n in range(50)])
    await eventually(lambda: idle(client, "audit"))
    assert stored == set(range(1, 51))
    assert len(calls) >= 3


async def test_several_batches_at_once(desk: ServiceBroker, client: Client) -> None:
    """With `concurrency` two batches are under way while the first is not finished."""
    running = most = 0
    seen: set[int] = set()

    async def handle(msgs: Sequence[Msg]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        seen.update(msg.metadata.sequence.stream for msg in msgs)
        running -= 1

    subscribe_batch(desk, "audit", handle, max_batch=20, concurrency=3)
    await StreamPublisher(await started(desk), "SUPPORT").publish_all(
        [event(n) for n in range(300)]
    )
    await eventually(lambda: idle(client, "audit"))
    assert seen == set(range(1, 301))
    assert 1 < most <= 3


async def test_little_that_comes_waits_for_the_batch_before_it(
    desk: ServiceBroker, client: Client
) -> None:
    """One large batch after a slow one, not many small ones beside it; a full one does not wait."""
    batches: list[int] = []
    slow = asyncio.Event()

    async def handle(msgs: Sequence[Msg]) -> None:
        batches.append(len(msgs))
        if len(batches) == 1:
            await slow.wait()

    subscribe_batch(desk, "audit", handle, max_batch=20, linger=0, concurrency=3)
    publisher = StreamPublisher(await started(desk), "SUPPORT")
    await publisher.publish(event(0))
    await eventually(lambda: len(batches) == 1)
    for n in range(1, 20):
        await publisher.publish(event(n))
    assert batches == [1]
    await publisher.publish(event(20))
    await eventually(lambda: batches == [1, 20])
    await publisher.publish(event(21))
    slow.set()
    await eventually(lambda: idle(client, "audit"))
    assert batches == [1, 20, 1]


def reached(ids: set[str], least: int) -> bool:
    """Whether so many have come."""
    return len(ids) >= least


async def started(desk: ServiceBroker) -> ServiceBroker:
    """The desk, started."""
    await desk.start()
    return desk


async def test_server_killed_while_consuming(
    desk: ServiceBroker, new_desk: MakeBroker, client: Client, own_nats: NatsServer
) -> None:
    """INVARIANT I10: kill -9 of NATS during consumption loses no message; keys stay in order."""
    await short_ack_wait(client, "routing", 1)
    first: dict[str, list[int]] = {}
    ids: set[str] = set()

    async def handle(delivery: Delivery) -> None:
        await asyncio.sleep(0.001)
        if delivery.event.id not in ids:  # as every handler does: at least once on the wire
            ids.add(delivery.event.id)
            first.setdefault(delivery.event.subject, []).append(number(delivery.event))

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    publisher = StreamPublisher(new_desk(), "SUPPORT", timeout=15)
    await publisher._broker.start()
    events = [event(n, about=f"c{n % 5}") for n in range(1500)]
    publishing = asyncio.create_task(publisher.publish_all(events))
    for seen in (100, 700):
        await eventually(partial(reached, ids, seen), within=15)
        own_nats.kill()
        own_nats.start()
    acks = await publishing
    await eventually(lambda: len(ids) == 1500, within=20)
    await eventually(lambda: idle(client, "routing"), within=10)
    assert first == {f"message/c{k}": list(range(k, 1500, 5)) for k in range(5)}
    assert [ack.seq for ack in acks] == list(range(1, 1501))


async def test_first_message_after_a_restart_comes_at_once(
    desk: ServiceBroker, client: Client, own_nats: NatsServer
) -> None:
    """An idle consumer is back within about a second of the server.

    The server may have forgotten the first ack in the kill, and then delivers 1 again.
    """
    seen: list[int] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(number(delivery.event))

    subscribe_keyed(desk, "routing", handle, key=about, service="desk")
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=10)
    await publisher.publish(event(1))
    await eventually(lambda: seen == [1])
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    own_nats.start()
    await publisher.publish(event(2))
    await eventually(lambda: seen[-1] == 2, within=1.5)


async def test_a_durable_that_is_removed_and_made_again(
    desk: ServiceBroker, client: Client
) -> None:
    """The subscriber asks until the durable is there again and goes on with it."""
    seen: list[int] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(number(delivery.event))

    subscribe_keyed(desk, "routing", handle, key=about, service="desk")
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await publisher.publish(event(1))
    await eventually(lambda: seen == [1])
    await eventually(lambda: idle(client, "routing"))
    js = client.jetstream()
    config: ConsumerConfig = (await js.consumer_info("SUPPORT", "routing")).config
    await js.delete_consumer("SUPPORT", "routing")
    await publisher.publish(event(2))
    await js.add_consumer("SUPPORT", config)
    await eventually(lambda: seen[-1:] == [2], within=3)


async def test_stopping_gives_back_what_was_not_handled(
    desk: ServiceBroker, new_desk: MakeBroker, client: Client
) -> None:
    """INVARIANT I10: after a stop the next instance has the rest at once, in order."""
    first: list[int] = []
    second: list[int] = []
    entered = asyncio.Event()

    async def slow(delivery: Delivery) -> None:
        entered.set()
        await asyncio.sleep(0.05)
        first.append(number(delivery.event))

    subscribe_keyed(desk, "routing", slow, key=about, service="desk")
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish_all([event(n) for n in range(100)])
    await entered.wait()
    await desk.stop()
    handled = len(first)
    assert 0 < handled < 100

    async def quick(delivery: Delivery) -> None:
        second.append(number(delivery.event))

    other = new_desk()
    subscribe_keyed(other, "routing", quick, key=about, service="desk")
    await other.start()
    await eventually(lambda: len(second) == 100 - handled, within=3)
    assert sorted(first + second) == list(range(100))


async def test_stopping_cancels_a_handler_that_does_not_end(
    desk: ServiceBroker, client: Client
) -> None:
    """A stop takes no longer than the graceful timeout; the message is left to others."""

    async def forever(delivery: Delivery) -> None:
        await asyncio.Event().wait()

    subscribe_keyed(desk, "routing", forever, key=about, service="desk")
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish(event(1))

    async def taken() -> bool:
        info = await client.jetstream().consumer_info("SUPPORT", "routing")
        return bool(info.num_ack_pending)

    await eventually(taken)
    await asyncio.wait_for(desk.stop(), 4)
    assert not await idle(client, "routing")
