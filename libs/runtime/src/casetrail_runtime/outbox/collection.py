"""Aggregates and processed causes in MongoDB."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar, overload

import structlog
from casetrail_contracts import Event
from casetrail_contracts.envelope import CONTENT_TYPE
from pymongo import ASCENDING, IndexModel, InsertOne
from pymongo.errors import DuplicateKeyError, PyMongoError

from casetrail_runtime.gathered import GatheredWrites
from casetrail_runtime.mongo import Collection, Document, durable
from casetrail_runtime.outbox.handling import ProcessedStore, keep_causes
from casetrail_runtime.outbox.model import (
    KEPT,
    PLAIN,
    Applied,
    Codec,
    Loaded,
    Result,
    VersionConflict,
    version_after,
)
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.telemetry import trace_headers

S = TypeVar("S")

log: Final = structlog.get_logger()
MARKS_AT_ONCE: Final = 256
PROCESS: Final = uuid.uuid4().hex
"""Names this process in what it writes, so that its own relay publishes first."""

OUTBOX_INDEXES: Final = [
    IndexModel(
        [("outbox.at", ASCENDING)],
        name="outbox_waiting",
        partialFilterExpression={"outbox.0": {"$exists": True}},
    )
]
"""Finds what waits to be published; the relay makes it."""


class AggregateCollection(Generic[S]):
    """The aggregates of one MongoDB collection."""

    @overload
    def __init__(
        self: "AggregateCollection[Document]",
        collection: Collection,
        *,
        writer: str = PROCESS,
        processed: ProcessedStore | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        collection: Collection,
        *,
        codec: Codec[S],
        writer: str = PROCESS,
        processed: ProcessedStore | None = None,
    ) -> None: ...
    def __init__(
        self,
        collection: Collection,
        *,
        codec: Codec[Any] = PLAIN,
        writer: str = PROCESS,
        processed: ProcessedStore | None = None,
    ) -> None:
        """`processed`, for who commits without `Aggregates`, gets what a full document drops."""
        self._collection = durable(collection)
        self._codec: Codec[S] = codec
        self._writer = writer
        self._processed = processed

    @property
    def name(self) -> str:
        """The collection's name."""
        return str(self._collection.name)

    async def load(self, id: str) -> Loaded[S] | None:  # noqa: A002 - the document's word
        """The aggregate as a majority has it, or None when nothing was ever committed to it.

        `state` is None when there were only events of other subjects (a command refused).
        """
        found = await self._collection.find_one({"_id": id}, {"outbox": 0})
        if found is None:
            return None
        state = found.get("state")
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
        """The version after one write of state, events and the cause they came from.

        `current` is what `load` gave, or `Loaded(id)` for a new aggregate; `state` None leaves the
        state as it is.

        Raises:
            VersionConflict: `current` is no longer current; nothing was written.
            OutOfSequence: the events do not follow `current.version`; nothing was written.
        """
        version = version_after(current, state, events)
        if self._processed is not None:
            await keep_causes(self._processed, self.name, current)
        now = datetime.now(UTC)
        headers = {"content-type": CONTENT_TYPE, **trace_headers()}
        outbox = [
            {
                "id": event.id,
                "subject": event.nats_subject,
                "body": event.to_bytes(),
                "headers": headers,
                "at": now,
            }
            for event in events
        ]
        revision = current.revision + 1
        fields: Document = {
            "version": version,
            "revision": revision,
            "writer": f"{self._writer}/{revision}",  # differs in every write: the relay sees it
        }
        if state is not None:
            fields["state"] = self._codec.encode(state)
        mark = {"id": applied_id, "result": dict(result), "version": version}
        cut = {"$slice": -KEPT} if current.is_full else {}
        update: Document = {
            "$set": fields,
            "$push": {
                "applied": {"$each": [mark], **cut},
                "outbox": {"$each": outbox},
            },
            "$setOnInsert": {"workspace": current.workspace},
        }
        is_new = current.revision == 0
        try:
            done = await self._collection.update_one(
                {"_id": current.id, "revision": current.revision}, update, upsert=is_new
            )
        except DuplicateKeyError as error:
            if set((error.details or {}).get("keyPattern", {})) != {"_id"}:
                raise  # a unique index of the service's own
            raise VersionConflict(f"{current.id} was made by somebody else") from error
        if done.matched_count == 0 and done.upserted_id is None:
            raise VersionConflict(f"{current.id} has moved on from revision {current.revision}")
        return version


class ProcessedLog:
    """The causes a service has dealt with, kept for good: `{_id: id, result, version, at}`.

    Nothing here expires: a duplicate may be a week late, and a durable that is made anew replays
    the whole stream.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = durable(collection)
        self._writes = GatheredWrites(self._collection)
        self._under_way: set[asyncio.Task[None]] = set()

    async def seen(self, id: str) -> Applied | None:  # noqa: A002 - the document's word
        """What this event or command led to, or None when it is new."""
        found = await self._collection.find_one({"_id": id})
        return None if found is None else Applied(found["result"], found["version"])

    async def mark(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """Remembers what this event or command led to; the first mark of an id stays."""
        document = {"_id": id, "result": dict(result), "version": version, "at": datetime.now(UTC)}
        try:
            await self._writes(InsertOne(document))
        except DuplicateKeyError:
            return

    async def mark_soon(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """The same in the background, for a cause that its aggregate remembers too.

        A mark that is lost is made before the aggregate forgets (`keep_causes`).
        """
        if len(self._under_way) >= MARKS_AT_ONCE:
            await self.mark(id, result, version)
            return
        task = asyncio.create_task(self._mark_if_possible(id, result, version))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _mark_if_possible(self, id: str, result: Result, version: int) -> None:  # noqa: A002
        try:
            await self.mark(id, result, version)
        except PyMongoError as error:
            log.warning("cause not marked yet", cause=id, reason=describe_error(error))
