"""The live tail: what was missed, what comes, who sees it, and who is let go."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from casetrail_gateway.api.events import EventStreamResponse
from casetrail_gateway.domain.live import LiveRecord
from casetrail_gateway.domain.log import RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import records_asked
from casetrail_gateway.use_cases import live_hub
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.live import FollowLive
from casetrail_gateway.use_cases.live_hub import LiveHub, Seat

from tests.support.waiting import eventually
from tests.unit.gateway.story import SECRET_TEXT, record
from tests.unit.gateway.world import AGENT, OTHER_AGENT, REVIEWER, SERVICE, World


def events(text: str) -> list[tuple[str, int]]:
    """Kind and id of the events of a stream."""
    told = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            told.append((fields["event"], int(fields.get("id", 0))))
    return told


async def missed(path: str, token: str, last: int | None = 0) -> list[int]:
    """The sequences a client is given that saw everything up to `last`."""
    world = World()
    async with world.asking(token) as client:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [seq for kind, seq in events(answer.text) if kind == "entry"]


@pytest.mark.parametrize(
    ("query", "token", "last", "seqs"),
    [
        ("", "token-reviewer", 0, [1, 2, 3, 4, 7, 8, 9, 10, 12]),
        ("", "token-reviewer", 7, [8, 9, 10, 12]),
        ("", "token-reviewer", None, []),
        ("&action=access", "token-reviewer", 0, [6]),
        ("&action=ticket.created", "token-reviewer", 0, [7]),
        ("&case=CASE-1001", "token-reviewer", 0, [1, 2, 3, 4, 7, 9, 10]),
        ("&q=nahi", "token-reviewer", 0, [1]),
        ("&actor=agent:a", "token-reviewer", 0, [7, 9, 12]),
        ("", "token-agent", 0, [1, 2, 3, 4, 7, 9, 10, 12]),
        ("", "token-other", 0, [8]),
        ("", "token-stranger", 0, []),
    ],
)
async def test_what_was_missed_comes_first(
    query: str, token: str, last: int | None, seqs: list[int]
) -> None:
    """INVARIANT I9: the same records each role sees elsewhere, after the last event it has."""
    assert await missed(f"/v1/live?seconds=0{query}", token, last) == seqs


async def test_a_program_is_shown_no_text() -> None:
    """Masking is that of every other path."""
    world = World()
    for token, shown in (("token-service", False), ("token-reviewer", True)):
        async with world.asking(token) as client:
            answer = await client.get("/v1/live?seconds=0", headers={"Last-Event-ID": "0"})
        assert (SECRET_TEXT in answer.text) is shown
    assert (await world.get("/v1/live?seconds=0&q=nahi", "token-service")).status_code == 403


async def test_a_stream_is_a_look_of_its_own() -> None:
    """INVARIANT I9: the look is in the log before the first byte, with its filters."""
    world = World()
    await world.get("/v1/live?seconds=0&case=CASE-1001")
    (event,) = world.stream.events
    assert event.noun_verb == "access.searched"
    said = event.model_dump()["data"]
    assert (said["what"], said["filters"]) == ("live", {"case": "CASE-1001"})
    world.stream.refusing = True
    assert (await world.get("/v1/live?seconds=0")).status_code == 503
    refused = await world.get("/v1/live?seconds=0&case=CASE-1002", "token-agent")
    assert refused.status_code == 503


def follow(world: World, caller: Caller, line: str = "", last: int | None = None) -> FollowLive:
    """A read of the live tail."""
    wiring = world.app.state.wiring
    return FollowLive(
        log=world.log,
        hub=wiring.hub,
        customers=wiring.customers,
        finder=Finder(world.log, world.stream, 0.0),
        caller=caller,
        search=records_asked(line or None, RecordFilter()),
        last=last,
        seconds=60,
        monotonic=asyncio.get_running_loop().time,
    )


async def test_everybody_gets_what_comes_once() -> None:
    """Five hundred clients share one reading of the log, each with what it may see."""
    world = World()
    hub: LiveHub = world.app.state.wiring.hub
    await hub.start()
    people = [REVIEWER, AGENT, OTHER_AGENT, SERVICE]
    feeds = [(await follow(world, people[n % 4]).answer()).pieces for n in range(500)]
    got: list[str] = ["" for _ in feeds]

    async def read(place: int, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            got[place] += piece.decode()
            if "id: 14\n" in got[place]:
                return

    tasks = [asyncio.create_task(read(n, pieces)) for n, pieces in enumerate(feeds)]

    async def all_begun() -> bool:
        return all("event: status" in text for text in got)

    await eventually(all_begun)
    before = world.journal.count("stretch")
    world.log.documents[13] = record(
        13, "message.received", private={"text": "zebra"}, case_id=None
    )
    world.log.documents[14] = record(14, "user.created", actor={"kind": "agent", "id": "b"})
    world.log.complete_through = 14
    world.signal.tell(14)

    async def reviewers_done() -> bool:
        return all("id: 14\n" in got[n] for n in range(0, 500, 4))

    await eventually(reviewers_done)
    assert world.journal.count("stretch") == before + 1
    assert [seq for kind, seq in events(got[0]) if kind == "entry"] == [13, 14]
    assert "zebra" in got[0]
    assert "zebra" not in got[3]
    assert [seq for kind, seq in events(got[1]) if kind == "entry"][:1] == [13]
    assert [seq for kind, seq in events(got[2]) if kind == "entry"] == [14]
    await hub.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_slow_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seat takes so many records and no more; the client is told and comes back."""
    monkeypatch.setattr(live_hub, "QUEUE", 3)
    world = World()
    hub: LiveHub = world.app.state.wiring.hub
    pieces = (await follow(world, REVIEWER).answer()).pieces
    assert [await anext(pieces), await anext(pieces)][1].startswith(b"id: 12\nevent: status")
    for seq in range(13, 20):
        world.log.documents[seq] = record(seq, "message.received")
    world.log.complete_through = 19
    await hub.start()
    world.signal.tell(19)
    text = "".join([piece.decode() async for piece in pieces])
    assert [seq for kind, seq in events(text) if kind == "entry"] == [13, 14, 15]
    assert text.endswith('event: dropped\ndata: {"reason":"too slow, or the service ends"}\n\n')
    await hub.stop()


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that does not drain is closed, and its seat is free again."""
    monkeypatch.setattr("casetrail_gateway.api.events.SLOW", 0.01)
    left = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            left.set()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    await EventStreamResponse(pieces())({"type": "http"}, receive, send)
    assert left.is_set()


async def test_a_client_that_goes_leaves_its_seat() -> None:
    """The end of the connection ends the stream."""
    gone = asyncio.Event()
    left = asyncio.Event()
    sent: list[bytes] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            left.set()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if message.get("body"):
            gone.set()

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    await EventStreamResponse(pieces())({"type": "http"}, receive, send)
    assert left.is_set()
    assert b"one" in sent


def test_a_seat_wants_what_it_asked_for() -> None:
    """Filters are applied before anything waits."""
    seat = Seat("main", lambda live: False, 0)
    seat.offer(LiveRecord(record_of()))
    assert not seat.dropped


def record_of() -> Any:
    """A record as the gateway reads it."""
    from casetrail_gateway.adapters.mongo_documents import record_from  # noqa: PLC0415

    return record_from(record(1, "message.received"))


def test_statuses_are_json() -> None:
    """What a client parses is JSON."""
    from casetrail_gateway.use_cases.live import _status  # noqa: PLC0415

    data = _status(5).decode().split("data: ")[1]
    assert json.loads(data) == {"complete_through": 5}
