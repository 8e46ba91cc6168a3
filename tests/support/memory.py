"""Twins in memory of what the runtime keeps in MongoDB, for unit tests of use cases.

They refuse what the real ones refuse (a version that has moved on, a state BSON cannot take): one
suite, `aggregate_suite.py`, runs over both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

import bson
from casetrail_contracts import Event, parse_event
from casetrail_runtime.outbox import (
    KEPT,
    PLAIN,
    Aggregates,
    Applied,
    Codec,
    Loaded,
    Result,
    VersionConflict,
    version_after,
)

S = TypeVar("S")
_TIMES_WITH_ZONE: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(tz_aware=True)


class MemoryAggregateCollection(Generic[S]):
    """`AggregateCollection` in a dictionary; `published` has every committed event in order."""

    @overload
    def __init__(
        self: "MemoryAggregateCollection[dict[str, Any]]", name: str = "aggregates"
    ) -> None: ...
    @overload
    def __init__(self, name: str = "aggregates", *, codec: Codec[S]) -> None: ...
    def __init__(self, name: str = "aggregates", *, codec: Codec[Any] = PLAIN) -> None:
        self.name = name
        self.published: list[Event] = []
        self._codec: Codec[S] = codec
        self._documents: dict[str, bytes] = {}

    async def load(self, id: str) -> Loaded[S] | None:  # noqa: A002 - the document's word
        """The aggregate, or None when nothing was ever committed to it."""
        stored = self._documents.get(id)
        if stored is None:
            return None
        found = bson.decode(stored, _TIMES_WITH_ZONE)
        state = found["state"]
        return Loaded(
            id=id,
            version=found["version"],
            state=None if state is None else self._codec.decode(state),
            applied={
                entry["id"]: Applied(entry["result"], entry["version"])
                for entry in found["applied"]
            },
            revision=found["revision"],
        )

    async def commit(
        self,
        current: Loaded[S],
        state: S | None,
        events: Sequence[Event],
        applied_id: str,
        result: Result,
    ) -> int:
        """The new version; raises VersionConflict when `current` is no longer current."""
        version = version_after(current, state, events)
        assert current.workspace
        stored = self._documents.get(current.id)
        before = {"revision": 0, "state": None, "applied": []} if stored is None else _read(stored)
        if before["revision"] != current.revision:
            raise VersionConflict(f"{current.id} has moved on from revision {current.revision}")
        mark = {"id": applied_id, "result": dict(result), "version": version}
        after = {
            "version": version,
            "revision": current.revision + 1,
            "state": before["state"] if state is None else self._codec.encode(state),
            "applied": [*before["applied"], mark][-KEPT if current.is_full else 0 :],
        }
        self._documents[current.id] = bson.encode(after)
        self.published += [parse_event(event.to_bytes()) for event in events]
        return version


class MemoryProcessedLog:
    """`ProcessedLog` in a dictionary."""

    def __init__(self) -> None:
        self._marks: dict[str, bytes] = {}

    async def seen(self, id: str) -> Applied | None:  # noqa: A002 - the document's word
        """What this event or command led to, or None when it is new."""
        stored = self._marks.get(id)
        if stored is None:
            return None
        found = _read(stored)
        return Applied(found["result"], found["version"])

    async def mark(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """Remembers what this event or command led to; the first mark of an id stays."""
        self._marks.setdefault(id, bson.encode({"result": dict(result), "version": version}))

    async def mark_soon(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """The same: here nothing takes time."""
        await self.mark(id, result, version)


class MemoryAggregates(Aggregates[S]):
    """`Aggregates` without a server; `store.published` has the events, `processed` the causes."""

    @overload
    def __init__(self: "MemoryAggregates[dict[str, Any]]", name: str = "aggregates") -> None: ...
    @overload
    def __init__(self, name: str = "aggregates", *, codec: Codec[S]) -> None: ...
    def __init__(self, name: str = "aggregates", *, codec: Codec[Any] = PLAIN) -> None:
        self.store: MemoryAggregateCollection[S] = MemoryAggregateCollection(name, codec=codec)
        self.processed = MemoryProcessedLog()
        super().__init__(self.store, self.processed)

    @property
    def published(self) -> list[Event]:
        """Every committed event in order."""
        return self.store.published


class MemoryNumberSeries:
    """`NumberSeries` in a dictionary."""

    def __init__(self, first: int = 1001) -> None:
        self._first = first
        self._taken: dict[str, int] = {}

    async def take(self, cause_id: str) -> int:
        """The number of this cause; the same however often it is asked for."""
        return self._taken.setdefault(cause_id, self._first + len(self._taken))


def _read(stored: bytes) -> Mapping[str, Any]:
    return bson.decode(stored, _TIMES_WITH_ZONE)
