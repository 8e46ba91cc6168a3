"""Aggregates in MongoDB: the same suite as their twin, and what only a real server can show."""

import asyncio

import pytest
from casetrail_contracts import Event, parse_event
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import Database, database, ensure_indexes, make_client
from casetrail_runtime.outbox import (
    OUTBOX_INDEXES,
    AggregateCollection,
    Aggregates,
    Loaded,
    ProcessedLog,
)
from pydantic import SecretStr
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from tests.support.aggregate_suite import CV_A, CV_B, AggregateSuite, Kept, step
from tests.support.events import assigned
from tests.support.fixtures import Addresses
from tests.support.waiting import eventually


class TestMongoAggregates(AggregateSuite):
    """The suite over MongoDB."""

    @pytest.fixture
    def kept(self, mongo_db: Database) -> Kept:
        """A collection of this test's own database."""
        return kept_in(mongo_db)


def kept_in(db: Database) -> Kept:
    """The aggregates of `db.conversations`, and their causes in `db.processed`."""

    async def events(aggregate: str) -> list[Event]:
        found = await db.conversations.find_one({"_id": aggregate})
        return [] if found is None else [parse_event(entry["body"]) for entry in found["outbox"]]

    return Kept(AggregateCollection(db.conversations), ProcessedLog(db.processed), events)


async def test_the_document_is_as_described(mongo_db: Database) -> None:
    """Other readers (the relay, a person with mongosh) find what ADR 0004 says."""
    await kept_in(mongo_db).aggregates.handle(CV_A, "one", step("one"))
    found = await mongo_db.conversations.find_one({"_id": CV_A})
    assert found is not None
    entry = found["outbox"][0]
    event = assigned("one", 1)
    assert found["workspace"] == "main"
    assert (found["version"], found["revision"]) == (1, 1)
    assert found["state"] == {"causes": ["one"]}
    assert found["applied"] == [{"id": "one", "result": {"place": 1, "cause": "one"}, "version": 1}]
    assert (entry["id"], entry["subject"]) == (event.id, "support.main.conversation.assigned")
    assert parse_event(entry["body"]) == event
    assert entry["headers"]["content-type"] == "application/cloudevents+json"


async def test_fields_of_the_service_beside_the_state_stay(mongo_db: Database) -> None:
    """A service may keep reservations or the like in the same document."""
    kept = kept_in(mongo_db)
    await kept.aggregates.handle(CV_A, "one", step("one"))
    await mongo_db.conversations.update_one({"_id": CV_A}, {"$set": {"slots": [1]}})
    await kept.aggregates.handle(CV_A, "two", step("two"))
    found = await mongo_db.conversations.find_one({"_id": CV_A})
    assert found is not None
    assert found["slots"] == [1]


async def test_a_unique_index_of_the_service_is_not_taken_for_a_conflict(
    mongo_db: Database,
) -> None:
    """Trying again would not help, so the error reaches the caller at once."""
    unique = IndexModel([("state.causes", 1)], unique=True)
    await ensure_indexes(mongo_db, {"conversations": [unique]})
    kept = kept_in(mongo_db)
    await kept.aggregates.handle(CV_A, "one", step("one", CV_A))
    with pytest.raises(DuplicateKeyError):
        await kept.aggregates.handle(CV_B, "one", step("one", CV_B))


async def test_the_relay_finds_what_waits_by_an_index(mongo_db: Database) -> None:
    """A sweep over a million quiet aggregates reads only those with something in the outbox."""
    await ensure_indexes(mongo_db, {"conversations": OUTBOX_INDEXES})
    await kept_in(mongo_db).aggregates.handle(CV_A, "one", step("one"))
    plan = (
        await mongo_db.conversations.find({"outbox.0": {"$exists": True}})
        .sort("outbox.at", 1)
        .explain()
    )
    assert "'indexName': 'outbox_waiting'" in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["nReturned"] == 1


async def reached(kept: Kept, version: int) -> bool:
    """Whether the aggregate is that far."""
    found = await kept.store.load(CV_A)
    return found is not None and found.version >= version


async def test_writers_survive_a_killed_mongod(own_mongo: MongoServer) -> None:
    """INVARIANT I10: kill -9 under sixteen writers: nothing is lost, nothing doubled."""
    url = SecretStr(own_mongo.database_url("killed"))
    client = make_client(Addresses(mongo_url=url), "tests")
    kept = kept_in(database(client))

    async def writer(name: str) -> None:
        for n in range(10):
            cause = f"{name}-{n}"
            while True:
                try:
                    await kept.aggregates.handle(CV_A, cause, step(cause))
                except PyMongoError:  # the driver itself sits out a short absence
                    await asyncio.sleep(0.1)
                else:
                    break

    writers = asyncio.gather(*(writer(f"w{n}") for n in range(16)))
    await eventually(lambda: reached(kept, 20))
    assert not writers.done()
    await asyncio.to_thread(own_mongo.kill)
    await asyncio.to_thread(own_mongo.start)
    await asyncio.wait_for(writers, 60)
    loaded = await kept.store.load(CV_A)
    assert loaded is not None
    assert loaded.state is not None
    expected = {f"w{w}-{n}" for w in range(16) for n in range(10)}
    assert sorted(loaded.state["causes"]) == sorted(expected)
    assert [event.version for event in await kept.events(CV_A)] == list(range(1, 161))
    client.close()


async def test_a_commit_waits_for_a_journaled_majority(mongo_db: Database) -> None:
    """Acknowledged state survives a crash, whatever the URL of the database says."""
    weak = mongo_db.client.get_database(mongo_db.name)
    store = AggregateCollection(weak.conversations)
    assert store._collection.write_concern.document == {"w": "majority", "j": True}
    assert store._collection.read_concern.level == "majority"
    await Aggregates(store, ProcessedLog(weak.processed)).handle(CV_A, "one", step("one"))
    assert await store.load(CV_A) != Loaded(CV_A)
