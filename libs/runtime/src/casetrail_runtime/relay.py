"""From the outboxes in MongoDB to the stream.

The relay follows a change stream over the aggregate collections and publishes what their outboxes
hold, then takes it out. It keeps no position of its own: the outboxes say what is left, so a lost
change-stream token costs one sweep and nothing else. See ADR 0004.

Order: the entries of one aggregate are published one after the other, an entry only once the one
before it is stored. Two relays that publish the same aggregate each keep to that, so the stream
has every first copy in order; second copies carry the same Nats-Msg-Id and are dropped by the
stream, or recorded as duplicates when they come later than its window.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog
from bson.timestamp import Timestamp
from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from casetrail_runtime.mongo import Collection, Database, durable, ensure_indexes
from casetrail_runtime.outbox.collection import OUTBOX_INDEXES, PROCESS
from casetrail_runtime.publisher import Ack, NotStored
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.tasks import end

log = structlog.get_logger(__name__)

ROUND: Final = 500
"""Aggregates published side by side; the publisher stores what is waiting in one batch."""
GRACE: Final = 0.5
"""Seconds the process that wrote an event has to publish it before another relay does."""
SWEEP_EVERY: Final = 30.0
"""Seconds between two looks at the outboxes themselves, whatever the change stream said."""
STUCK_AFTER: Final = 30.0
"""Seconds without success after which the ping of the relay fails."""
STOP_SECONDS: Final = 5.0
_AWAIT_MS: Final = 500  # the longest a getMore holds one of Motor's threads
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_HOPELESS_PAUSE: Final = 60.0

Key = tuple[str, Any]
"""Collection and `_id` of an aggregate."""


class RawPublisher(Protocol):
    """What the relay needs of a `StreamPublisher`."""

    async def publish_raw(
        self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> Ack:
        """Returns once the stream has stored it; raises NotStored otherwise."""


class RelayStuck(Exception):
    """Events have been waiting for too long, or the relay has ended; the message says why."""


class Relay:
    """Publishes the outboxes of these collections of `db`; one in every replica.

    `on_published(seconds)` is told for each event how long after its commit it was in the stream.
    """

    def __init__(
        self,
        db: Database,
        collections: Sequence[str],
        publisher: RawPublisher,
        *,
        writer: str = PROCESS,
        grace: float = GRACE,
        sweep_every: float = SWEEP_EVERY,
        stuck_after: float = STUCK_AFTER,
        on_published: Callable[[float], object] | None = None,
    ) -> None:
        self._db = db
        self._collections: dict[str, Collection] = {name: durable(db[name]) for name in collections}
        self._publisher = publisher
        self._own = f"{writer}/"
        self._grace = grace
        self._sweep_every = sweep_every
        self._stuck_after = stuck_after
        self._on_published = on_published
        self._due: dict[Key, None] = {}
        self._something_due = asyncio.Event()
        self._failures: dict[Key, int] = {}
        self._troubles: dict[str, tuple[float, str]] = {}  # what goes wrong -> since when, and why
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        """Returns at once; publishes from now on, whether or not the servers are there yet."""
        self._stopping = False
        self._tasks = [
            asyncio.create_task(self._keep_following(), name="relay: follow"),
            asyncio.create_task(self._keep_publishing(), name="relay: publish"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Ends after the round under way. What is left in the outboxes waits for the next start."""
        self._stopping = True
        self._something_due.set()
        for task in self._tasks[:1]:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        await end(*self._tasks)

    async def ping(self) -> None:
        """Raises `RelayStuck` when events wait and cannot be published; for `/readyz`."""
        for task in self._tasks:
            if task.done() and not self._stopping:
                raise RelayStuck("the relay has ended")
        now = asyncio.get_running_loop().time()
        late = [
            f"{what}: {why}"
            for what, (since, why) in self._troubles.items()
            if now - since > self._stuck_after
        ]
        if late:
            raise RelayStuck("; ".join(late[:3]))

    # Following: which aggregates have something to publish ---------------------------------

    async def _keep_following(self) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await self._follow()
            except PyMongoError as error:
                self._in_trouble("MongoDB cannot be followed", describe_error(error))
            if loop.time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)  # also after a stream that ended by itself: never a spin
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Returns when the change stream is over (its database was dropped)."""
        await ensure_indexes(self._db, dict.fromkeys(self._collections, OUTBOX_INDEXES))
        since = await self._sweep()
        self._fine("MongoDB cannot be followed")
        swept = asyncio.get_running_loop().time()
        changes: Any = self._db.watch(  # Any: Motor's stubs take its properties for methods
            self._pipeline(), start_at_operation_time=since, max_await_time_ms=_AWAIT_MS
        )
        async with changes:
            while changes.alive:
                change = await changes.try_next()
                if change is not None:
                    self._noticed(change)
                elif asyncio.get_running_loop().time() - swept > self._sweep_every:
                    await self._sweep()
                    swept = asyncio.get_running_loop().time()

    def _pipeline(self) -> list[dict[str, Any]]:
        """Commits only: what the relay takes out of an outbox does not wake it."""
        return [
            {
                "$match": {
                    "ns.coll": {"$in": list(self._collections)},
                    "$or": [
                        {"operationType": {"$in": ["insert", "replace"]}},
                        {"updateDescription.updatedFields.writer": {"$exists": True}},
                    ],
                }
            },
            {
                "$project": {
                    "ns.coll": 1,
                    "documentKey": 1,
                    "writer": {
                        "$ifNull": [
                            "$updateDescription.updatedFields.writer",
                            "$fullDocument.writer",
                        ]
                    },
                }
            },
        ]

    def _noticed(self, change: Mapping[str, Any]) -> None:
        key = (change["ns"]["coll"], change["documentKey"]["_id"])
        if str(change.get("writer", "")).startswith(self._own):
            self._wake(key)
        else:
            asyncio.get_running_loop().call_later(self._grace, self._wake, key)

    async def _sweep(self) -> Timestamp:
        """Wakes every aggregate with something in its outbox; the time from which to follow.

        The session makes the reads wait until a majority has everything up to that time, so that
        nothing falls between the sweep and the change stream.
        """
        started: Any = await self._db.client.start_session(causal_consistency=True)
        async with started as session:
            await self._db.command("ping", session=session)
            since: Timestamp | None = session.operation_time
            if since is None:
                raise PyMongoError("this MongoDB is not a replica set: start it with --replSet")
            for name, collection in self._collections.items():
                waiting = collection.find(
                    {"outbox.0": {"$exists": True}}, {"_id": 1}, session=session
                ).sort("outbox.at", 1)
                async for found in waiting:
                    self._wake((name, found["_id"]))
        return since

    def _wake(self, key: Key) -> None:
        self._due[key] = None
        self._something_due.set()

    # Publishing: what the outboxes hold ------------------------------------------------------

    async def _keep_publishing(self) -> None:
        while not self._stopping:
            await self._something_due.wait()
            keys = list(self._due)[:ROUND]
            for key in keys:
                del self._due[key]
            if not self._due:
                self._something_due.clear()
            try:
                await self._publish_round(keys)
            except PyMongoError as error:
                self._in_trouble("the outboxes cannot be read", describe_error(error))
                for key in keys:
                    self._wake(key)
                await asyncio.sleep(_FIRST_PAUSE)
            else:
                self._fine("the outboxes cannot be read")

    async def _publish_round(self, keys: Sequence[Key]) -> None:
        by_collection: dict[str, list[Any]] = defaultdict(list)
        for name, id_ in keys:
            by_collection[name].append(id_)
        for name, ids in by_collection.items():
            collection = self._collections[name]
            documents = await collection.find(
                {"_id": {"$in": ids}, "outbox.0": {"$exists": True}}, {"outbox": 1}
            ).to_list(None)
            for id_ in set(ids) - {found["_id"] for found in documents}:
                self._done_with((name, id_))  # another relay was faster
            done = await asyncio.gather(
                *(self._publish_one((name, found["_id"]), found["outbox"]) for found in documents)
            )
            stored = [
                UpdateOne({"_id": found["_id"]}, {"$pull": {"outbox": {"id": {"$in": ids}}}})
                for found, ids in zip(documents, done, strict=True)
                if ids
            ]
            if stored:
                await collection.bulk_write(stored, ordered=False)

    async def _publish_one(self, key: Key, outbox: Sequence[Mapping[str, Any]]) -> list[str]:
        """The ids of the entries that are in the stream now: all, or those before a failure."""
        stored: list[str] = []
        for entry in outbox:
            try:
                await self._publisher.publish_raw(
                    entry["subject"], entry["body"], entry["id"], entry["headers"]
                )
            except NotStored as error:
                self._in_trouble(_cannot_publish(key), error.reason)
                self._again_later(key, hopeless=not error.passing)
                return stored
            stored.append(entry["id"])
            if self._on_published is not None:
                self._on_published((datetime.now(UTC) - entry["at"]).total_seconds())
        self._done_with(key)
        return stored

    def _done_with(self, key: Key) -> None:
        self._failures.pop(key, None)
        self._fine(_cannot_publish(key))

    def _again_later(self, key: Key, *, hopeless: bool) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = _HOPELESS_PAUSE if hopeless else _LONGEST_PAUSE
        pause = min(_FIRST_PAUSE * 2 ** min(failures, 16), longest)
        asyncio.get_running_loop().call_later(pause, self._wake, key)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("relay has ended", task=task.get_name(), reason=describe_error(error))

    def _in_trouble(self, what: str, why: str) -> None:
        if what in self._troubles:
            self._troubles[what] = (self._troubles[what][0], why)
        else:
            self._troubles[what] = (asyncio.get_running_loop().time(), why)
            log.warning("relay is held up", what=what, reason=why)

    def _fine(self, what: str) -> None:
        if self._troubles.pop(what, None) is not None:
            log.info("relay goes on", what=what)


def _cannot_publish(key: Key) -> str:
    return f"{key[0]} {key[1]} cannot be published"
