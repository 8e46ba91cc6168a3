"""A database of an earlier version, brought to the form of this one."""

from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.migrations import MIGRATIONS
from casetrail_runtime.migrations import Migrations
from casetrail_runtime.mongo import Client, Database

from tests.unit.audit.history import folded, records_of, story


async def test_views_of_before_links_become_those_of_a_rebuild(
    mongo_client: Client, mongo_db: Database
) -> None:
    """Views without the two fields are what this version folds, once the job has run."""
    records = records_of(story().events)
    views = folded(records)
    at = records[-1]["recorded_at"]
    assert await MongoViews(mongo_client, mongo_db).commit(0, len(records), at, views)
    fresh = [view async for view in mongo_db["conversations"].find().sort("_id", 1)]
    await mongo_db["conversations"].update_many({}, {"$unset": {"linked_to": "", "linked": ""}})
    assert await Migrations(mongo_db, MIGRATIONS, "tests").run(lambda _: None) == len(fresh) > 0
    after = [view async for view in mongo_db["conversations"].find().sort("_id", 1)]
    assert after == fresh
