"""The entries folded last, so that the database is seldom asked where an episode began."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Final

from casetrail_audit.domain.folding import Entry, Loose, Origin

MOST: Final = 5_000
Conversation = tuple[str | None, str | None]
"""Workspace and id."""


class RecentEntries:
    """An unbroken stretch of the log up to the entry added last.

    What it says is what the records say: entries are final, so nothing in it grows old.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._last = 0
        self._stretch: deque[tuple[str | None, Conversation, bool]] = deque()
        self._events: dict[str, tuple[int, Conversation]] = {}
        self._loose: defaultdict[Conversation, deque[Loose]] = defaultdict(deque)

    def add(self, entries: Sequence[Entry], event_ids: Sequence[str | None]) -> None:
        """Adds the next ones, each with its event id; begins anew when they do not follow."""
        for entry, event_id in zip(entries, event_ids, strict=True):
            if entry.seq != self._last + 1:
                self._forget()
            self._last = entry.seq
            self._append(entry, event_id)
            if len(self._stretch) > self._most:
                self._drop_first()

    def origin(self, entry: Entry) -> Origin | None:
        """Where the episode that the entry starts began; None when only the database can tell."""
        if entry.cause_id is None:
            return Origin()
        cause = self._events.get(entry.cause_id)
        if cause is None:
            return None
        seq, conversation = cause
        if seq >= entry.seq or conversation != (entry.workspace, entry.cause_conversation_id):
            return Origin()
        loose = self._loose.get(conversation, ())
        return Origin(seq, tuple(one for one in loose if seq <= one.seq < entry.seq))

    def _append(self, entry: Entry, event_id: str | None) -> None:
        conversation = (entry.workspace, entry.conversation_id)
        if event_id is not None:
            self._events[event_id] = (entry.seq, conversation)
        is_loose = entry.case_id is None and entry.kind == "event" and entry.ours
        if is_loose:
            self._loose[conversation].append(Loose(entry.seq, entry.action, entry.happened_at))
        self._stretch.append((event_id, conversation, is_loose))

    def _drop_first(self) -> None:
        event_id, conversation, is_loose = self._stretch.popleft()
        if event_id is not None:
            del self._events[event_id]
        if is_loose:
            loose = self._loose[conversation]
            loose.popleft()
            if not loose:
                del self._loose[conversation]

    def _forget(self) -> None:
        self._stretch.clear()
        self._events.clear()
        self._loose.clear()
