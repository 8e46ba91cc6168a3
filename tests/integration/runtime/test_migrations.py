"""Changes of what is stored: in steps, each once, going on where they were cut off."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from casetrail_runtime.migrations import (
    Migration,
    MigrationRequired,
    Migrations,
    Step,
    backfill,
    migrate,
    require_migrations,
)
from casetrail_runtime.migrations.running import MIGRATIONS
from casetrail_runtime.mongo import Database
from pydantic import SecretStr

from tests.support.fixtures import Addresses

pytestmark = pytest.mark.servers

TAGS = backfill("0001-tags", "a list of tags", collection="cases", fields={"tags": []}, at_once=10)


async def cases(db: Database, count: int) -> None:
    """So many cases; every fifth has tags already."""
    await db["cases"].insert_many(
        [{"_id": f"c{n:03}", **({"tags": ["vip"]} if n % 5 == 0 else {})} for n in range(count)]
    )


async def without_tags(db: Database) -> int:
    """How many cases still lack the field."""
    return int(await db["cases"].count_documents({"tags": {"$exists": False}}))


async def test_every_document_gets_the_field_once(mongo_db: Database) -> None:
    """Those that have it keep it; a second run finds nothing to do."""
    await cases(mongo_db, 103)
    said: list[str] = []
    assert await Migrations(mongo_db, [TAGS], "a").run(said.append) == 82
    assert await without_tags(mongo_db) == 0
    assert await mongo_db["cases"].count_documents({"tags": ["vip"]}) == 21
    assert said[0] == "0001-tags: a list of tags"
    assert said[-1] == "0001-tags: 82 documents, done"
    assert await Migrations(mongo_db, [TAGS], "b").run(said.append) == 0
    [state] = await Migrations(mongo_db, [TAGS], "b").states()
    assert (state.done, state.changed) == (True, 82)


async def test_one_that_is_killed_goes_on_where_it_was(mongo_db: Database) -> None:
    """After any step; what was done is not done again."""
    await cases(mongo_db, 60)
    seen: list[Any] = []

    async def dying(db: Database, after: Any) -> Step:
        seen.append(after)
        if len(seen) == 3:
            raise ConnectionError("killed")
        return await TAGS.step(db, after)

    with pytest.raises(ConnectionError):
        await Migrations(mongo_db, [replace(TAGS, step=dying)], "a").run(lambda _: None)
    assert await without_tags(mongo_db) == 48 - 20
    await Migrations(mongo_db, [replace(TAGS, step=dying)], "b").run(lambda _: None)
    assert await without_tags(mongo_db) == 0
    assert seen[3] == seen[2]
    note = await mongo_db[MIGRATIONS].find_one({"_id": "0001-tags"})
    assert note is not None
    assert note["changed"] == 48


async def test_two_jobs_do_it_one_after_the_other(mongo_db: Database) -> None:
    """The second waits for the first, and has nothing left to do."""
    await cases(mongo_db, 100)
    jobs = [Migrations(mongo_db, [TAGS], holder) for holder in "ab"]
    assert sorted(await asyncio.gather(*(job.run(lambda _: None) for job in jobs))) == [0, 80]


async def test_a_service_starts_only_on_what_it_can_use(mongo_db: Database) -> None:
    """A required one must be done; others may wait; a fresh database needs none, for good."""
    needed = replace(TAGS, id="0002-needed", required=True)
    await require_migrations(mongo_db, [TAGS, needed], "routing")
    await cases(mongo_db, 5)
    await require_migrations(mongo_db, [TAGS, needed], "routing")  # written by this version: noted
    await mongo_db[MIGRATIONS].delete_many({})
    assert await Migrations(mongo_db, [TAGS], "a").require("migrate") == ["0001-tags"]
    with pytest.raises(MigrationRequired, match=r"0002-needed.* -m casetrail_routing migrate"):
        await require_migrations(mongo_db, [TAGS, needed], "routing")
    await Migrations(mongo_db, [TAGS, needed], "a").run(lambda _: None)
    await require_migrations(mongo_db, [TAGS, needed], "routing")


def test_ids_are_in_order_and_used_once(mongo_db: Database) -> None:
    """A fault of whoever writes one shows when the service starts."""
    with pytest.raises(ValueError, match="in order"):
        Migrations(mongo_db, [TAGS, TAGS], "a")


async def test_the_command(
    mongo_db: Database, mongo_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` changes nothing and says what is open; a newer version's are named."""
    await cases(mongo_db, 20)
    settings = Addresses(mongo_url=SecretStr(mongo_url))
    mine: list[Migration] = [TAGS]
    assert await migrate(settings, "routing", mine, ["--check"]) == 1
    assert await without_tags(mongo_db) == 16
    assert await migrate(settings, "routing", mine, []) == 0
    await mongo_db[MIGRATIONS].insert_one({"_id": "0009-newer"})
    assert await migrate(settings, "routing", mine, ["--check"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0001-tags  open  0 changed  a list of tags"
    assert said[-3] == "1 migrations of routing are done; 16 documents changed."
    assert said[-2:] == [
        "0001-tags  done  16 changed  a list of tags",
        "0009-newer  made by a newer version",
    ]
