"""A use case as a pure function, and everything a retry or a rival can do to it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from casetrail_contracts import Event

from casetrail_runtime.outbox.model import (
    Applied,
    Decision,
    Loaded,
    Outcome,
    Result,
    VersionConflict,
)

S = TypeVar("S")

ATTEMPTS: Final = 60
"""Conflicts in a row before a caller hears of it: each means that a rival got something done."""
_FIRST_PAUSE: Final = 0.002  # seconds; about the time of one rival's write
_LONGEST_PAUSE: Final = 0.1


class AggregateStore(Protocol[S]):
    """Where aggregates are kept: `AggregateCollection`, or its twin in memory for tests."""

    @property
    def name(self) -> str:
        """Keeps the causes of one store apart from those of another."""

    async def load(self, id: str) -> Loaded[S] | None:  # noqa: A002 - the document's word
        """The aggregate, or None when nothing was ever committed to it."""

    async def commit(
        self,
        current: Loaded[S],
        state: S | None,
        events: Sequence[Event],
        applied_id: str,
        result: Result,
    ) -> int:
        """The new version; raises VersionConflict when `current` is no longer current."""


class ProcessedStore(Protocol):
    """Where causes are remembered for good: `ProcessedLog`, or its twin in memory."""

    async def seen(self, id: str) -> Applied | None:  # noqa: A002 - the document's word
        """What this cause led to, or None when it is new."""

    async def mark(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """Remembers it; a second mark of the same id changes nothing."""

    async def mark_soon(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """The same without waiting for it: for a cause that its aggregate remembers too."""


async def keep_causes(processed: ProcessedStore, store: str, current: Loaded[S]) -> None:
    """Sees to it that the causes that the next write drops from a full document are in the log.

    They are there already unless a process died before it had marked them. All at once and rarely,
    because it is a write that the caller waits for.
    """
    if not current.is_full:
        return
    marks = (
        processed.mark(f"{cause_id}@{store}/{current.id}", applied.result, applied.version)
        for cause_id, applied in current.applied.items()
    )
    await asyncio.gather(*marks)


class Aggregates(Generic[S]):
    """The aggregates of a service, changed by causes that each take effect once."""

    def __init__(
        self, store: AggregateStore[S], processed: ProcessedStore, *, attempts: int = ATTEMPTS
    ) -> None:
        self._store = store
        self._processed = processed
        self._attempts = attempts

    async def load(self, id: str) -> Loaded[S] | None:  # noqa: A002 - the document's word
        """The aggregate, or None when nothing was ever committed to it."""
        return await self._store.load(id)

    async def handle(
        self,
        id: str,  # noqa: A002 - the document's word
        cause_id: str,
        decide: Callable[[Loaded[S]], Decision[S]],
    ) -> Outcome:
        """What the cause (an event or a command, by its id) led to in this aggregate.

        `decide` is called with the aggregate as it stands (`Loaded(id)`, version 0, when it does
        not exist) and may be called again when a rival was faster, so it has no effects of its own.
        What it raises passes through and leaves nothing behind: the same cause is then decided
        anew next time. A refusal that is to be remembered is a `Decision`, not an exception.

        When this returns, state, events and result are on the disks of a majority; the same cause
        again, at once or a week later, is answered with the same result and has no effect. One
        cause may be handled in several aggregates, once in each.

        Raises:
            VersionConflict: rivals were faster every time; safe to try again.
        """
        key = f"{cause_id}@{self._store.name}/{id}"
        pause = _FIRST_PAUSE
        for attempt in range(self._attempts):
            if attempt > 0:
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - spreads rivals
                pause = min(pause * 2, _LONGEST_PAUSE)
            found = await self._store.load(id)
            current = Loaded[S](id) if found is None else found
            known = await self._known(key, cause_id, current)
            if known is not None:
                return Outcome(known.result, known.version, repeated=True)
            decision = decide(current)
            await keep_causes(self._processed, self._store.name, current)
            try:
                version = await self._store.commit(
                    current, decision.state, decision.events, cause_id, decision.result
                )
            except VersionConflict:
                continue
            await self._processed.mark_soon(key, decision.result, version)
            return Outcome(decision.result, version, repeated=False)
        raise VersionConflict(f"{id} was changed by others {self._attempts} times in a row")

    async def _known(self, key: str, cause_id: str, current: Loaded[S]) -> Applied | None:
        """What the cause led to before `current` was read: in the document, or in the log.

        The log is asked after the document was read, never before: what a rival did and the
        document has forgotten since is in the log by then.
        """
        known = current.applied.get(cause_id)
        if known is None:
            return await self._processed.seen(key)
        await self._processed.mark_soon(key, known.result, known.version)
        return known
