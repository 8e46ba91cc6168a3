"""Routing on a real NATS and a real MongoDB."""

import asyncio
from datetime import timedelta

import httpx
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.message import MessageReceived
from casetrail_routing.domain.assignment import LEAST_LOADED
from casetrail_routing.domain.conversation import fold
from casetrail_routing.domain.strategies import Pick
from casetrail_routing.ports import Key
from casetrail_routing.use_cases.recorded_facts import recorded

from tests.integration.routing.conftest import Bench
from tests.support.waiting import always, eventually
from tests.unit.routing import samples

ANYBODY = [Pick(LEAST_LOADED.ref)]


async def test_a_first_message_becomes_a_case_in_the_stream(bench: Bench) -> None:
    """Message in, opened, queued, assigned and escalated out, in order, caused by it."""
    await bench.start()
    await bench.on_duty("a")
    message = samples.message("cv_1", "parcel nahi aya")
    await bench.send(message)
    expected = ["opened", "queued", "assigned", "escalated"]

    async def arrived() -> bool:
        return await bench.verbs("cv_1") == expected

    await eventually(arrived)
    events = await bench.events("conversation/cv_1")
    assert [event.version for event in events] == [1, 2, 3, 4]
    assert {event.causationid for event in events} == {message.id}
    history = [fact for event in events if (fact := recorded(event)) is not None]
    assert fold(history) == await bench.conversation("cv_1")
    assert len(await bench.slots("a")) == 1


async def test_a_hundred_copies_have_one_effect(bench: Bench) -> None:
    """INVARIANT I3: copies in the stream, taken by two replicas, open one case once."""
    await bench.start()
    await bench.start()
    await bench.on_duty("a", "b", capacity=50)
    await bench.send(samples.message("cv_1", "refund"), copies=100)
    await eventually(bench.all_handled, within=30)
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued", "assigned", "escalated"]
    assert len(await bench.slots("a")) + len(await bench.slots("b")) == 1


async def test_a_hundred_calls_at_once_have_one_effect(bench: Bench) -> None:
    """INVARIANT I3: not even without the order that the durable gives them."""
    await bench.start()
    await bench.on_duty("a", "b", capacity=50)
    message = samples.message("cv_1", "refund")
    assert isinstance(message.data, MessageReceived)
    replicas = [bench.use_cases().route_message for _ in range(4)]
    await asyncio.gather(*(replicas[n % 4](message, message.data, "cv_1") for n in range(100)))
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued", "assigned", "escalated"]

    async def one_slot() -> bool:
        return len(await bench.slots("a")) + len(await bench.slots("b")) == 1

    await eventually(one_slot, within=30)


async def test_rivals_for_one_write_never_hold_two_places_at_one_user(bench: Bench) -> None:
    """INVARIANT I3: attempts of the same write that do not see each other share one place."""
    await bench.start()
    await bench.on_duty("a", capacity=50)
    slots = bench.use_cases().route_message.custody.slots
    key = Key("main", "cv_1")
    holders = await asyncio.gather(*(slots.choose(key, "e1", ANYBODY) for _ in range(30)))
    assert {holder.user_id for holder in holders if holder is not None} == {"a"}
    assert len(await bench.slots("a")) == 1


async def test_killed_between_write_and_ack_the_message_takes_effect_once(bench: Bench) -> None:
    """INVARIANT I10: another process wrote the case and died; the redelivery finds it done."""
    message = samples.message("cv_1")
    assert isinstance(message.data, MessageReceived)
    dying = bench.use_cases().route_message

    async def killed(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    dying.processed.mark = killed  # type: ignore[method-assign]
    task = asyncio.create_task(dying(message, message.data, "cv_1"))
    await asyncio.wait([task])
    assert task.cancelled()
    await bench.send(message)
    await bench.start()
    await eventually(bench.all_handled)
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued"]


async def test_killed_between_slot_and_write_the_slot_is_used_or_freed(bench: Bench) -> None:
    """INVARIANT I10: the redelivery takes over its slot; a slot of nobody is freed soon."""
    await bench.start()
    await bench.on_duty("a", capacity=2)
    slots = bench.use_cases().route_message.custody.slots
    message = samples.message("cv_1")
    name = derive_id(message.id, "cv_1", "conversation.assigned", 3)
    await slots.choose(Key("main", "cv_1"), name, ANYBODY)
    await slots.choose(Key("main", "cv_gone"), "a write that never comes", ANYBODY)
    await bench.send(message)

    async def only_the_case_is_left() -> bool:
        return [slot["name"] for slot in await bench.slots("a")] == [name]

    await eventually(only_the_case_is_left)
    await eventually(bench.all_handled)
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued", "assigned"]
    assert (await bench.conversation("cv_1")).slot == name


async def test_a_shift_start_drains_the_queue(bench: Bench) -> None:
    """Cases that waited get their owner, caused by the start of the shift, oldest first."""
    await bench.start(sweep_seconds=60)  # a sweep in between would name another cause
    for number in range(5):
        await bench.send(samples.message(f"cv_{number}"))
        await eventually(bench.all_handled)
    await bench.on_duty("a", capacity=3)

    async def three_have_owners() -> bool:
        owners = [(await bench.conversation(f"cv_{n}")).owner for n in range(5)]
        return owners == ["a", "a", "a", None, None]

    await eventually(three_have_owners)
    await eventually(bench.outboxes_empty)
    started = (await bench.events("user/a"))[-1]
    assigned = (await bench.events("conversation/cv_0"))[-1]
    assert assigned.causationid == started.id


async def test_the_sweep_serves_what_no_request_did(bench: Bench) -> None:
    """INVARIANT I10: a shift started by a process that died before it drained the queue."""
    await bench.start()
    await bench.send(samples.message("cv_1"))
    await eventually(bench.all_handled)
    silent = bench.use_cases().commands
    await silent.user_create(samples.user_create("a"))
    await silent.shift_start(samples.shift_start("a"))

    async def has_an_owner() -> bool:
        return (await bench.conversation("cv_1")).owner == "a"

    await eventually(has_an_owner)


async def test_commands_go_there_and_back(bench: Bench) -> None:
    """Assign, escalate, close, each answered after its write; refusals are in the stream first."""
    await bench.start()
    await bench.on_duty("a", "b")
    await bench.send(samples.message("cv_1"))
    await eventually(bench.all_handled)
    owner = (await bench.conversation("cv_1")).owner
    other = "b" if owner == "a" else "a"
    assigned = await bench.commands.send(samples.assign(other))
    assert (assigned.status, assigned.version) == ("ok", 4)
    refused_command = samples.assign(other, id="c-refused")
    refused = await bench.commands.send(refused_command)
    assert (refused.status, refused.code) == ("rejected", "already-owner")
    (record,) = await bench.events("command/c-refused")
    assert isinstance(record.data, CommandRejected)
    assert record.caseid == "CASE-1001"
    assert await bench.commands.send(refused_command) == refused
    assert (await bench.commands.send(samples.escalate())).status == "ok"
    close = samples.close(note="all good")
    closed = await bench.commands.send(close)
    assert (closed.status, closed.version) == ("ok", 6)
    assert await bench.commands.send(close) == closed
    await eventually(bench.outboxes_empty)
    expected = ["opened", "queued", "assigned", "assigned", "escalated", "closed"]
    assert await bench.verbs("cv_1") == expected
    assert await bench.slots(other) == []
    assert (await bench.commands.send(samples.user_create("a"))).code == "user-exists"


async def test_the_same_command_to_two_replicas_at_once_has_one_effect(bench: Bench) -> None:
    """INVARIANT I3: a caller that repeats itself gets one reply and one event."""
    await bench.start()
    await bench.start()
    await bench.on_duty("a", "b")
    await bench.send(samples.message("cv_1"))
    await eventually(bench.all_handled)
    command = samples.close()
    replies = await asyncio.gather(*(bench.commands.send(command) for _ in range(20)))
    assert {reply.model_dump_json() for reply in replies} == {replies[0].model_dump_json()}
    assert replies[0].status == "ok"
    await eventually(bench.outboxes_empty)
    assert (await bench.verbs("cv_1")).count("closed") == 1


async def test_a_customer_who_writes_again_reopens_the_case(bench: Bench) -> None:
    """Inside the window the same case and owner; after it the next number."""
    await bench.start()
    await bench.on_duty("a")
    await bench.send(samples.message("cv_1"))
    await eventually(bench.all_handled)
    await bench.commands.send(samples.close())
    closed_at = (await bench.conversation("cv_1")).closed_at
    assert closed_at is not None
    await bench.send(samples.message("cv_1", at=closed_at + timedelta(hours=1)))
    await eventually(bench.all_handled)
    state = await bench.conversation("cv_1")
    assert (state.case_id, state.owner, state.is_open) == ("CASE-1001", "a", True)
    assert len(await bench.slots("a")) == 1
    await bench.commands.send(samples.close())
    await bench.send(samples.message("cv_1", at=closed_at + timedelta(hours=48)))
    await eventually(bench.all_handled)
    assert (await bench.conversation("cv_1")).case_id == "CASE-1002"


async def test_what_routing_says_about_itself_over_http(bench: Bench) -> None:
    """Alive, ready with a line per server, figures, and what it takes and answers."""
    app = await bench.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert set(ready.json()["checks"]) == {"nats", "mongo", "relay", "queue", "rules"}
        assert "casetrail_messages_processed" in (await client.get("/metrics")).text
        described = (await client.get("/asyncapi.json")).text
        for subject in ("command.routing.assign", "command.routing.shift_end", "support.>"):
            assert subject in described


async def test_a_copy_that_comes_after_the_close_has_no_effect(bench: Bench) -> None:
    """INVARIANT I3: it is the same message, so it opens nothing again."""
    await bench.start()
    message = samples.message("cv_1")
    await bench.send(message)
    await eventually(bench.all_handled)
    await bench.commands.send(samples.close())
    await bench.send_as("another copy", message)
    await eventually(bench.all_handled)

    async def still_closed() -> bool:
        return not (await bench.conversation("cv_1")).is_open

    await always(still_closed)
    await eventually(bench.outboxes_empty)
    assert await bench.verbs("cv_1") == ["opened", "queued", "closed"]
