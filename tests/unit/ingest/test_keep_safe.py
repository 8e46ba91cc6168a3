"""An event is in the stream or on disk before its webhook is answered, and in order."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from casetrail_ingest.adapters.spool import DiskSpool
from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.use_cases.drain_spool import DrainSpool
from casetrail_ingest.use_cases.keep_safe import KeepSafe
from casetrail_runtime.publisher import Ack, NotStored, Raw

from tests.support.waiting import eventually


class Stream:
    """A stream that can be away, fail after some, refuse an id, or be slow."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.connected = True
        self.fails_after: int | None = None
        self.refuses: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish_all_raw(self, messages: Sequence[Raw]) -> list[Ack]:
        """Acks in order; a prefix with `NotStored`."""
        await self.gate.wait()
        acks: list[Ack] = []
        for _, _, identity in messages:
            if not self.connected or len(self.stored) == self.fails_after:
                raise NotStored("away", acks)
            if identity in self.refuses:
                raise NotStored("too large", acks, passing=False)
            self.stored.append(identity)
            acks.append(Ack(len(self.stored), duplicate=False))
        return acks


def event(name: str, kind: str = "message.received") -> Outgoing:
    """An event of this kind."""
    return Outgoing(f"support.main.{kind}", name, b"{}")


def call(name: str) -> Outgoing:
    """An event of a call."""
    return event(name, "channel.call_connected")


@pytest.fixture
def spool(tmp_path: Path) -> DiskSpool:
    """An empty spool."""
    return DiskSpool(tmp_path, 1_000_000)


async def test_while_the_stream_is_there_nothing_touches_the_disk(spool: DiskSpool) -> None:
    """The usual way costs no sync of our own."""
    stream = Stream()
    safe = await KeepSafe(stream, Stream(), spool)([event("a"), event("b")])
    assert (safe.spooled, spool.empty, stream.stored) == (0, True, ["a", "b"])


async def test_without_a_connection_events_go_to_disk_at_once(spool: DiskSpool) -> None:
    """INVARIANT I2: nobody waits for a stream that is known to be away."""
    stream = Stream()
    stream.connected = False
    stream.gate.clear()
    safe = await KeepSafe(stream, Stream(), spool)([event("a"), event("b")])
    assert (safe.spooled, spool.events) == (2, 2)


async def test_a_stream_that_fails_in_the_middle_leaves_the_rest_to_the_disk(
    spool: DiskSpool,
) -> None:
    """INVARIANT I2: each is in one of the two, none in neither."""
    stream = Stream()
    stream.fails_after = 1
    safe = await KeepSafe(stream, Stream(), spool)([event("a"), event("b"), event("c")])
    assert (stream.stored, safe.spooled) == (["a"], 2)
    assert [each.id for each in await spool.oldest(9)] == ["b", "c"]


async def test_later_events_go_behind_what_waits(spool: DiskSpool) -> None:
    """The stream gets them in the order in which they came."""
    stream = Stream()
    keep = KeepSafe(stream, Stream(), spool)
    stream.connected = False
    await keep([event("a")])
    stream.connected = True
    await keep([event("b")])
    assert stream.stored == []
    drain = DrainSpool(spool, stream)
    assert await drain.once()
    await keep([event("c")])
    assert stream.stored == ["a", "b", "c"]


async def test_draining_stops_where_the_stream_does(spool: DiskSpool) -> None:
    """INVARIANT I10: what is not acknowledged stays on disk, what is leaves it once."""
    stream = Stream()
    await spool.append([event(name) for name in "abcde"])
    stream.fails_after = 2
    drain = DrainSpool(spool, stream)
    assert not await drain.once()
    assert spool.events == 3
    stream.fails_after = None
    assert await drain.once()
    assert stream.stored == list("abcde")
    assert spool.empty


async def test_draining_passes_over_what_is_refused(spool: DiskSpool) -> None:
    """INVARIANT I2: one event that no stream takes does not hold up the others."""
    stream = Stream()
    stream.refuses = {"b"}
    await spool.append([event(name) for name in "abc"])
    drain = DrainSpool(spool, stream)
    assert await drain.once()
    assert await drain.once()
    assert (stream.stored, spool.empty, spool.set_aside) == (["a", "c"], True, 1)


async def test_a_call_waits_neither_for_a_batch_nor_for_the_spool(spool: DiskSpool) -> None:
    """It has to be answered within half a minute: it has a lane of its own."""
    stream, fast = Stream(), Stream()
    keep = KeepSafe(stream, fast, spool)
    stream.gate.clear()
    answer = asyncio.create_task(keep([event("a"), call("ring"), event("b")]))
    await eventually(lambda: fast.stored == ["ring"])
    assert not answer.done()
    assert stream.stored == []
    stream.gate.set()
    await answer
    await spool.append([event("waiting")])
    await keep([call("ring again")])
    assert fast.stored == ["ring", "ring again"]


async def test_a_lane_that_fails_does_not_cut_the_other_short() -> None:
    """INVARIANT I2: both end before the webhook is refused, so that nothing is half told."""
    stream, fast = Stream(), Stream()
    fast.connected = False
    with pytest.raises(NotStored):
        await KeepSafe(stream, fast)([call("ring"), event("a")])
    assert stream.stored == ["a"]
