"""The views follow the log."""

import asyncio
from collections.abc import Sequence
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
from casetrail_audit.ports import FinalRecord, ViewStore
from casetrail_audit.use_cases.finals import Finals
from casetrail_audit.use_cases.recent import RecentEntries

ASKED_AT_ONCE: Final = 50


class FoldViews:
    """Folds the final records into the views, batch by batch, each in one transaction."""

    def __init__(self, records: Finals, views: ViewStore) -> None:
        self._records = records
        self._views = views
        self._recent = RecentEntries()
        self._as_of: int | None = None

    async def __call__(self, through: int) -> int:
        """Returns as of which record the views are now: `through`, if nobody was in the way."""
        if self._as_of is None or self._as_of >= through:  # somebody may have cleared them
            self._as_of = await self._views.as_of()
        while self._as_of < through:
            finals = await self._records.finals(self._as_of, through)
            if not finals:
                break
            alone = await self._batch(self._as_of, finals)
            self._as_of = finals[-1].seq if alone else await self._views.as_of()
        return self._as_of

    async def _batch(self, as_of: int, finals: Sequence[FinalRecord]) -> bool:
        """Whether this follower was the one that folded them."""
        entries = [Entry.of(final.content, final.recorded_at) for final in finals]
        self._recent.add(entries, [final.event_id for final in finals])
        views: dict[Key, View] = dict(await self._views.load(at_first(entries)))
        known = at_first(entries)
        while further := then(views) - known:
            known |= further
            views |= await self._views.load(further)
        origins = await self._origins(entries)
        changed: dict[Key, View] = {}
        for entry in entries:
            step = fold(views, entry, origins.get(entry.seq, Origin()))
            views |= step
            changed |= step
        last = finals[-1]
        return await self._views.commit(as_of, last.seq, last.recorded_at, changed)

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
