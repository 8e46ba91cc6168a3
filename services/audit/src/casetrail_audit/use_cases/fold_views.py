"""The views follow the log."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_audit.domain.folding import (
    Entry,
    Key,
    Origin,
    View,
    at_first,
    fold,
    starts_episode,
    then,
)
from casetrail_audit.ports import Advance, FinalRecord, ViewStore
from casetrail_audit.use_cases.finals import Finals
from casetrail_audit.use_cases.recent import RecentEntries

ASKED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Batch:
    """Final records in order, and the views that they touch as those are before them."""

    finals: Sequence[FinalRecord]
    entries: Sequence[Entry]
    views: dict[Key, View]


class FoldViews:
    """Folds the final records into the views, batch by batch, each in one transaction."""

    def __init__(self, records: Finals, views: ViewStore) -> None:
        self._records = records
        self._views = views
        self._recent = RecentEntries()
        self._as_of: int | None = None
        self._written_now = False

    async def along(self, step: Advance) -> bool:
        """Whether the views and the book took this step together; if not, neither of them did.

        They do not when the views are not where the book is, or the step is more than one batch.
        """
        if self._as_of is None:
            self._as_of = await self._views.as_of()
        if self._as_of != step.after:
            return False
        batch = await self._read(step.after, step.through)
        if not batch.finals or batch.finals[-1].seq != step.through:
            return False
        self._as_of = None  # until it is known: a commit may be done and its answer be lost
        if not await self._fold(step.after, batch, step):
            return False
        self._as_of, self._written_now = step.through, True
        return True

    async def __call__(self, through: int) -> int:
        """Returns as of which record the views are now: `through`, if nobody was in the way."""
        written_now, self._written_now = self._written_now, False
        if self._as_of is None or (self._as_of >= through and not written_now):
            self._as_of = await self._views.as_of()  # somebody may have cleared them
        while self._as_of < through:
            batch = await self._read(self._as_of, through)
            if not batch.finals:
                break
            alone = await self._fold(self._as_of, batch)
            self._as_of = batch.finals[-1].seq if alone else await self._views.as_of()
        return self._as_of

    async def _read(self, after: int, through: int) -> Batch:
        finals = await self._records.finals(after, through)
        entries = [Entry.of(final.content, final.recorded_at) for final in finals]
        views: dict[Key, View] = dict(await self._views.load(at_first(entries)))
        known = at_first(entries)
        while further := then(views) - known:
            known |= further
            views |= await self._views.load(further)
        return Batch(finals, entries, views)

    async def _fold(self, as_of: int, batch: Batch, along: Advance | None = None) -> bool:
        """Whether this follower was the one that folded them."""
        self._recent.add(batch.entries, [final.event_id for final in batch.finals])
        origins = await self._origins(batch.entries)
        views, changed = batch.views, dict[Key, View]()
        for entry in batch.entries:
            step = fold(views, entry, origins.get(entry.seq, Origin()))
            views |= step
            changed |= step
        last = batch.finals[-1]
        return await self._views.commit(as_of, last.seq, last.recorded_at, changed, along)

    async def _origins(self, entries: Sequence[Entry]) -> dict[int, Origin]:
        """By sequence; facts of the log below each entry, so all can be asked for at once."""
        origins: dict[int, Origin] = {}
        asked: list[Entry] = []
        for entry in entries:
            if starts_episode(entry):
                known = self._recent.origin(entry)
                if known is None:
                    asked.append(entry)
                else:
                    origins[entry.seq] = known
        for at in range(0, len(asked), ASKED_AT_ONCE):
            part = asked[at : at + ASKED_AT_ONCE]
            found = await asyncio.gather(*(self._records.origin(entry) for entry in part))
            origins |= {entry.seq: origin for entry, origin in zip(part, found, strict=True)}
        return origins
