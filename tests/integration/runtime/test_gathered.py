"""Writes that are asked for at once are made together, and each has its own outcome."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from casetrail_runtime.gathered import MOST, GatheredWrites
from casetrail_runtime.mongo import Collection, Database, durable
from pymongo import InsertOne, UpdateOne
from pymongo.errors import DuplicateKeyError, WriteConcernError, WriteError
from pymongo.write_concern import WriteConcern


class Counted:
    """A collection that says how many writes each bulk had; nothing is written while it is held."""

    def __init__(self, collection: Collection) -> None:
        self.name = collection.name
        self.sizes: list[int] = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._collection = collection

    async def bulk_write(self, requests: Sequence[Any], *, ordered: bool) -> Any:
        self.sizes.append(len(requests))
        self.began.set()
        await self.go_on.wait()
        return await self._collection.bulk_write(requests, ordered=ordered)


@pytest.fixture
def counted(mongo_db: Database) -> Counted:
    """The collection that is written to."""
    return Counted(durable(mongo_db["gathered"]))


def _adds(id_: str) -> UpdateOne:
    return UpdateOne({"_id": id_}, {"$inc": {"n": 1}}, upsert=True)


async def test_what_waits_goes_together(mongo_db: Database, counted: Counted) -> None:
    """The next bulk gathers while one is on its way, and has a bound."""
    gathered = GatheredWrites(counted)  # type: ignore[arg-type]
    counted.go_on.clear()
    first = asyncio.create_task(gathered(_adds("a")))
    await counted.began.wait()
    rest = [asyncio.create_task(gathered(_adds(f"b{n}"))) for n in range(MOST + 1)]
    await asyncio.sleep(0.05)
    assert counted.sizes == [1], "one bulk is on its way at a time"
    counted.go_on.set()
    await asyncio.gather(first, *rest)
    assert counted.sizes == [1, MOST, 1]
    assert await mongo_db["gathered"].count_documents({"n": 1}) == MOST + 2


async def test_each_has_its_own_outcome(mongo_db: Database, counted: Counted) -> None:
    """A refusal of one says nothing of the others."""
    gathered = GatheredWrites(counted)  # type: ignore[arg-type]
    await mongo_db["gathered"].insert_many([{"_id": "there"}, {"_id": "text", "n": "no number"}])
    outcomes = await asyncio.gather(
        gathered(_adds("a")),
        gathered(InsertOne({"_id": "there"})),
        gathered(_adds("text")),
        gathered(InsertOne({"_id": "new"})),
        return_exceptions=True,
    )
    assert counted.sizes == [4]
    assert outcomes[0] is None
    assert outcomes[3] is None
    assert isinstance(outcomes[1], DuplicateKeyError)
    assert isinstance(outcomes[2], WriteError)
    assert not isinstance(outcomes[2], DuplicateKeyError)
    assert {d["_id"] async for d in mongo_db["gathered"].find({})} == {"a", "there", "text", "new"}


async def test_one_that_is_cancelled_takes_no_other_with_it(counted: Counted) -> None:
    """The others of the bulk are written."""
    gathered = GatheredWrites(counted)  # type: ignore[arg-type]
    counted.go_on.clear()
    given_up = asyncio.create_task(gathered(_adds("a")))
    await counted.began.wait()
    never_sent = asyncio.create_task(gathered(_adds("c")))
    after = asyncio.create_task(gathered(_adds("b")))
    await asyncio.sleep(0)
    given_up.cancel()
    never_sent.cancel()
    counted.go_on.set()
    await asyncio.wait_for(after, 10)
    assert counted.sizes == [1, 1], "what nobody waits for any more is not sent"


async def test_what_no_majority_confirmed_is_an_error_for_all(mongo_db: Database) -> None:
    """As a single write says it: nobody may take it for stored."""
    alone = mongo_db["gathered"].with_options(write_concern=WriteConcern(w=2, wtimeout=50))
    outcomes = await asyncio.gather(
        *(GatheredWrites(alone)(_adds(id_)) for id_ in "ab"), return_exceptions=True
    )
    assert all(isinstance(outcome, WriteConcernError) for outcome in outcomes)
