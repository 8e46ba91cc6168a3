"""Commands over a real server: every command gets one answer, or a clear "nobody answered"."""

import asyncio
from typing import ClassVar

import orjson
import pytest
from casetrail_contracts import Actor
from casetrail_contracts.commands import Command, CommandReply
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient, CommandUnanswered, serve
from nats.aio.client import Client

from tests.integration.runtime.conftest import MakeBroker
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


class CountDesk(Command):
    """Counts."""

    service: ClassVar[str] = "desk"
    verb: ClassVar[str] = "count"

    n: int
    note: str = ""


def command(n: int = 1, note: str = "") -> CountDesk:
    """A command of an agent."""
    return CountDesk(
        id=f"c{n}", workspace="main", actor=Actor(kind="agent", id="a"), n=n, note=note
    )


async def echo(asked: CountDesk) -> CommandReply:
    """Answers what was asked."""
    return CommandReply.ok(version=asked.n, n=asked.n)


async def ask_raw(client: Client, body: bytes) -> CommandReply:
    """The reply to any bytes."""
    reply = await client.request("command.desk.count", body, timeout=3)
    return CommandReply.model_validate_json(reply.data)


async def test_a_command_is_answered(desk: ServiceBroker, new_desk: MakeBroker) -> None:
    """The reply is the handler's, whole."""
    serve(desk, CountDesk, echo, service="desk")
    await desk.start()
    other = new_desk()
    await other.start()
    reply = await CommandClient(other).send(command(5))
    assert reply == CommandReply.ok(version=5, n=5)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "body: Invalid JSON"),
        (b"\xff\xfe", "body: Invalid JSON"),
        (b"[]", "body: Input should be an object"),
        (b"{}", "id: Field required"),
        (
            orjson.dumps(command().model_dump(mode="json") | {"n": "hello +923001234567"}),
            "n: Input should be a valid integer",
        ),
    ],
)
async def test_an_unreadable_command_is_answered_invalid(
    desk: ServiceBroker, client: Client, body: bytes, says: str
) -> None:
    """The caller learns which field is wrong, without what it sent; no handler runs."""
    calls = 0

    async def count(asked: CountDesk) -> CommandReply:
        nonlocal calls
        calls += 1
        return await echo(asked)

    serve(desk, CountDesk, count, service="desk")
    await desk.start()
    reply = await ask_raw(client, body)
    assert (reply.status, reply.code) == ("failed", "invalid")
    assert says in (reply.detail or "")
    assert "923001234567" not in (reply.detail or "")
    assert calls == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyError("private words"), "internal"), (ConnectionError("mongo is away"), "unavailable")],
)
async def test_an_exception_is_answered_without_a_traceback(
    desk: ServiceBroker, client: Client, error: Exception, code: str
) -> None:
    """The caller learns that nothing is known to be done, not what the code tripped over."""

    async def fail(_: CountDesk) -> CommandReply:
        raise error

    serve(desk, CountDesk, fail, service="desk")
    await desk.start()
    reply = await ask_raw(client, command().model_dump_json().encode())
    assert (reply.status, reply.code) == ("failed", code)
    assert "Traceback" not in (reply.detail or "")
    assert str(error.args[0]) not in (reply.detail or "")


async def test_a_command_that_takes_too_long_is_unanswered(desk: ServiceBroker) -> None:
    """After the timeout the caller is told that it does not know what happened."""

    async def never(_: CountDesk) -> CommandReply:
        await asyncio.Event().wait()
        raise AssertionError

    serve(desk, CountDesk, never, service="desk")
    await desk.start()
    with pytest.raises(CommandUnanswered, match=r"command\.desk\.count: no reply within 0\.3 s"):
        await CommandClient(desk).send(command(), timeout=0.3)


async def test_a_command_nobody_serves_is_unanswered(desk: ServiceBroker) -> None:
    """No such service: said after the timeout, in which it might have started."""
    await desk.start()
    with pytest.raises(CommandUnanswered, match="no service answers this command"):
        await CommandClient(desk).send(command(), timeout=0.3)


async def test_a_command_without_nats_is_unanswered(
    desk: ServiceBroker, own_nats: NatsServer
) -> None:
    """An outage is named as such."""
    await desk.start()
    own_nats.kill()
    await eventually(lambda: not desk.connection.is_connected)
    with pytest.raises(CommandUnanswered, match="NATS is not connected"):
        await CommandClient(desk).send(command(), timeout=0.3)


async def test_a_service_that_starts_late_still_answers(
    desk: ServiceBroker, new_desk: MakeBroker
) -> None:
    """A command sent while its service restarts is answered once it is there."""
    asker = new_desk()
    await asker.start()
    waiting = asyncio.create_task(CommandClient(asker).send(command(3)))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    serve(desk, CountDesk, echo, service="desk")
    await desk.start()
    assert (await waiting).result == {"n": 3}


async def test_replicas_share_the_work_and_slow_commands_hold_up_no_other(
    new_desk: MakeBroker, streams: None
) -> None:
    """Each command reaches one replica; one replica works on many at once."""
    taken: list[tuple[int, int]] = []
    release = asyncio.Event()
    desks = [new_desk(), new_desk()]
    for place, one in enumerate(desks):

        async def work(asked: CountDesk, place: int = place) -> CommandReply:
            taken.append((place, asked.n))
            if asked.n == 0:
                await release.wait()
            return await echo(asked)

        serve(one, CountDesk, work, service="desk")
        await one.start()
    asker = CommandClient(desks[0])
    slow = asyncio.create_task(asker.send(command(0)))
    replies = await asyncio.gather(*(asker.send(command(n)) for n in range(1, 41)))
    assert [reply.result["n"] for reply in replies] == list(range(1, 41))
    release.set()
    await slow
    assert sorted(n for _, n in taken) == list(range(41))
    assert {place for place, _ in taken} == {0, 1}


async def test_a_trace_goes_through_a_command(desk: ServiceBroker, client: Client) -> None:
    """The command carries the caller's trace context, and the service's figures count it."""
    seen = asyncio.Queue[dict[str, str] | None]()

    async def look(msg: object) -> None:
        await seen.put(getattr(msg, "headers", None))

    await client.subscribe("command.desk.count", cb=look)
    await client.flush()
    serve(desk, CountDesk, echo, service="desk")
    await desk.start()
    await CommandClient(desk).send(command())
    headers = await asyncio.wait_for(seen.get(), 2)
    assert headers is not None
    assert headers["traceparent"].startswith("00-")
    value = desk.telemetry.registry.get_sample_value(
        "faststream_received_messages_total",
        {"app_name": "desk", "broker": "nats", "handler": "command.desk.count"},
    )
    assert value == 1
