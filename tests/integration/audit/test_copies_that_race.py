"""Which copy of an event is the first does not depend on who was quicker."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from casetrail_audit.adapters.indexes import INDEXES
from casetrail_audit.adapters.mongo_records import MongoRecords
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import (
    NOT_STORABLE,
    Record,
    duplicate,
    poison,
    record_of,
)
from casetrail_audit.ports import Insertion
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import RecordMessages
from casetrail_runtime.mongo import Database, ensure_indexes
from casetrail_runtime.publisher import StreamPublisher

from tests.integration.audit.publishing import Published, mixture, plain, send_all
from tests.integration.audit.replica import running
from tests.support.waiting import eventually
from tests.unit.audit.history import KEY, History, message


@pytest.fixture
async def records(mongo_db: Database) -> MongoRecords:
    """The collection with its indexes."""
    await ensure_indexes(mongo_db, INDEXES)
    return MongoRecords(mongo_db)


def recorder(records: MongoRecords) -> RecordMessages:
    """A recorder of its own, as in another replica."""
    return RecordMessages(records, KEY, lambda _: None)


def copies(seqs: Sequence[int]) -> dict[int, Message]:
    """The same event at each of these sequences."""
    event = History().says()
    return {seq: message(event, seq) for seq in seqs}


async def kinds(db: Database) -> list[tuple[int, str, int | None]]:
    """Sequence, kind and first copy of every record."""
    return [(r["_id"], r["kind"], r["of"]) async for r in db["records"].find().sort("_id", 1)]


async def test_a_lower_copy_that_comes_later_becomes_the_event(
    records: MongoRecords, mongo_db: Database
) -> None:
    """INVARIANT I3: the lowest sequence is the event, in whatever order they were recorded."""
    messages = copies([3, 5, 9])
    for seq in (9, 5, 3):
        await recorder(records)([messages[seq]])
    assert [row[:2] for row in await kinds(mongo_db)] == [
        (3, "event"),
        (5, "duplicate"),
        (9, "duplicate"),
    ]


class Dies(Exception):
    """The process is gone."""


class DiesBeforeTheEvent(MongoRecords):
    """A replica that dies between making room for the lower copy and storing it."""

    demoted = False

    async def demote(self, seq: int, event_id: str, of: int) -> None:
        """Works."""
        await super().demote(seq, event_id, of)
        self.demoted = True

    async def insert(self, records: Sequence[Record]) -> Insertion:
        """Dies once there is room."""
        if self.demoted:
            raise Dies
        return await super().insert(records)


async def test_a_crash_between_the_two_writes_is_healed_by_the_redelivery(
    records: MongoRecords, mongo_db: Database
) -> None:
    """INVARIANT I10: killed after the first write, the message comes again and finds its place."""
    messages = copies([5, 9])
    await recorder(records)([messages[9]])
    with pytest.raises(Dies):
        await recorder(DiesBeforeTheEvent(mongo_db))([messages[5]])
    assert [row[:2] for row in await kinds(mongo_db)] == [(9, "duplicate")]
    await recorder(records)([messages[5]])
    assert [row[:2] for row in await kinds(mongo_db)] == [(5, "event"), (9, "duplicate")]


async def test_fifty_copies_recorded_at_once_have_one_event(
    records: MongoRecords, mongo_db: Database
) -> None:
    """INVARIANT I3: fifty replicas with a copy each agree on the lowest."""
    messages = copies(range(1, 51))
    for attempt in range(3):  # redeliveries of those that lost every round
        done = await asyncio.gather(
            *(
                recorder(records)([messages[seq]])
                for seq in random.Random(attempt).sample(range(1, 51), 50)
            ),
            return_exceptions=True,
        )
        assert {type(fault) for fault in done} <= {type(None), TimeoutError}
    assert [row[:2] for row in await kinds(mongo_db)] == [
        (1, "event"),
        *((seq, "duplicate") for seq in range(2, 51)),
    ]


async def test_two_replicas_with_racing_copies_write_the_log_one_would_write(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I1: two recorders on one durable, small batches, copies all over the stream."""
    dice = random.Random(4)
    sent: list[Published] = []
    for n, item in enumerate(mixture(1200, seed=4)):
        sent.append(item)
        sent += [
            Published(copy.subject, copy.data, f"race-{n}-{k}")
            for k, copy in enumerate(dice.sample(sent, min(len(sent), dice.randrange(3))))
        ]
    total = await send_all(publisher, sent)
    small = {"batch": 7, "concurrency": 8}
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(
                running(audit_settings.model_copy(update={"instance": f"r{n}", **small}))
            )
            for n in range(2)
        ]
        await replicas[0].complete(total, within=90)
        await assert_as_written_by_one(await replicas[0].records(), sent)


async def assert_as_written_by_one(records: list[Record], sent: Sequence[Published]) -> None:
    """Every record is what a single recorder would have written reading from the beginning."""
    firsts: dict[str, Record] = {}
    for record, item in zip(records, sent, strict=True):
        message_ = Message(
            log="SUPPORT",
            seq=record["_id"],
            subject=item.subject,
            data=item.data,
            msg_id=item.msg_id,
            recorded_at=record["recorded_at"],
        )
        alone = record_of(message_, KEY)
        if b"\\u0000" in item.data:
            alone = poison(message_, KEY, NOT_STORABLE)
        first = firsts.setdefault(alone["event_id"], alone) if alone["event_id"] else alone
        wanted = alone if first is alone else duplicate(message_, KEY, first)
        names = ("_id", "kind", "event_id", "of", "of_event_id", "differs", "subject_nats")
        assert {n: record[n] for n in names} == {n: wanted[n] for n in names}


async def test_a_first_copy_that_was_deleted_before_it_was_recorded(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """The lower copy made room and is gone for good: the next one is the event again."""
    event = History().says()
    await send_all(publisher, [plain(event, f"copy-{n}") for n in range(3)])
    async with running(audit_settings, follow=False) as replica:
        records = MongoRecords(replica.db)
        js = replica.broker.connection.jetstream()

        async def all_acked() -> bool:
            info = await js.consumer_info("SUPPORT", "audit")
            return (info.num_ack_pending, info.num_pending) == (0, 0)

        await eventually(all_acked, within=20)
        # What a replica leaves behind that died between the two writes for sequence 1.
        await records.demote(1, event.id, 1)
        await replica.db["records"].delete_one({"_id": 1})
        await js.delete_msg("SUPPORT", 1)
        await replica.parts.follow.start()
        await replica.complete(3)
        assert await kinds(replica.db) == [
            (1, "gap", None),
            (2, "event", None),
            (3, "duplicate", 2),
        ]


async def test_a_higher_copy_that_was_quicker_gives_the_id_back(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """The lowest copy left is the event, and no record stays provisional in the complete part."""
    event = History().says()
    await send_all(publisher, [plain(event, f"copy-{n}") for n in range(4)])
    async with running(audit_settings, follow=False) as replica:
        records, db = MongoRecords(replica.db), replica.db
        js = replica.broker.connection.jetstream()

        async def all_there() -> bool:
            return bool(await db["records"].count_documents({}) == 4)

        await eventually(all_there, within=20)
        # 1 made room and is gone; 3 came before anybody noticed and found no holder.
        await records.demote(1, event.id, 1)
        await db["records"].delete_many({"_id": {"$in": [1, 3]}})
        await js.delete_msg("SUPPORT", 1)
        third = await replica.parts.begin._stream.message(3)
        assert third is not None
        await replica.parts.record([third])
        assert (await kinds(db))[1] == (3, "event", None)
        await replica.parts.follow.start()
        await replica.complete(4)
        assert await kinds(db) == [
            (1, "gap", None),
            (2, "event", None),
            (3, "duplicate", 2),
            (4, "duplicate", 2),
        ]
        assert await db["records"].count_documents({"provisional": True}) == 0
        assert await db["records"].count_documents({"leaf": None}) == 0
