"""The client, its durability, its indexes, its ping."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from casetrail_local.ports import free_port
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import (
    Client,
    Database,
    IndexDiffers,
    database,
    ensure_indexes,
    make_client,
    ping,
)
from pydantic import SecretStr
from pymongo import ASCENDING, IndexModel
from pymongo.errors import PyMongoError

from tests.support.fixtures import Addresses

BY_CASE = IndexModel([("case", ASCENDING)], unique=True)


async def test_indexes_are_made_once(mongo_db: Database) -> None:
    """Several replicas at once and every later start change nothing."""
    wanted = {"tickets": [BY_CASE, IndexModel([("state.owner", ASCENDING)])]}
    await asyncio.gather(*(ensure_indexes(mongo_db, wanted) for _ in range(5)))
    first = await mongo_db.tickets.index_information()
    await ensure_indexes(mongo_db, wanted)
    assert await mongo_db.tickets.index_information() == first
    assert set(first) == {"_id_", "case_1", "state.owner_1"}


async def test_a_different_index_is_an_error_that_says_which(mongo_db: Database) -> None:
    """Nothing is dropped behind anybody's back."""
    await ensure_indexes(mongo_db, {"tickets": [BY_CASE]})
    other = IndexModel([("case", ASCENDING)], sparse=True)
    with pytest.raises(IndexDiffers, match=r"Collection tickets .* drop it"):
        await ensure_indexes(mongo_db, {"tickets": [other]})
    assert (await mongo_db.tickets.index_information())["case_1"]["unique"]


async def test_the_database_is_durable_and_times_have_a_zone(mongo_db: Database) -> None:
    """Majority and journal for writes, majority for reads, UTC for times."""
    assert mongo_db.write_concern.document == {"w": "majority", "j": True}
    assert mongo_db.read_concern.level == "majority"
    at = datetime(2026, 11, 22, 10, 14, tzinfo=UTC)
    await mongo_db.things.insert_one({"_id": 1, "at": at})
    assert await mongo_db.things.find_one({"_id": 1}) == {"_id": 1, "at": at}


async def test_the_ping_answers(mongo_client: Client) -> None:
    """A round trip to the primary."""
    await ping(mongo_client)


async def test_an_absent_server_is_an_error_within_seconds() -> None:
    """Nobody waits half a minute for a server that is not there."""
    url = SecretStr(f"mongodb://127.0.0.1:{free_port()}/x?replicaSet=rs0")
    client = make_client(Addresses(mongo_url=url), "tests")
    began = time.monotonic()
    with pytest.raises((PyMongoError, TimeoutError)):
        await ping(client)
    assert time.monotonic() - began < 6
    client.close()


async def test_acknowledged_writes_survive_a_kill(own_mongo: MongoServer) -> None:
    """INVARIANT I10: kill -9 right after the acknowledgement, restart: everything is there."""
    url = SecretStr(own_mongo.database_url("kept"))
    client = make_client(Addresses(mongo_url=url), "tests")
    things = database(client).things
    await asyncio.gather(*(things.insert_one({"_id": n}) for n in range(200)))
    await asyncio.to_thread(own_mongo.kill)
    await asyncio.to_thread(own_mongo.start)
    assert await things.count_documents({}) == 200
    client.close()
