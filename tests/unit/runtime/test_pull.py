"""What consuming needs of FastStream, pinned so that an upgrade that changes it is noticed."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from casetrail_contracts import Actor, Event, EventData, MalformedEvent
from casetrail_runtime.broker import ServiceBroker, make_app, make_broker
from casetrail_runtime.pull import Delivery, Place, place_of, subscribe_batch, subscribe_keyed
from casetrail_runtime.pull.delivery import seq_of
from faststream.nats import TestNatsBroker
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber, CoreSubscriber
from nats.aio.msg import Msg
from pydantic import SecretStr

from tests.support.fixtures import Addresses

NOBODY = Addresses(nats_url=SecretStr("nats://127.0.0.1:1"))

EVENT = Event(
    id="e1",
    source="casetrail/desk",
    type="casetrail.message.noted.v1",
    subject="message/m1",
    time=datetime(2026, 11, 22, tzinfo=UTC),
    workspace="main",
    data=EventData(actor=Actor(kind="service", id="desk")),
)


@pytest.fixture
def desk() -> ServiceBroker:
    """A broker that is never connected."""
    return make_broker(NOBODY, "desk")


async def test_events_reach_a_keyed_handler_through_the_in_memory_broker(
    desk: ServiceBroker,
) -> None:
    """Handlers can be tried without a server: the event comes typed, as delivery 1."""
    seen: list[Delivery] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(delivery)

    subscribe_keyed(desk, "routing", handle, key=lambda event: event.subject, service="desk")
    async with TestNatsBroker(desk):
        await desk.publish(EVENT.to_bytes(), "support.main.message.noted")
    assert [(x.event.id, x.seq, x.num_delivered) for x in seen] == [("e1", 0, 1)]
    assert seen[0].subject == "support.main.message.noted"


async def test_the_in_memory_broker_shows_a_handlers_error(desk: ServiceBroker) -> None:
    """Without a stream there is nothing to retry from: the error is the test's."""

    async def handle(_: Delivery) -> None:
        raise LookupError("no such case")

    subscribe_keyed(desk, "routing", handle, key=lambda event: event.subject, service="desk")
    async with TestNatsBroker(desk):
        with pytest.raises(LookupError):
            await desk.publish(EVENT.to_bytes(), "support.main.message.noted")
        with pytest.raises(MalformedEvent):
            await desk.publish(b"\xff", "support.main.message.noted")


async def test_batches_reach_their_handler_undecoded(desk: ServiceBroker) -> None:
    """Odd bytes come through FastStream untouched."""
    seen: list[bytes] = []

    async def handle(msgs: Sequence[Msg]) -> None:
        seen.extend(msg.data for msg in msgs)

    subscribe_batch(desk, "audit", handle)
    async with TestNatsBroker(desk):
        await desk.publish(b"\xff\x00", "support.main.message.noted")
    assert seen == [b"\xff\x00"]


async def test_asyncapi_describes_the_subscriber(desk: ServiceBroker) -> None:
    """The generated document has the durable's title, text and the schema of an event."""

    async def handle(_: Delivery) -> None:
        """Nothing."""

    subscribe_keyed(
        desk,
        "routing",
        handle,
        key=lambda event: event.subject,
        service="desk",
        title="routing",
        description="Opens cases.",
    )
    document = make_app(desk, title="Desk", version="1").schema.to_specification().to_jsonable()
    channel = document["channels"]["routing"]
    assert (channel["address"], channel["description"]) == ("support.>", "Opens cases.")
    schemas = document["components"]["schemas"]
    assert "correlationid" in schemas["Event"]["properties"]
    refs = {part for part in str(document).split("'") if part.startswith("#/components/schemas/")}
    assert refs
    assert {ref.rpartition("/")[2] for ref in refs} <= set(schemas)


def test_the_application_has_no_try_it_out(desk: ServiceBroker) -> None:
    """Nobody can publish through the documentation of a service."""
    paths = [path for path, _ in make_app(desk, title="Desk", version="1").routes]
    assert paths == ["/asyncapi.json"]


def test_what_of_faststream_is_replaced_is_still_there(desk: ServiceBroker) -> None:
    """The members the pump's subscriber overrides or uses exist under these names."""
    for name in ("_create_subscription", "add_task", "consume", "stop", "specification"):
        assert hasattr(BatchPullStreamSubscriber, name)
    assert hasattr(CoreSubscriber, "specification")
    assert desk._connection_kwargs["max_reconnect_attempts"] == -1
    assert desk._connection_kwargs["error_cb"] == desk._on_error
    assert desk._connection_kwargs["closed_cb"] == desk._on_closed
    assert desk.config.broker_config.ack_policy.name == "MANUAL"


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.SUPPORT.audit.2.4711.17.1795341603120000123.9",
        "$JS.ACK.hub.ACCHASH.SUPPORT.audit.2.4711.17.1795341603120000123.9",
        "$JS.ACK.hub.ACCHASH.SUPPORT.audit.2.4711.17.1795341603120000123.9.random",
    ],
)
def test_a_place_is_what_the_reply_subject_says(reply: str) -> None:
    """With and without a domain, the time to the nanosecond; the client reads the same."""
    msg = Msg(None, reply=reply)  # type: ignore[arg-type]
    place = place_of(msg)
    assert seq_of(msg) == place.seq
    assert place == Place("SUPPORT", 2, 4711, 1795341603120000123, 9)
    if not reply.endswith("random"):
        meta = msg.metadata
        assert (meta.stream, meta.num_delivered, meta.num_pending) == ("SUPPORT", 2, 9)
        assert meta.sequence.stream == place.seq
