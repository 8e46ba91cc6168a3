"""The invariants of a whole running stack, checked from outside: stream, log and documents."""

from collections import defaultdict
from typing import Any, Self

import nats
from casetrail_local.description import StackDescription
from pymongo import AsyncMongoClient

Json = dict[str, Any]


class Inspector:
    """Looks at a stack with clients of its own; a context manager that closes them."""

    def __init__(self, stack: StackDescription) -> None:
        self._stack = stack
        self._mongo: AsyncMongoClient[Json] = AsyncMongoClient(stack.mongo_url)
        self.log = self._mongo.get_default_database()

    async def __aenter__(self) -> Self:
        self._nats = await nats.connect(self._stack.nats_url)
        self._js = self._nats.jetstream()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._nats.close()
        await self._mongo.close()

    async def last_seq(self, stream: str = "SUPPORT") -> int:
        """The last sequence of a stream."""
        return int((await self._js.stream_info(stream)).state.last_seq)

    async def messages(self, stream: str) -> int:
        """How many messages a stream holds."""
        return int((await self._js.stream_info(stream)).state.messages)

    async def records(self, **query: Any) -> list[Json]:
        """The records of the log that match, in order."""
        return await self.log.records.find(query).sort("_id").to_list()

    async def last_seq_of(self, noun_verb: str) -> int:
        """The sequence of the newest event of this type."""
        found = await self._js.get_last_msg(
            "SUPPORT", f"support.{self._stack.workspace}.{noun_verb}"
        )
        assert found.seq is not None
        return found.seq

    async def publish_again(self, sequence: int) -> None:
        """The message of this sequence once more, as a sender repeats it after the window.

        Without its `Nats-Msg-Id` the stream cannot know it; the event in it is the same.
        """
        found = await self._js.get_msg("SUPPORT", sequence)
        assert found.subject is not None
        await self._js.publish(found.subject, found.data or b"", stream="SUPPORT")

    async def settled(self) -> bool:
        """True when everything published is recorded, followed and relayed.

        The log is also published on `audit.>`; a checkpoint there is no record.
        """
        last = await self.last_seq()
        if await self.log.records.count_documents({}) < last:
            return False
        if await self._outboxes():
            return False
        info = await self._js.stream_info("AUDIT", subjects_filter="audit.>")
        subjects = info.state.subjects or {}
        published = sum(n for name, n in subjects.items() if name != "audit.checkpoint")
        return published >= last == await self.last_seq()

    async def check(self) -> None:
        """Asserts I1, I3, I4 and I5 over everything the stack has seen so far."""
        records = await self.log.records.find({}, _CHECKED).sort("_id").to_list()
        await self._one_record_per_sequence(records)
        self._one_visible_record_per_event(records)
        self._versions_are_contiguous(records)
        await self._documents_agree(records)

    async def _one_record_per_sequence(self, records: list[Json]) -> None:
        """INVARIANT I1: sequences 1..n of the stream are records 1..n, and no others."""
        assert [record["_id"] for record in records] == list(range(1, await self.last_seq() + 1))
        info = await self._js.stream_info("AUDIT", subjects_filter="audit.>")
        subjects = info.state.subjects or {}
        published = sum(n for name, n in subjects.items() if name != "audit.checkpoint")
        assert published == len(records), "every record is published exactly once"

    def _one_visible_record_per_event(self, records: list[Json]) -> None:
        """INVARIANT I3: an event id stands in one record of kind `event`."""
        seen = [record["event_id"] for record in records if record["kind"] == "event"]
        assert len(seen) == len(set(seen))

    def _versions_are_contiguous(self, records: list[Json]) -> None:
        """INVARIANT I4: the versions of every aggregate are 1..n, in the order of the log."""
        for target, versions in self._versions(records).items():
            assert versions == list(range(1, len(versions) + 1)), target

    async def _documents_agree(self, records: list[Json]) -> None:
        """INVARIANT I5: what the services hold is at the version the log ends with."""
        logged = {target: versions[-1] for target, versions in self._versions(records).items()}
        held: dict[str, int] = {}
        for database, collection, noun in AGGREGATES:
            async for found in self._mongo[database][collection].find({}, {"version": 1}):
                name = found["_id"].rpartition(":")[2]
                if found["version"]:
                    held[f"{noun}/{name}"] = found["version"]
        assert held == logged

    def _versions(self, records: list[Json]) -> dict[str, list[int]]:
        versions: dict[str, list[int]] = defaultdict(list)
        for record in records:
            if record["kind"] == "event" and record.get("sequence") is not None:
                versions[record["target"]].append(int(record["sequence"]))
        return versions

    async def _outboxes(self) -> int:
        waiting = 0
        for database, collection, _ in AGGREGATES:
            found = self._mongo[database][collection]
            waiting += await found.count_documents({"outbox.0": {"$exists": True}})
        return waiting


_CHECKED = {"kind": 1, "event_id": 1, "target": 1, "sequence": 1}
AGGREGATES = (
    ("casetrail_routing", "conversations", "conversation"),
    ("casetrail_routing", "users", "user"),
    ("casetrail_tickets", "tickets", "ticket"),
)
"""Database, collection and the noun of its aggregates in `target`."""
