"""Aggregates made again from their events, when their database is lost and the log is not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from casetrail_contracts import CommandReply, Event
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from casetrail_runtime.mongo import Collection, Document, durable
from casetrail_runtime.outbox.model import KEPT, Codec, workspace_of

S = TypeVar("S")

REMEMBERED: Final = 20_000
"""Aggregates kept in memory between two writes; others are read again when they go on."""
DUPLICATE: Final = 11000


class HistoryHole(Exception):
    """An event does not follow what came before it: the log that was read is not whole."""


@dataclass
class _Made(Generic[S]):
    """An aggregate as far as its events were taken."""

    version: int = 0
    state: S | None = None
    applied: dict[str, tuple[Document, int]] = field(default_factory=dict)


class RemadeAggregates(Generic[S]):
    """The documents of one collection, written by nobody else meanwhile.

    They are what `AggregateCollection` writes, with an empty outbox. A cause is remembered with the
    reply that its last event bears out: done, the version, the case and the ticket. What else the
    first answer said is not in the log. Each event is taken once, however often it is offered.
    """

    def __init__(
        self,
        collection: Collection,
        processed: Collection,
        fold: Callable[[S | None, Event], S],
        codec: Codec[S],
    ) -> None:
        self._collection = durable(collection)
        self._processed = durable(processed)
        self._fold = fold
        self._codec = codec
        self._made: dict[str, _Made[S]] = {}
        self._changed: set[str] = set()
        self._there: set[str] | None = None
        self._marks: dict[str, Document] = {}
        self.count = 0
        """Events taken."""
        self.resumed = False
        """Whether some were there from an earlier run."""

    async def state(self, id: str) -> S | None:  # noqa: A002 - the document's word
        """The aggregate as it is by now; None before its first event."""
        return (await self._load(id)).state

    async def take(self, id: str, event: Event, *, remember: bool = True) -> S | None:  # noqa: A002
        """The state after one more event of this aggregate; `remember` its cause as dealt with.

        Raises:
            HistoryHole: an event between it and the one before is missing.
        """
        made = await self._load(id)
        version = event.version or 0
        if version <= made.version:
            return made.state
        if version != made.version + 1:
            raise HistoryHole(
                f"{id} goes on with version {version} after {made.version}: the log that is read "
                "lacks what is between them."
            )
        made.state, made.version = self._fold(made.state, event), version
        if remember:
            reply = CommandReply.ok(version, case_id=event.caseid, ticket_id=event.ticketid)
            cause = event.causationid or event.id
            made.applied.pop(cause, None)
            made.applied[cause] = (reply.model_dump(mode="json"), version)
            self.answered(id, cause, reply)
        self._changed.add(id)
        self.count += 1
        return made.state

    async def change(self, id: str, state: S) -> None:  # noqa: A002 - the document's word
        """What follows from other events than its own."""
        (await self._load(id)).state = state
        self._changed.add(id)

    def answered(self, id: str, cause_id: str, reply: CommandReply) -> None:  # noqa: A002
        """What a cause was answered, for whoever repeats it."""
        key = f"{cause_id}@{self._collection.name}/{id}"
        result = reply.model_dump(mode="json")
        self._marks[key] = {"_id": key, "result": result, "version": reply.version or 0}

    async def flush(self) -> None:
        """Everything taken is on the disks of a majority."""
        writes = [
            ReplaceOne({"_id": id_}, self._document(id_, self._made[id_]), upsert=True)
            for id_ in sorted(self._changed)
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False)
            if self._there is not None:
                self._there |= self._changed
        if self._marks:
            try:
                await self._processed.insert_many(list(self._marks.values()), ordered=False)
            except BulkWriteError as error:
                faults = error.details["writeErrors"]
                if any(fault["code"] != DUPLICATE for fault in faults):
                    raise
        self._changed.clear()
        self._marks.clear()
        if len(self._made) > REMEMBERED:
            self._made.clear()

    async def _load(self, id: str) -> _Made[S]:  # noqa: A002 - the document's word
        if self._there is None:  # what an earlier run made, which this one goes on with
            self._there = {found["_id"] async for found in self._collection.find({}, {"_id": 1})}
            self.resumed = bool(self._there)
        made = self._made.get(id)
        if made is None:
            made = await self._stored(id) if id in self._there else _Made[S]()
            self._made[id] = made
        return made

    async def _stored(self, id: str) -> _Made[S]:  # noqa: A002 - the document's word
        found = await self._collection.find_one({"_id": id})
        return _Made[S]() if found is None else self._read(found)

    def _read(self, found: Document) -> _Made[S]:
        applied = {each["id"]: (each["result"], each["version"]) for each in found["applied"]}
        return _Made(found["version"], self._codec.decode(found["state"]), applied)

    def _document(self, id_: str, made: _Made[S]) -> dict[str, Any]:
        newest = list(made.applied.items())[-KEPT:]
        made.applied = dict(newest)
        assert made.state is not None
        return {
            "_id": id_,
            "workspace": workspace_of(id_),
            "version": made.version,
            "revision": made.version,
            "writer": f"rebuild/{made.version}",
            "state": self._codec.encode(made.state),
            "applied": [
                {"id": cause, "result": result, "version": version}
                for cause, (result, version) in newest
            ],
            "outbox": [],
        }
