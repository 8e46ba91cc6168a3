"""The views folded last, so that the database is seldom asked for what was just written."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from casetrail_audit.domain.folding import Key, View, Views
from casetrail_audit.ports import Advance, ViewStore

MOST: Final = 4_000


class KnownViews:
    """A store of views that remembers what it loaded and wrote, up to `most` of them.

    Every batch is committed only if the views still are as they were when the batch before it was,
    so a commit that succeeds proves that what is remembered was right. One that does not, or whose
    outcome nobody knows, and any sign that somebody else has moved the views: all is forgotten.
    """

    def __init__(self, store: ViewStore, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._as_of: int | None = None
        self._known: dict[Key, View] = {}

    async def as_of(self) -> int:
        """The last record the views know."""
        as_of = await self._store.as_of()
        if as_of != self._as_of:
            self._known.clear()
            self._as_of = as_of
        return as_of

    async def load(self, keys: Collection[Key]) -> Views:
        """The views of these keys that exist."""
        there = {key: view for key in keys if (view := self._known.get(key)) is not None}
        if len(there) < len(keys):
            loaded = await self._store.load([key for key in keys if key not in there])
            self._remember(loaded)
            return {**there, **loaded}
        return there

    async def commit(
        self,
        before: int,
        after: int,
        at: datetime,
        changed: Mapping[Key, View],
        along: Advance | None = None,
    ) -> bool:
        """Writes all of it, if the views still are as of `before`; else nothing, and False."""
        done = False
        try:
            done = await self._store.commit(before, after, at, changed, along)
        finally:
            self._as_of = after if done else None
            if done:
                self._remember(changed)
            else:
                self._known.clear()
        return done

    async def clear(self) -> None:
        """Makes all views empty, as of 0."""
        self._known.clear()
        self._as_of = None
        await self._store.clear()

    def _remember(self, views: Views) -> None:
        for key, view in views.items():
            self._known.pop(key, None)  # so that the order is that of their last use
            self._known[key] = view
        for key in list(self._known)[: max(0, len(self._known) - self._most)]:
            del self._known[key]
