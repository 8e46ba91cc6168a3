"""Failing handlers on a real server: tried again, waited for, set aside, never lost."""

import pytest
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.failure import PermanentError, Retry
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.pull import Delivery, subscribe_keyed
from nats.aio.client import Client

from tests.integration.runtime.conftest import QUICK, about, dead_letters, event, idle, number
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


async def test_a_handler_that_fails_and_then_succeeds(desk: ServiceBroker, client: Client) -> None:
    """Errors are retried in place; the message is acked once and nothing is set aside."""
    tries: list[int] = []

    async def handle(delivery: Delivery) -> None:
        tries.append(delivery.num_delivered)
        if len(tries) < 4:
            raise ValueError("not yet")

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish(event(1))
    await eventually(lambda: len(tries) == 4)
    await eventually(lambda: idle(client, "routing"))
    assert tries == [1, 1, 1, 1]
    assert await dead_letters(client) == []


async def test_a_handler_that_always_fails_sets_the_message_aside(
    desk: ServiceBroker, client: Client
) -> None:
    """The dead letter is the original bytes and headers with reason, sequence and deliveries."""
    tries = 0

    async def handle(delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("cannot reach +92 300 1234567 for 'a long private text'")

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await publisher.publish(event(0, about="fine"))
    sent = event(1)
    ack = await publisher.publish(sent)
    original = await client.jetstream().get_msg("SUPPORT", ack.seq)

    async def both_dead() -> bool:
        return len(await dead_letters(client)) == 2

    await eventually(both_dead)
    await eventually(lambda: idle(client, "routing"))
    letter = next(x for x in await dead_letters(client) if x.data == sent.to_bytes())
    headers = letter.headers or {}
    assert letter.subject == "dead.desk.routing"
    assert headers["reason"] == "ValueError: cannot reach [redacted] for [redacted]"
    assert headers["stream"] == "SUPPORT"
    assert headers["stream_sequence"] == str(ack.seq)
    assert headers["num_delivered"] == "1"
    assert headers["original_subject"] == "support.main.message.noted"
    assert headers["Nats-Msg-Id"] == f"dead:SUPPORT:{ack.seq}:routing"
    assert headers["original-Nats-Msg-Id"] == sent.id
    kept = {key: headers[key] for key in ("content-type", "traceparent")}
    assert kept.items() <= (original.headers or {}).items()
    assert tries == 2 * QUICK.attempts


async def test_a_permanent_error_is_set_aside_without_another_attempt(
    desk: ServiceBroker, client: Client
) -> None:
    """A handler that knows that no retry helps is believed."""
    tries = 0

    async def handle(delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        raise PermanentError("the ticket names no conversation")

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish(event(1))

    async def dead() -> bool:
        return len(await dead_letters(client)) == 1

    await eventually(dead)
    headers = (await dead_letters(client))[0].headers or {}
    assert headers["reason"] == "PermanentError: the ticket names no conversation"
    assert tries == 1


POISON = [b"\xff\xfe not text", b"", b"[1, 2]", b'{"id": "x"}', b"{" * 5000]


async def test_poison_bytes_are_set_aside_and_the_rest_goes_on(
    desk: ServiceBroker, client: Client
) -> None:
    """INVARIANT I2: bytes that are no event never reach the handler and never stop the others."""
    seen: list[int] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(number(delivery.event))

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    large = b"x" * (client.max_payload - 450)  # there is no room left for the reason
    poisons = [*POISON, large]
    for n, poison in enumerate(poisons):
        await publisher.publish_raw("support.main.message.odd", poison, f"odd{n}")
        await publisher.publish(event(n))
    await eventually(lambda: idle(client, "routing"))
    letters = await dead_letters(client)
    assert sorted(seen) == list(range(len(poisons)))
    by_sequence = {(x.headers or {})["stream_sequence"]: x for x in letters}
    assert len(by_sequence) == len(letters) == len(poisons)
    assert {x.data or b"" for x in letters} == set(POISON)
    largest = by_sequence[str(2 * len(poisons) - 1)]
    assert (largest.headers or {})["bytes_omitted"] == str(len(large))


async def test_without_a_dead_stream_the_message_is_kept_and_set_aside_later(
    desk: ServiceBroker, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that cannot be set aside stays unacked and comes back until it can be."""
    monkeypatch.setattr("casetrail_runtime.pull.keyed.KEPT_FIRST", 0.2)
    js = client.jetstream()
    dead = (await js.stream_info("DEAD")).config
    await js.delete_stream("DEAD")

    async def handle(delivery: Delivery) -> None:
        raise PermanentError("never")

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    sent = event(1)
    await StreamPublisher(desk, "SUPPORT").publish(sent)

    def kept() -> bool:
        value = desk.telemetry.registry.get_sample_value(
            "casetrail_messages_kept_total", {"durable": "routing"}
        )
        return bool(value)

    await eventually(kept, within=8)
    assert not await idle(client, "routing")
    await js.add_stream(dead)
    await eventually(lambda: idle(client, "routing"), within=10)
    letters = await dead_letters(client)
    assert [x.data for x in letters] == [sent.to_bytes()]
    assert int((letters[0].headers or {})["num_delivered"]) > 1


async def test_an_outage_is_waited_for_and_sets_nothing_aside(
    desk: ServiceBroker, client: Client
) -> None:
    """Errors that say a server is away are retried beyond the attempts of the policy."""
    tries = 0

    async def handle(delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2 * QUICK.attempts:
            raise ConnectionError("the database is away")
        if tries == 2 * QUICK.attempts + 1:
            raise Retry(0.01)

    subscribe_keyed(desk, "routing", handle, key=about, service="desk", policy=QUICK)
    await desk.start()
    await StreamPublisher(desk, "SUPPORT").publish(event(1))
    await eventually(lambda: tries == 2 * QUICK.attempts + 2)
    await eventually(lambda: idle(client, "routing"))
    assert await dead_letters(client) == []
