"""The CLI on JetStream: what was set aside is sent again as it was; the tail of the log."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from casetrail_contracts.subjects import DEAD, SUPPORT
from casetrail_local.dead_letters import HOP_HEADER, MAX_HOPS, letters, replay
from casetrail_local.errors import StackError
from casetrail_local.jetstream import connected, records_from_now
from casetrail_local.servers import NatsServer
from casetrail_local.tables import record_line
from nats.js import JetStreamContext

pytestmark = pytest.mark.servers

BODY = b'{"not": "an event", "\xff": 1}'
ORIGIN = {"reason": "unreadable", "stream": SUPPORT, "original_subject": "support.main.message.odd"}


@pytest.fixture
def declared(tmp_path: Path) -> Iterator[NatsServer]:
    """A server with the streams as the stream owner declares them."""
    with NatsServer(tmp_path) as server:
        command = [sys.executable, "-m", "casetrail_runtime.streams", "apply"]
        subprocess.run([*command, "--nats-url", server.url], check=True, capture_output=True)
        yield server


@pytest_asyncio.fixture
async def stream(declared: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream of that server."""
    async with connected(declared.url) as context:
        yield context


async def test_a_letter_is_sent_again_as_it_was(stream: JetStreamContext) -> None:
    """Same bytes, same subject, its own headers kept, the added ones gone, one hop counted."""
    headers = ORIGIN | {"stream_sequence": "1", "content-type": "x/y", "original-Nats-Msg-Id": "e1"}
    await stream.publish("dead.routing.routing", BODY, headers=headers)
    [letter] = await letters(stream, first=1, limit=10)
    assert (letter.reason, letter.origin, letter.data) == ("unreadable", "SUPPORT 1", BODY)
    assert await replay(stream, letter) == "sent: SUPPORT 1"
    copy = await stream.get_msg(SUPPORT, 1)
    assert (copy.subject, copy.data) == (ORIGIN["original_subject"], BODY)
    assert copy.headers == {
        "content-type": "x/y",
        HOP_HEADER: "1",
        "Nats-Msg-Id": "replay:1:1",
        "Nats-Expected-Stream": SUPPORT,
    }


async def test_replaying_twice_sends_one_copy(stream: JetStreamContext) -> None:
    """An impatient second call within the duplicate window changes nothing."""
    await stream.publish("dead.routing.routing", BODY, headers=ORIGIN | {"stream_sequence": "1"})
    [letter] = await letters(stream, first=1, limit=10)
    await replay(stream, letter)
    assert await replay(stream, letter) == "sent already"
    assert (await stream.stream_info(SUPPORT)).state.messages == 1


async def test_a_letter_that_keeps_coming_back_is_not_sent(stream: JetStreamContext) -> None:
    """After so many hops repeating is no cure; nothing is published."""
    worn = ORIGIN | {"stream_sequence": "1", HOP_HEADER: str(MAX_HOPS)}
    await stream.publish("dead.routing.routing", BODY, headers=worn)
    [letter] = await letters(stream, first=1, limit=10)
    assert (await replay(stream, letter)).startswith("not sent: it came back")
    assert (await stream.stream_info(SUPPORT)).state.messages == 0


async def test_bytes_left_in_the_stream_are_fetched(stream: JetStreamContext) -> None:
    """A letter too large to hold its bytes is sent with those the stream still has."""
    ack = await stream.publish("support.main.message.odd", BODY)
    omitted = ORIGIN | {"stream_sequence": str(ack.seq), "bytes_omitted": str(len(BODY))}
    await stream.publish("dead.routing.routing", b"", headers=omitted)
    [letter] = await letters(stream, first=1, limit=10)
    assert await replay(stream, letter) == "sent: SUPPORT 2"
    assert (await stream.get_msg(SUPPORT, 2)).data == BODY


async def test_a_list_is_bounded_and_goes_on_where_it_ended(stream: JetStreamContext) -> None:
    """`limit` letters at a time, from any sequence."""
    for _ in range(5):
        await stream.publish("dead.audit.audit", BODY, headers=ORIGIN, stream=DEAD)
    assert [letter.seq for letter in await letters(stream, first=1, limit=2)] == [1, 2]
    assert [letter.seq for letter in await letters(stream, first=4, limit=9)] == [4, 5]


async def test_the_tail_shows_what_is_recorded_from_now_on(stream: JetStreamContext) -> None:
    """An older record is not shown, a checkpoint is passed over, the next record is."""

    def record(seq: int) -> bytes:
        fields = {"id": f"e{seq}", "source": "casetrail/routing", "leaf": "0" * 64}
        moment = "2026-11-22T10:14:03Z"
        kind = "casetrail.conversation.assigned.v1"
        return json.dumps(fields | {"seq": seq, "recordedtime": moment, "type": kind}).encode()

    await stream.publish("audit.main.conversation.assigned", record(1))
    following = records_from_now(stream)
    shown = asyncio.ensure_future(anext(following))
    while (await stream.stream_info("AUDIT")).state.consumer_count == 0:
        pass  # each question is a round trip, which lets the tail go on
    await stream.publish("audit.checkpoint", b"a note")
    await stream.publish("audit.main.conversation.assigned", record(2))
    found = await asyncio.wait_for(shown, 10)
    assert found.seq == 2
    assert "conversation.assigned" in record_line(found)


async def test_no_server_is_a_sentence(tmp_path: Path) -> None:
    """A stopped server is told with what to do, without a traceback."""
    server = NatsServer(tmp_path).start()
    server.stop()
    with pytest.raises(StackError, match="does not answer: is the stack up"):
        async with connected(server.url):
            pass
