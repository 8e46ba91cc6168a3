"""The publisher on a real server: an ack means stored, once, in order."""

import asyncio
from functools import partial
from typing import Any

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.publisher import NotStored, StreamPublisher
from casetrail_runtime.publisher.wire import store_each
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StreamConfig

from tests.integration.runtime.conftest import MakeBroker, event
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


async def stored_ids(client: Client, stream: str = "SUPPORT") -> list[str]:
    """The message ids of a stream, in its order."""
    js = client.jetstream()
    last = (await js.stream_info(stream)).state.last_seq
    found = []
    for seq in range(1, last + 1):
        headers = (await js.get_msg(stream, seq, direct=True)).headers or {}
        found.append(headers["Nats-Msg-Id"])
    return found


async def test_one_event_is_stored_with_its_headers(desk: ServiceBroker, client: Client) -> None:
    """The ack names the sequence under which exactly the event's bytes and headers are kept."""
    await desk.start()
    sent = event(7)
    ack = await StreamPublisher(desk, "SUPPORT").publish(sent)
    kept = await client.jetstream().get_msg("SUPPORT", ack.seq)
    assert (ack.seq, ack.duplicate) == (1, False)
    assert kept.data == sent.to_bytes()
    assert kept.subject == "support.main.message.noted"
    headers = kept.headers or {}
    assert headers["Nats-Msg-Id"] == sent.id
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["traceparent"].startswith("00-")


async def test_two_thousand_events_with_a_duplicate_inside(
    desk: ServiceBroker, client: Client
) -> None:
    """INVARIANT I3: batches with a known id inside store every event once, in the given order."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    first = await publisher.publish(event(0, id="known"))
    events = [event(n, id=f"e{n}") for n in range(2000)]
    events[1234] = event(1234, id="known")
    events[700] = event(700, id="e3")
    acks = await publisher.publish_all(events)
    assert acks[1234].seq == first.seq
    assert acks[700].seq == acks[3].seq
    assert [n for n, ack in enumerate(acks) if ack.duplicate] == [700, 1234]
    fresh = [e.id for n, e in enumerate(events) if n not in {700, 1234}]
    assert await stored_ids(client) == ["known", *fresh]


async def test_the_same_events_again_are_all_duplicates(
    desk: ServiceBroker, client: Client
) -> None:
    """INVARIANT I3: publishing a batch a second time stores nothing and answers the same places."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    events = [event(n) for n in range(120)]
    once = await publisher.publish_all(events)
    again = await publisher.publish_all(events)
    assert [ack.seq for ack in again] == [ack.seq for ack in once]
    assert all(ack.duplicate for ack in again)
    assert len(await stored_ids(client)) == 120


async def test_what_waits_is_stored_in_atomic_batches(desk: ServiceBroker) -> None:
    """Many publishers at once share a few writes instead of one each."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await asyncio.gather(*(publisher.publish(event(n)) for n in range(500)))
    count = desk.telemetry.registry.get_sample_value(
        "casetrail_publish_batch_size_count", {"stream": "SUPPORT"}
    )
    assert count is not None
    assert count <= 10


async def test_calls_side_by_side_keep_their_own_order(desk: ServiceBroker, client: Client) -> None:
    """Each `publish_all` finds its events in its order, whatever else is published meanwhile."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    calls = [[event(n, id=f"{call}-{n}") for n in range(150)] for call in range(8)]
    await asyncio.gather(*(publisher.publish_all(events) for events in calls))
    ids = await stored_ids(client)
    for call, events in enumerate(calls):
        assert [i for i in ids if i.startswith(f"{call}-")] == [e.id for e in events]


async def test_server_killed_while_publishing_loses_and_doubles_nothing(
    desk: ServiceBroker, client: Client, own_nats: NatsServer
) -> None:
    """INVARIANT I10: acknowledged events survive kill -9 of NATS; retries add no second copy."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=10)
    calls = [[event(n, id=f"{call}-{n}", pad=300) for n in range(50)] for call in range(60)]

    async def publish() -> list[list[str]]:
        done = []
        for events in calls:
            await publisher.publish_all(events)
            done.append([e.id for e in events])
        return done

    publishing = asyncio.create_task(publish())
    for _ in range(2):
        before = client.stats["reconnects"]
        await asyncio.sleep(0.1)
        own_nats.kill()
        own_nats.start()
        await eventually(partial(reconnected, client, before))
    acked = [i for ids in await publishing for i in ids]
    ids = await stored_ids(client)
    assert len(ids) == len(set(ids))
    assert ids == acked


async def test_publishing_while_the_server_is_away_waits_for_it(
    desk: ServiceBroker, own_nats: NatsServer
) -> None:
    """A publish in an outage is acknowledged as soon as the server is back."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=10)
    await publisher.publish(event(0))
    own_nats.kill()
    waiting = asyncio.create_task(publisher.publish(event(1)))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    own_nats.start()
    assert (await waiting).seq == 2


async def test_not_stored_says_that_nats_is_away(desk: ServiceBroker, own_nats: NatsServer) -> None:
    """After the timeout the caller learns why, and that trying again may help."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=0.3)
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    with pytest.raises(NotStored, match=r"not stored within 0\.3 s: NATS is not connected") as told:
        await publisher.publish(event(0))
    assert told.value.passing


async def test_not_stored_when_the_stream_is_missing(new_desk: MakeBroker) -> None:
    """A missing stream is waited for, then named."""
    desk = new_desk()
    await desk.start()
    with pytest.raises(NotStored, match="there is no stream SUPPORT"):
        await StreamPublisher(desk, "SUPPORT", timeout=0.3).publish(event(0))


async def test_not_stored_when_the_subject_is_foreign(desk: ServiceBroker) -> None:
    """A subject the stream does not take is refused at once, without holding up others."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    results = await asyncio.gather(
        publisher.publish_raw("orders.paid", b"{}", "o1"),
        publisher.publish(event(1)),
        return_exceptions=True,
    )
    assert isinstance(results[0], NotStored)
    assert results[0].reason == "the stream SUPPORT does not take orders.paid"
    assert not results[0].passing
    assert not isinstance(results[1], BaseException)


async def test_not_stored_when_too_large_leaves_the_connection_alone(
    desk: ServiceBroker, client: Client
) -> None:
    """An event larger than NATS takes is refused before it is sent: sending would end the process.

    The limit counts headers too, so it is tried in steps around the edge.
    """
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    limit = client.max_payload
    refused: list[NotStored] = []
    for less in (-10, 0, 50, 150, 300, 500, 700):
        data = b"x" * (limit - less)
        try:
            await publisher.publish_raw("support.main.message.noted", data, f"big{less}")
        except NotStored as error:
            refused.append(error)
    assert 0 < len(refused) < 7
    assert all("more than NATS takes" in error.reason for error in refused)
    assert not any(error.passing for error in refused)
    assert desk.connection.is_connected
    assert desk.connection.stats["reconnects"] == 0


def reconnected(client: Client, before: int) -> bool:
    """Whether the client has connected again since."""
    return client.is_connected and client.stats["reconnects"] > before


async def full_stream(client: Client, name: str, **limits: int) -> None:
    """A stream that refuses at its limit."""
    await client.jetstream().add_stream(
        StreamConfig(
            name=name,
            subjects=[f"{name.lower()}.>"],
            discard=DiscardPolicy.NEW,
            allow_atomic=True,
            **limits,  # type: ignore[arg-type]
        )
    )


async def test_a_full_stream_stores_a_prefix_and_says_so(
    new_desk: MakeBroker, client: Client
) -> None:
    """Events of one call that no longer fit are refused from the first of them on."""
    await full_stream(client, "SMALL", max_msgs=30)
    desk = new_desk()
    await desk.start()
    publisher = StreamPublisher(desk, "SMALL")
    for n in range(10):
        await publisher.publish_raw("small.a", b"{}", f"before{n}")
    calls = await asyncio.gather(
        *(publisher.publish_raw("small.a", b"{}", f"m{n}") for n in range(40)),
        return_exceptions=True,
    )
    stored = [n for n, result in enumerate(calls) if not isinstance(result, BaseException)]
    refused = [result for result in calls if isinstance(result, NotStored)]
    assert stored == list(range(20))
    assert len(refused) == 20
    assert all(error.passing for error in refused)
    assert "SMALL is full or cannot write: maximum messages exceeded" in refused[0].reason


async def test_after_a_failed_event_none_of_the_later_ones_is_stored(
    desk: ServiceBroker, client: Client
) -> None:
    """`publish_all` stores a prefix: a hole would break the versions of an aggregate."""
    await client.jetstream().update_stream(
        (await client.jetstream().stream_info("SUPPORT")).config.evolve(max_msg_size=1200)
    )
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    events = [event(n, id=f"e{n}", pad=2000 if n == 37 else 0) for n in range(60)]
    with pytest.raises(NotStored, match="message size exceeds maximum allowed") as told:
        await publisher.publish_all(events)
    assert len(told.value.acks) == 37
    assert await stored_ids(client) == [f"e{n}" for n in range(37)]


async def test_a_stream_without_atomic_batches_is_published_to_one_by_one(
    new_desk: MakeBroker, client: Client
) -> None:
    """Where batches are off the same calls work, in order."""
    await client.jetstream().add_stream(StreamConfig(name="PLAIN", subjects=["plain.>"]))
    desk = new_desk()
    await desk.start()
    publisher = StreamPublisher(desk, "PLAIN")
    acks = await asyncio.gather(
        *(publisher.publish_raw("plain.a", b"", f"m{n}") for n in range(40))
    )
    assert [ack.seq for ack in acks] == list(range(1, 41))


async def test_a_cancelled_call_is_forgotten_and_others_go_on(
    desk: ServiceBroker, own_nats: NatsServer, client: Client
) -> None:
    """Who gives up waiting leaves nothing behind that would be stored later by surprise."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT", timeout=10)
    await publisher.publish(event(id="first"))
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    given_up = asyncio.create_task(publisher.publish(event(id="given-up")))
    kept = asyncio.create_task(publisher.publish(event(id="kept")))
    await asyncio.wait({given_up}, timeout=0.2)
    given_up.cancel()
    own_nats.start()
    await kept
    assert await stored_ids(client) == ["first", "kept"]


async def test_closing_waits_for_everything_that_is_under_way(
    desk: ServiceBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for the first of several groups that are on their way, when it is answered last."""
    await desk.start()
    slow = iter([0.3])

    async def first_is_slow(*given: Any, **named: Any) -> Any:
        found = await store_each(*given, **named)
        await asyncio.sleep(next(slow, 0.0))
        return found

    monkeypatch.setattr("casetrail_runtime.publisher.stream.store_each", first_is_slow)
    publisher = StreamPublisher(desk, "SUPPORT")
    first = asyncio.create_task(publisher.publish(event(1)))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(publisher.publish(event(2)))
    await asyncio.sleep(0.1)
    assert second.done()
    assert not first.done()
    await publisher.close()
    await asyncio.sleep(0)
    assert first.done()
    assert (await first).seq < (await second).seq


async def test_a_closed_publisher_refuses(desk: ServiceBroker) -> None:
    """After `close` a publish fails with a sentence instead of waiting."""
    await desk.start()
    publisher = StreamPublisher(desk, "SUPPORT")
    await publisher.publish(event(0))
    await publisher.close()
    with pytest.raises(NotStored, match="closed"):
        await publisher.publish(event(1))
