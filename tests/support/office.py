"""A service reduced to its database, the stream, and a relay between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nats
import pytest
from casetrail_contracts import Event, parse_event
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import Database
from casetrail_runtime.outbox import AggregateCollection, Decision, Loaded
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.relay import RawPublisher, Relay
from casetrail_runtime.streams import SUPPORT, apply_all
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.support.aggregate_suite import State, step
from tests.support.fixtures import Addresses
from tests.support.waiting import eventually

CONVERSATIONS = "conversations"
EIGHT = {f"main:cv_{n}": 25 for n in range(8)}
"""Eight aggregates with 25 events each."""


@dataclass(frozen=True)
class Office:
    """A service's database, the stream, and a publisher that connects them."""

    db: Database
    js: JetStreamContext
    publisher: StreamPublisher

    async def commit(self, aggregate: str, cause_id: str) -> None:
        """One more event of the aggregate, whoever else is writing."""
        await self.decide(aggregate, step(cause_id, aggregate), cause_id)

    async def decide(
        self, aggregate: str, decide: Callable[[Loaded[State]], Decision[State]], cause_id: str
    ) -> None:
        """The commit of a decision."""
        store = AggregateCollection(self.db[CONVERSATIONS])
        current = await store.load(aggregate) or Loaded(aggregate)
        made = decide(current)
        await store.commit(current, made.state, made.events, cause_id, made.result)

    async def stored(self) -> list[Event]:
        """Everything in the stream, in its order; the ids are the messages' own."""
        last = (await self.js.stream_info(SUPPORT.name)).state.last_seq
        messages = [
            await self.js.get_msg(SUPPORT.name, seq, direct=True) for seq in range(1, last + 1)
        ]
        events = [parse_event(message.data or b"") for message in messages]
        assert [(m.headers or {})["Nats-Msg-Id"] for m in messages] == [e.id for e in events]
        return events

    async def has_stored(self, count: int) -> list[Event]:
        """Everything in the stream once it is so many and every outbox is empty."""

        async def all_there() -> bool:
            state = (await self.js.stream_info(SUPPORT.name)).state
            assert state.messages >= count, f"{state.messages} of {count}"
            return await self.db[CONVERSATIONS].find_one({"outbox.0": {"$exists": True}}) is None

        await eventually(all_there, within=20)
        return await self.stored()

    def relay(self, publisher: RawPublisher | None = None, **options: Any) -> Relay:
        """A relay that soon publishes what anybody wrote."""
        chosen = self.publisher if publisher is None else publisher
        return Relay(self.db, [CONVERSATIONS], chosen, **{"grace": 0.05, **options})

    async def write(self, aggregates: Mapping[str, int]) -> None:
        """So many events of each aggregate, the aggregates side by side."""

        async def one(aggregate: str, count: int) -> None:
            for n in range(count):
                await self.commit(aggregate, f"c{n}")

        await asyncio.gather(*(one(aggregate, count) for aggregate, count in aggregates.items()))


async def _ignore(_: Exception) -> None:
    """The test's own connection breaks by design when its server is killed."""


@asynccontextmanager
async def office_on(nats_server: NatsServer, db: Database) -> AsyncIterator[Office]:
    """An office whose NATS connections outlive their server."""
    client = await nats.connect(
        nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0, error_cb=_ignore
    )
    await apply_all(client.jetstream(), [SUPPORT], [])
    settings = Addresses(nats_url=SecretStr(nats_server.url))
    broker = make_broker(settings, "office", exit_after=None, graceful_timeout=2)
    await broker.start()
    yield Office(db, client.jetstream(), StreamPublisher(broker, SUPPORT.name, timeout=1))
    await broker.stop()
    await client.close()


@pytest.fixture
async def office(own_nats: NatsServer, mongo_db: Database) -> AsyncIterator[Office]:
    """An office on a NATS of its own."""
    async with office_on(own_nats, mongo_db) as made:
        yield made


Running = Callable[[Relay], Awaitable[Relay]]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """Starts relays, and stops them in the end."""
    started: list[Relay] = []

    async def start(relay: Relay) -> Relay:
        await relay.start()
        started.append(relay)
        return relay

    yield start
    for relay in started:
        await relay.stop()


def assert_in_order(events: list[Event], counts: Mapping[str, int]) -> None:
    """Every event once by id, and those of each aggregate in the order of their versions."""
    assert len({event.id for event in events}) == len(events) == sum(counts.values())
    for aggregate, count in counts.items():
        conversation = aggregate.partition(":")[2]
        versions = [event.version for event in events if event.conversationid == conversation]
        assert versions == list(range(1, count + 1)), aggregate
