"""A NATS server, its streams and brokers of a service `desk`, for one test."""

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import nats
import pytest
from casetrail_contracts import Actor, Event, EventData
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker, _end_reconnecting, make_broker
from casetrail_runtime.failure import FailurePolicy
from casetrail_runtime.streams import DURABLES, STREAMS, apply_all
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from tests.support.fixtures import Addresses


async def _ignore(_: Exception) -> None:
    """The observer's own connection breaks by design when its server is killed."""


@pytest.fixture
async def client(own_nats: NatsServer) -> AsyncIterator[Client]:
    """A plain client that sees what the server really holds."""
    connected = await nats.connect(
        own_nats.url, error_cb=_ignore, max_reconnect_attempts=-1, reconnect_time_wait=1
    )
    yield connected
    await connected.close()
    await _end_reconnecting(connected)


@pytest.fixture
async def streams(client: Client) -> None:
    """All streams and durables, as the owner makes them."""
    await apply_all(client.jetstream(), STREAMS, DURABLES)


MakeBroker = Callable[[], ServiceBroker]


@pytest.fixture
async def new_desk(own_nats: NatsServer) -> AsyncIterator[MakeBroker]:
    """Makes brokers of a service `desk`, not started; stops them in the end."""
    made: list[ServiceBroker] = []

    def make() -> ServiceBroker:
        settings = Addresses(nats_url=SecretStr(own_nats.url))
        made.append(make_broker(settings, "desk", exit_after=None, graceful_timeout=2))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def desk(new_desk: MakeBroker, streams: None) -> ServiceBroker:
    """A broker on a server with streams, not started."""
    return new_desk()


class Noted(EventData):
    """A small event for tests."""

    n: int = 0


def event(n: int = 0, *, about: str = "c1", id: str | None = None, pad: int = 0) -> Event:  # noqa: A002 - the attribute's name
    """An event number n about something, on `support.main.message.noted`."""
    return Event(
        id=str(uuid.uuid4()) if id is None else id,
        source="casetrail/desk",
        type="casetrail.message.noted.v1",
        subject=f"message/{about}",
        time=datetime.now(UTC),
        workspace="main",
        correlationid="cause",
        data=Noted(actor=Actor(kind="service", id="desk"), n=n, pad="x" * pad),
    )


def number(of: Event) -> int:
    """The n of such an event after a round trip."""
    return int(of.data.model_dump()["n"])


QUICK = FailurePolicy(attempts=4, first_delay=0.01, max_delay=0.05)


def about(of: Event) -> str:
    """The key of these tests."""
    return of.subject


async def idle(client: Client, durable: str) -> bool:
    """Whether the durable has nothing left, delivered or not."""
    info = await client.jetstream().consumer_info("SUPPORT", durable)
    return (info.num_pending, info.num_ack_pending) == (0, 0)


async def dead_letters(client: Client) -> list[RawStreamMsg]:
    """What the DEAD stream holds."""
    js = client.jetstream()
    try:
        last = (await js.stream_info("DEAD")).state.last_seq
    except NotFoundError:
        return []
    return [await js.get_msg("DEAD", seq) for seq in range(1, last + 1)]
