"""One endpoint served: message after message in the order of the stream."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from casetrail_runtime.redaction import describe_error

from casetrail_audit.forwarding.endpoint import Endpoint
from casetrail_audit.forwarding.http_posts import Answer
from casetrail_audit.forwarding.ports import Book, Figures, Message, Messages, Posts, Trouble

log = structlog.get_logger(__name__)

_PAUSE: Final = 1.0
"""Seconds between two looks at a server of ours that is away, or at an endpoint that is off."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: the first and the longest wait between attempts, and when a message is set aside."""

    first: float = 1.0
    most: float = 300.0
    give_up: float = 86400.0
    keep: float = 10.0
    """How often a message that waits is kept from being handed to somebody else."""

    def delay(self, attempts: int, answer: Answer) -> float:
        """How long to wait after so many attempts; no shorter than the endpoint asks for."""
        grown = min(self.first * 2.0 ** min(attempts - 1, 30), self.most)
        spread = grown * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
        return max(spread, min(answer.retry_after or 0.0, self.give_up))


class Forward:
    """Sends what the stream has for one endpoint until it is stopped.

    A message is acknowledged when the endpoint took it, or when it is stored as a dead letter; the
    stream hands out the next one only then. So two forwarders, or one that was killed, can send a
    message twice (with the same id) but never out of order.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        messages: Messages,
        book: Book,
        posts: Posts,
        figures: Figures,
        patience: Patience,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoint = endpoint
        self._messages = messages
        self._book = book
        self._posts = posts
        self._figures = figures
        self._patience = patience
        self._now = now
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Returns after `stop`; what a server of ours does meanwhile only delays it."""
        while not self._stopping.is_set():
            try:
                await self._turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn comes
                name = self._endpoint.name
                log.warning("webhook delayed", endpoint=name, reason=describe_error(error))
                await self._rest(_PAUSE)

    def stop(self) -> None:
        """Ends after the attempt under way."""
        self._stopping.set()

    async def _turn(self) -> None:
        name = self._endpoint.name
        off = await self._book.disabled(name)
        self._figures.disabled(name, value=off is not None)
        if off is not None:
            await self._rest(_PAUSE)
            return
        message = await self._messages.next()
        if message is not None:
            await self._deliver(message)

    async def _deliver(self, message: Message) -> None:
        name, delivery = self._endpoint.name, message.delivery
        trouble = await self._book.trouble(name)
        if trouble is not None and trouble.stream_seq != delivery.stream_seq:
            trouble = None
        while not self._stopping.is_set():
            answer = await self._posts(self._endpoint, delivery)
            if answer.problem is None:
                if trouble is not None:
                    await self._book.note(name, None)
                await message.done()
                self._figures.delivered(name)
                return
            self._figures.failed(name)
            if answer.gone:
                await self._book.disable(name, answer.problem, self._now())
                log.error("webhook disabled", endpoint=name, reason=answer.problem)
                break
            trouble = self._worse(trouble, delivery.stream_seq, answer.problem)
            await self._book.note(name, trouble)
            waited = self._now() - trouble.since
            if waited >= timedelta(seconds=self._patience.give_up):
                await self._set_aside(message, trouble)
                return
            log.info("webhook not taken", endpoint=name, reason=answer.problem)
            await self._wait(message, self._patience.delay(trouble.attempts, answer))
        await message.give_back()

    def _worse(self, trouble: Trouble | None, stream_seq: int, problem: str) -> Trouble:
        since = self._now() if trouble is None else trouble.since
        attempts = 1 if trouble is None else trouble.attempts + 1
        return Trouble(stream_seq, since, attempts, problem)

    async def _set_aside(self, message: Message, trouble: Trouble) -> None:
        name = self._endpoint.name
        reason = f"webhook {name}: {trouble.problem}"
        await message.set_aside(name, reason, trouble.attempts)
        await message.done()
        await self._book.note(name, None)
        self._figures.set_aside(name)
        log.error("webhook set aside", endpoint=name, stream_sequence=trouble.stream_seq)

    async def _wait(self, message: Message, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._stopping.is_set() and (left := until - loop.time()) > 0:
            await message.keep()
            await self._rest(min(left, self._patience.keep))

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
