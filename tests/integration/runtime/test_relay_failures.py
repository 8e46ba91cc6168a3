"""From the outbox to the stream, through everything that can go wrong on the way."""

import asyncio
import time
from collections.abc import Mapping

import pytest
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_runtime.mongo import database, make_client
from casetrail_runtime.publisher import Ack, NotStored, StreamPublisher
from casetrail_runtime.relay import Relay, RelayStuck
from casetrail_runtime.streams import SUPPORT
from pydantic import SecretStr
from pymongo.errors import OperationFailure

from tests.support.aggregate_suite import CV_A, CV_B
from tests.support.fixtures import Addresses
from tests.support.office import CONVERSATIONS, EIGHT, Office, Running, assert_in_order, office_on
from tests.support.processes import python_process
from tests.support.waiting import always, eventually


class StopsAfterStoring:
    """A publisher that stores and then never returns: the moment between publish and removal."""

    def __init__(self, publisher: StreamPublisher) -> None:
        self._publisher = publisher
        self.stored = asyncio.Event()

    async def publish_raw(
        self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> Ack:
        """Stores, tells, and waits for ever."""
        await self._publisher.publish_raw(subject, data, msg_id, headers)
        self.stored.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_relay_cancelled_before_it_took_the_event_out(
    office: Office, running: Running
) -> None:
    """INVARIANT I3: the next relay publishes it again, the stream has it once."""
    await office.commit(CV_A, "one")
    await office.commit(CV_A, "two")
    publisher = StopsAfterStoring(office.publisher)
    dying = office.relay(publisher)
    await dying.start()
    await asyncio.wait_for(publisher.stored.wait(), 10)
    for task in dying._tasks:
        task.cancel()
    await dying.stop()
    found = await office.db[CONVERSATIONS].find_one({"_id": CV_A})
    assert found is not None
    assert len(found["outbox"]) == 2
    await running(office.relay())
    assert_in_order(await office.has_stored(2), {CV_A: 2})


async def test_a_relay_killed_again_and_again(
    office: Office, own_nats: NatsServer, mongo_url: str, running: Running
) -> None:
    """INVARIANT I10: kill -9 between publish and removal, three times: once each, in order."""
    writing = asyncio.ensure_future(office.write(EIGHT))
    arguments = (own_nats.url, mongo_url, CONVERSATIONS)
    for die_after in ("7", "23", "41"):
        async with python_process("tests.support.relay_process", *arguments, die_after) as relay:
            assert await asyncio.wait_for(relay.wait(), 30) == -9
    await writing
    await running(office.relay())
    assert_in_order(await office.has_stored(200), EIGHT)


async def test_nats_is_away_during_the_commits(
    office: Office, own_nats: NatsServer, running: Running
) -> None:
    """INVARIANT I10: actions go on without NATS, their events follow when it is back."""
    relay = await running(office.relay(stuck_after=0.5))
    await office.commit(CV_A, "before")
    await office.has_stored(1)
    await asyncio.to_thread(own_nats.kill)
    for n in range(10):
        await office.commit(CV_A, f"during-{n}")
        await office.commit(CV_B, f"during-{n}")

    complaint = await eventually(lambda: complaint_of(relay), within=10)
    assert "main:cv_a cannot be published: not stored within 1 s" in complaint
    await asyncio.to_thread(own_nats.start)
    assert_in_order(await office.has_stored(21), {CV_A: 11, CV_B: 10})
    await eventually(lambda: is_well(relay))


async def complaint_of(relay: Relay) -> str:
    """What the ping says is wrong; empty when it answers."""
    try:
        await relay.ping()
    except RelayStuck as stuck:
        return str(stuck)
    return ""


async def is_well(relay: Relay) -> bool:
    """Whether the ping answers."""
    return not await complaint_of(relay)


async def test_mongod_is_killed_under_the_relay(
    own_nats: NatsServer, own_mongo: MongoServer, running: Running
) -> None:
    """INVARIANT I10: kill -9 and restart on the same data: the relay goes on by itself."""
    url = SecretStr(own_mongo.database_url("office"))
    client = make_client(Addresses(mongo_url=url), "tests")
    async with office_on(own_nats, database(client)) as office:
        relay = await running(office.relay())
        for n in range(5):
            await office.commit(CV_A, f"before-{n}")
        await asyncio.to_thread(own_mongo.kill)
        await asyncio.to_thread(own_mongo.start)
        for n in range(5):
            await office.commit(CV_A, f"after-{n}")
        assert_in_order(await office.has_stored(10), {CV_A: 10})
        await relay.stop()
    client.close()


@pytest.mark.parametrize("dropped", ["collection", "database"])
async def test_a_lost_change_stream_does_not_spin(
    office: Office, running: Running, dropped: str
) -> None:
    """After the drop the relay idles, then follows what is made anew."""
    await running(office.relay())
    await office.commit(CV_A, "one")
    await office.has_stored(1)
    if dropped == "collection":
        await office.db.drop_collection(CONVERSATIONS)
    else:
        await office.db.client.drop_database(office.db.name)
    busy, began = time.process_time(), time.monotonic()

    def idle() -> bool:
        passed = time.monotonic() - began
        return passed < 1 or (time.process_time() - busy) / passed < 0.25

    await always(idle, during=1.5)
    await office.commit(CV_B, "two")
    assert_in_order(await office.has_stored(2), {CV_A: 1, CV_B: 1})


class Refusing:
    """A publisher that will never store the events of one aggregate."""

    def __init__(self, publisher: StreamPublisher, about: str) -> None:
        self._publisher = publisher
        self._about = about.encode()
        self.attempts = 0

    async def publish_raw(
        self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> Ack:
        """The ack, or NotStored for good."""
        if self._about in data:
            self.attempts += 1
            raise NotStored("too large", passing=False)
        return await self._publisher.publish_raw(subject, data, msg_id, headers)


async def test_what_cannot_be_published_holds_up_only_its_aggregate(
    office: Office, running: Running
) -> None:
    """The event is kept, the ping names the aggregate, others go on, nothing spins."""
    publisher = Refusing(office.publisher, "cv_a")
    relay = await running(office.relay(publisher, stuck_after=0.0))
    await office.commit(CV_A, "one")
    for n in range(10):
        await office.commit(CV_B, f"c{n}")
    await eventually(lambda: _count_is(office, 10))
    assert await complaint_of(relay) == "conversations main:cv_a cannot be published: too large"
    found = await office.db[CONVERSATIONS].find_one({"_id": CV_A})
    assert found is not None
    assert len(found["outbox"]) == 1
    assert publisher.attempts < 5


async def _count_is(office: Office, count: int) -> bool:
    return (await office.js.stream_info(SUPPORT.name)).state.messages == count


class CannotFollow(Relay):
    """A relay that MongoDB refuses at once, as with a wrong password."""

    attempts = 0

    async def _follow(self) -> None:
        self.attempts += 1
        raise OperationFailure("not authorised")


async def test_a_refusing_mongodb_is_not_hammered(office: Office, running: Running) -> None:
    """The relay tries again with growing pauses and says what is wrong."""
    relay = CannotFollow(office.db, [CONVERSATIONS], office.publisher, stuck_after=0.0)
    await running(relay)
    await always(lambda: relay.attempts <= 4, during=1.2)
    assert relay.attempts >= 2
    assert "MongoDB cannot be followed: OperationFailure" in await complaint_of(relay)
