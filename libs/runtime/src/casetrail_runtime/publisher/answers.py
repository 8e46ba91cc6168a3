"""The server's answers to what is published, over one subscription of each connection."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header

from casetrail_runtime.publisher.writing import Message, Sending, Unanswered, write

LOOK_EVERY: Final = 0.1
"""Seconds between two looks whether the connection is still the same."""
LOST: Final = "the connection to NATS was lost"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_NO_RESPONDERS: Final = "503"
_STATUS: Final = Header.STATUS.value

T = TypeVar("T")
Answer = bytes | Unanswered


class _Asked:
    """Some messages that are on their way, and the answers so far."""

    __slots__ = ("answers", "done", "left", "messages")

    def __init__(self, messages: Sequence[Message], done: asyncio.Future[None]) -> None:
        self.messages = messages
        self.answers: list[Answer | None] = [None] * len(messages)
        self.left = len(messages)
        self.done = done

    def answered(self, position: int, msg: Msg) -> None:
        status = msg.headers.get(_STATUS) if msg.headers else None
        if status == _NO_RESPONDERS:
            self.answers[position] = Unanswered(
                f"no stream takes {self.messages[position].subject}"
            )
        else:
            self.answers[position] = msg.data
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)


class Answers:
    """Who asks the server about many messages, and hears of each.

    `Client.request` for many at once, without a task, a timer and a random token for each of them.
    """

    def __init__(self, inbox: str) -> None:
        """`inbox` is nobody else's."""
        self._prefix = f"{inbox}."
        self._numbers = count()
        self._open: dict[str, tuple[_Asked, int]] = {}
        self._subscription: Subscription | None = None

    async def ask(
        self,
        client: Client,
        messages: Sequence[Message],
        *,
        wait: float,
        more: Mapping[str, str] = _NOTHING,
    ) -> list[Answer]:
        """What the server said to each of them, or why nothing is known of it.

        They go in this order, with `more` headers; raises `Unanswered` when they do not.
        """
        if self._subscription is None:
            await self._subscribe(client)
        asked = _Asked(messages, asyncio.get_running_loop().create_future())
        sendings = []
        for position, message in enumerate(messages):
            token = str(next(self._numbers))
            self._open[token] = asked, position
            sendings.append(Sending(message, more, self._prefix + token))
        try:
            await write(client, sendings)
            problem = await _heard(client, asked.done, wait)
        finally:
            if asked.left:
                for sending in sendings:
                    self._open.pop(sending.reply[len(self._prefix) :], None)
        return [Unanswered(problem) if one is None else one for one in asked.answers]

    async def _subscribe(self, client: Client) -> None:
        try:
            made = await client.subscribe(f"{self._prefix}*", cb=self._hear)
            if self._subscription is None:
                self._subscription = made
            else:  # another task was as quick
                await made.unsubscribe()
        except nats.errors.Error as error:
            raise Unanswered(f"NATS took no subscription: {error}") from error

    async def _hear(self, msg: Msg) -> None:
        found = self._open.pop(msg.subject[len(self._prefix) :], None)
        if found is not None:
            asked, position = found
            asked.answered(position, msg)


_OF: Final[WeakKeyDictionary[Client, Answers]] = WeakKeyDictionary()


def answers_of(client: Client) -> Answers:
    """The one of this connection."""
    if (found := _OF.get(client)) is None:
        found = _OF[client] = Answers(client.new_inbox())
    return found


async def _heard(client: Client, done: asyncio.Future[None], wait: float) -> str:
    """Why nobody waits any longer; empty when everything is answered."""
    loop = asyncio.get_running_loop()
    connection, ends = client.stats["reconnects"], loop.time() + wait
    problem = ""
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal problem, timer
        if done.done():
            return
        if not client.is_connected or client.stats["reconnects"] != connection:
            problem = LOST
        elif loop.time() >= ends:
            problem = f"no acknowledgement within {wait:g} s"
        else:
            timer = loop.call_later(LOOK_EVERY, look)
            return
        done.set_result(None)

    timer = loop.call_later(LOOK_EVERY, look)
    try:
        await done
    finally:
        if timer is not None:
            timer.cancel()
    return problem


async def while_connected(client: Client, asking: Awaitable[T]) -> T:
    """The result; gives up (`Unanswered`) as soon as the connection it was asked on is gone."""
    connection = client.stats["reconnects"]
    asked = asyncio.ensure_future(asking)
    try:
        while not (await asyncio.wait({asked}, timeout=LOOK_EVERY))[0]:
            if not client.is_connected or client.stats["reconnects"] != connection:
                raise Unanswered(LOST)
        return asked.result()
    finally:
        asked.cancel()
