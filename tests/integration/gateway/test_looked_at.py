"""A case that is looked at far more often than anything happens in it, in MongoDB."""

import pytest
from casetrail_gateway.adapters.mongo import MongoLog
from casetrail_gateway.adapters.mongo_queries import record_query, timeline_query
from casetrail_gateway.domain.log import Kinds, Page, RecordFilter, Scope
from casetrail_runtime.mongo import Database

from tests.integration.gateway.test_log import CASE, WHOLE, seed, seqs, values
from tests.unit.gateway.story import CV, record

LOOKS = 2_000
SCOPES = {
    "case": CASE,
    "ticket": Scope(ticket_id="T-1001"),
    "conversation": Scope(conversation_id=CV),
    "person": Scope(actor_id="a"),
}


async def looked_at(db: Database) -> None:
    """Far more looks at the case of the story than all else; the first by an old version."""
    looks = []
    for seq in range(20, 20 + LOOKS):
        actor = {"kind": "agent", "id": "a"}
        at = {"case_id": "CASE-1001", "ticket_id": "T-1001"}
        look = record(seq, "access.viewed", actor=actor, **at)
        looks.append(look if seq < 25 else {**look, "look": True})
    await db["records"].insert_many(looks)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
async def test_what_was_looked_at_often_is_found_as_quickly(
    mongo_db: Database, scope: Scope
) -> None:
    """The looks are not read to leave them out, and nothing else is left out with them."""
    await seed(mongo_db)
    before = await seqs(MongoLog(mongo_db).timeline("main", scope, Kinds(), WHOLE))
    await looked_at(mongo_db)
    assert await seqs(MongoLog(mongo_db).timeline("main", scope, Kinds(), WHOLE)) == before
    for kinds in (Kinds(), Kinds(("conversation", "message"))):
        query = timeline_query("main", scope, kinds, WHOLE)
        plan = await mongo_db["records"].find(query).sort("_id", -1).limit(51).explain()
        assert plan["executionStats"]["totalKeysExamined"] < 100, kinds
        stages = values(plan["queryPlanner"]["winningPlan"], "stage")
        assert kinds.wanted or "SORT" not in stages


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
async def test_looks_are_there_for_who_asks_for_them(mongo_db: Database, scope: Scope) -> None:
    """Marked or not, in order, and read no further than the limit."""
    await seed(mongo_db)
    await looked_at(mongo_db)
    log = MongoLog(mongo_db)
    looks = Kinds(("access",))
    page = Page(10, after=17)
    assert await seqs(log.timeline("main", scope, looks, page)) == list(range(20, 30))
    assert (await seqs(log.timeline("main", scope, Kinds(hides=()), page)))[-1] >= 27
    query = timeline_query("main", scope, Kinds(hides=()), page)
    plan = await mongo_db["records"].find(query).sort("_id", 1).limit(10).explain()
    assert plan["executionStats"]["totalKeysExamined"] < 100
    assert "SORT" not in values(plan["queryPlanner"]["winningPlan"], "stage")


FILTERS = [
    RecordFilter(case_id="CASE-1001"),
    RecordFilter(case_id="CASE-1001", episodes=CASE.episodes),
    RecordFilter(ticket_id="T-1001"),
    RecordFilter(conversation_id=CV),
    RecordFilter(actor_kind="agent", actor_id="a"),
]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_records_are_listed_with_the_looks_among_them(
    mongo_db: Database, wanted: RecordFilter
) -> None:
    """The newest first, marked or not, and read no further than the limit."""
    await seed(mongo_db)
    await looked_at(mongo_db)
    page = Page(51, "desc", after=40)
    found = await seqs(MongoLog(mongo_db).records("main", wanted, page))
    assert found[:20] == list(range(39, 19, -1))
    plan = await (
        mongo_db["records"].find(record_query("main", wanted, page)).sort("_id", -1).limit(51)
    ).explain()
    assert plan["executionStats"]["totalKeysExamined"] < 150
    assert "SORT" not in values(plan["queryPlanner"]["winningPlan"], "stage")
