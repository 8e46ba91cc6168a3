"""From the outbox to the stream: order, ids, several replicas."""

from collections.abc import Mapping

from casetrail_runtime.outbox import Decision, Loaded
from casetrail_runtime.publisher import Ack, StreamPublisher
from casetrail_runtime.relay import Relay
from casetrail_runtime.streams import SUPPORT

from tests.support.aggregate_suite import CV_A, CV_B, State
from tests.support.events import assigned
from tests.support.office import CONVERSATIONS, EIGHT, Office, Running, assert_in_order


async def test_events_are_in_the_stream_soon_after_their_commit(
    office: Office, running: Running
) -> None:
    """What was committed before the start and after it, in order; the outboxes are empty then."""
    await office.commit(CV_A, "before-1")
    await office.commit(CV_A, "before-2")
    seconds: list[float] = []
    await running(office.relay(on_published=seconds.append))
    await office.has_stored(2)
    for n in range(20):
        await office.commit(CV_A, f"after-{n}")
        await office.commit(CV_B, f"after-{n}")
    events = await office.has_stored(42)
    assert_in_order(events, {CV_A: 22, CV_B: 20})
    assert len(seconds) == 42
    assert all(-0.1 < second < 20 for second in seconds)


async def test_several_events_of_one_commit_keep_their_order(
    office: Office, running: Running
) -> None:
    """INVARIANT I4: opened, queued, assigned are recorded as 1, 2, 3."""

    def decide(_: Loaded[State]) -> Decision[State]:
        events = [assigned("one", n + 1, nth=n) for n in range(30)]
        return Decision({}, {"causes": []}, events)

    await running(office.relay())
    await office.decide(CV_A, decide, "one")
    assert_in_order(await office.has_stored(30), {CV_A: 30})


async def test_the_message_is_the_event_as_committed(office: Office, running: Running) -> None:
    """The bytes of the outbox, the id, the content type and the trace of the commit."""
    await running(office.relay())
    await office.commit(CV_A, "one")
    await office.has_stored(1)
    message = await office.js.get_msg(SUPPORT.name, 1)
    expected = assigned("one", 1)
    assert message.subject == "support.main.conversation.assigned"
    assert message.data == expected.to_bytes()
    assert message.headers is not None
    assert message.headers["Nats-Msg-Id"] == expected.id
    assert message.headers["content-type"] == "application/cloudevents+json"


async def test_two_relays_at_once(office: Office, running: Running) -> None:
    """INVARIANT I3: several replicas publish the same outboxes: each event once, in order."""
    for _ in range(2):
        await running(Relay(office.db, [CONVERSATIONS], office.publisher, grace=0.0))
    await office.write(EIGHT)
    assert_in_order(await office.has_stored(200), EIGHT)


class Counting:
    """A publisher that counts what it is given."""

    def __init__(self, publisher: StreamPublisher) -> None:
        self._publisher = publisher
        self.count = 0

    async def publish_raw(
        self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> Ack:
        """The ack."""
        self.count += 1
        return await self._publisher.publish_raw(subject, data, msg_id, headers)


async def test_a_replica_leaves_to_the_writer_what_the_writer_publishes(
    office: Office, running: Running
) -> None:
    """Two replicas publish each event once between them; one alone takes over the other's."""
    own, other = Counting(office.publisher), Counting(office.publisher)
    writing = await running(Relay(office.db, [CONVERSATIONS], own))
    await running(Relay(office.db, [CONVERSATIONS], other, writer="another-process", grace=6.0))
    await office.commit(CV_A, "warm-up")
    await office.has_stored(1)
    before = own.count, other.count
    for n in range(20):
        await office.commit(CV_A, f"c{n}")
    await office.has_stored(21)
    assert (own.count - before[0], other.count - before[1]) == (20, 0)
    await writing.stop()
    await office.commit(CV_A, "orphan")
    assert_in_order(await office.has_stored(22), {CV_A: 22})
    assert other.count == before[1] + 1
