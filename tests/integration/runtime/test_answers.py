"""Many messages at once, each with an answer of its own, on a real server."""

import asyncio

import pytest
from casetrail_local.servers import NatsServer
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.publisher import answers
from casetrail_runtime.publisher.answers import Answers, answers_of
from casetrail_runtime.publisher.writing import Message, Unanswered
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.support.waiting import eventually

WAIT = 5.0


def to(subject: str, *texts: str) -> list[Message]:
    """A message each."""
    return [Message(subject, text.encode(), {"Nats-Msg-Id": text}) for text in texts]


async def echo(client: Client, *, leave_out: bytes = b"") -> None:
    """Somebody answers on `echo` with what was said, the last first; one thing is not answered."""
    heard: list[Msg] = []

    async def on_message(msg: Msg) -> None:
        heard.append(msg)
        if msg.data == b"last":
            for each in reversed(heard):
                if each.data != leave_out:
                    await each.respond(each.data)
            heard.clear()

    await client.subscribe("echo", cb=on_message)
    await client.flush()


async def test_each_gets_its_own_answer_in_whatever_order_they_come(
    desk: ServiceBroker, client: Client
) -> None:
    """Also when two ask at the same time, for the first time on this connection."""
    await desk.start()
    await echo(client)
    asker = answers_of(desk.connection)
    one, other = await asyncio.gather(
        asker.ask(desk.connection, to("echo", "a", "b", "last"), wait=WAIT),
        asker.ask(desk.connection, to("echo", "c", "last"), wait=WAIT),
    )
    assert one == [b"a", b"b", b"last"]
    assert other == [b"c", b"last"]
    assert not asker._open
    assert answers_of(desk.connection) is asker


async def test_one_without_an_answer_takes_nothing_from_the_others(
    desk: ServiceBroker, client: Client
) -> None:
    """It is named as unanswered, with the reason; nothing of it is left behind."""
    await desk.start()
    await echo(client, leave_out=b"b")
    asker = answers_of(desk.connection)
    found = await asker.ask(desk.connection, to("echo", "a", "b", "last"), wait=WAIT)
    assert [found[0], found[2]] == [b"a", b"last"]
    assert isinstance(found[1], Unanswered)
    assert "no acknowledgement within 5 s" in str(found[1])
    assert not asker._open


async def test_a_subject_that_nobody_takes_is_told_at_once(desk: ServiceBroker) -> None:
    """The server says so; nobody waits for the time to pass."""
    await desk.start()
    (found,) = await answers_of(desk.connection).ask(
        desk.connection, to("nobody.listens", "a"), wait=60
    )
    assert isinstance(found, Unanswered)
    assert "no stream takes nobody.listens" in str(found)


async def test_who_asked_a_server_that_dies_hears_of_it_soon(
    desk: ServiceBroker, own_nats: NatsServer, client: Client
) -> None:
    """And the same connection, once it is back, asks and hears again."""
    await desk.start()
    await echo(client)
    asker = answers_of(desk.connection)
    asking = asyncio.create_task(asker.ask(desk.connection, to("echo", "a"), wait=60))
    await asyncio.sleep(0.3)
    own_nats.kill()
    (found,) = await asyncio.wait_for(asking, 10)
    assert isinstance(found, Unanswered)
    assert answers.LOST in str(found)
    with pytest.raises(Unanswered, match=answers.LOST):
        await asker.ask(desk.connection, to("echo", "b"), wait=60)
    assert not asker._open
    own_nats.start()
    await eventually(lambda: desk.connection.is_connected and client.is_connected)
    assert await asker.ask(desk.connection, to("echo", "last"), wait=WAIT) == [b"last"]


async def test_one_that_gives_up_leaves_nothing_behind(desk: ServiceBroker, client: Client) -> None:
    """A caller that is cancelled is not answered later by mistake."""
    await desk.start()
    await client.subscribe("silent")
    await client.flush()
    asker = Answers(desk.connection.new_inbox())
    asking = asyncio.create_task(asker.ask(desk.connection, to("silent", "a", "b"), wait=60))
    await eventually(lambda: len(asker._open) == 2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not asker._open
