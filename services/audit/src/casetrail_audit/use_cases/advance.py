"""A step of the log: the book, the views and the subscribers, at once."""

import asyncio
from typing import Protocol

import structlog

from casetrail_audit.ports import Advance, Completion

log = structlog.get_logger(__name__)


class Companion(Protocol):
    """What keeps up with the log, and catches up by itself when it did not."""

    async def along(self, step: Advance) -> bool:
        """Whether it took this step."""


class AdvanceTogether:
    """Moves the book with the views in one write, while subscribers are told.

    What follows the complete log without a hole is final whether or not the book says so yet:
    everything below it is recorded by a majority. So subscribers need not wait for the book.
    Neither the views nor the subscribers can hold the log up: when one of them fails the book
    advances alone, and who folds and publishes afterwards does the rest, or says why it cannot.
    """

    def __init__(self, book: Completion, *, views: Companion, subscribers: Companion) -> None:
        """`views` count the step in the book as well when they take it."""
        self._book = book
        self._views = views
        self._subscribers = subscribers

    async def advance(self, step: Advance) -> bool:
        """Counts these records as complete; False when another follower did it first."""
        moved, told = await asyncio.gather(
            self._move(step), self._subscribers.along(step), return_exceptions=True
        )
        if isinstance(told, Exception):
            log.debug("subscribers are told later", reason=type(told).__name__)
        if isinstance(moved, BaseException):
            raise moved
        return moved

    async def _move(self, step: Advance) -> bool:
        try:
            if await self._views.along(step):
                return True
        except Exception as error:  # noqa: BLE001 - no view may hold the log up
            log.debug("the views follow later", reason=type(error).__name__)
        return await self._book.advance(step)
