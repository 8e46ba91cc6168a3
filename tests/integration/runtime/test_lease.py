"""A lease goes from replica to replica and has one holder at a time."""

import asyncio

from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database

from tests.support.waiting import eventually


async def test_one_of_several_has_it(mongo_db: Database) -> None:
    """Asked for by ten at once, one gets it and keeps it by asking again."""
    leases = [Lease(mongo_db.leases, "sealer", f"replica-{n}") for n in range(10)]
    first = await asyncio.gather(*(lease.acquire() for lease in leases))
    second = await asyncio.gather(*(lease.acquire() for lease in leases))
    assert sum(first) == 1
    assert first == second


async def test_it_passes_on_when_it_is_over(mongo_db: Database) -> None:
    """A holder that is gone loses it after its time, by the clock of MongoDB."""
    gone = Lease(mongo_db.leases, "sealer", "gone", ttl=0.3)
    next_one = Lease(mongo_db.leases, "sealer", "next", ttl=30)
    assert await gone.acquire()
    assert not await next_one.acquire()
    await eventually(next_one.acquire)
    assert not await gone.acquire()


async def test_it_is_given_up(mongo_db: Database) -> None:
    """Another has it at once; giving up what one does not have changes nothing."""
    one = Lease(mongo_db.leases, "sealer", "one", ttl=30)
    other = Lease(mongo_db.leases, "sealer", "other", ttl=30)
    assert await one.acquire()
    await other.release()
    assert not await other.acquire()
    await one.release()
    assert await other.acquire()


async def test_leases_of_other_names_are_free(mongo_db: Database) -> None:
    """The name is what is leased; a holder may have an odd name."""
    assert await Lease(mongo_db.leases, "sealer", "$holder").acquire()
    assert await Lease(mongo_db.leases, "sealer", "$holder").acquire()
    assert await Lease(mongo_db.leases, "sweeper", "b").acquire()
