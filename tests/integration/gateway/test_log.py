"""One suite over the log in memory and the log in MongoDB, and how MongoDB finds things."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from casetrail_audit.adapters.indexes import INDEXES
from casetrail_contracts.subjects import SUPPORT
from casetrail_gateway.adapters.mongo import MongoLog
from casetrail_gateway.adapters.mongo_queries import (
    case_query,
    causes_query,
    copies_pipeline,
    record_query,
    timeline_query,
)
from casetrail_gateway.domain.errors import LogUnavailable
from casetrail_gateway.domain.log import (
    CaseFilter,
    Episode,
    Kinds,
    Page,
    RecordFilter,
    Scope,
)
from casetrail_gateway.ports import Log
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import Database, database, ensure_indexes, make_client
from pydantic import SecretStr

from tests.support.fixtures import Addresses
from tests.unit.gateway.memory_log import MemoryLog
from tests.unit.gateway.story import (
    CV,
    START,
    case_document,
    other_case_document,
    record,
    story,
    ticket_document,
)

ELSEWHERE = "elsewhere"
WHOLE = Page(50)
CASE = Scope(case_id="CASE-1001", episodes=(Episode(CV, 1, None),))


def documents() -> dict[str, list[dict[str, Any]]]:
    """The story, the same ids in another workspace, and a second copy of an event."""
    foreign = {**case_document(), "_id": f"{ELSEWHERE}:CASE-1001", "workspace": ELSEWHERE}
    return {
        "records": [
            *story(),
            record(13, "conversation.assigned", workspace=ELSEWHERE, case_id="CASE-1001"),
            {**record(14, "x", kind="poison", problem="not JSON"), "event_id": None},
            {**record(15, "x", kind="duplicate", of=4), "event_id": None, "action": None},
        ],
        "cases": [case_document(), other_case_document(), foreign],
        "tickets": [ticket_document()],
    }


@pytest.fixture(params=["memory", "mongo"])
async def log(request: pytest.FixtureRequest, mongo_db: Database) -> AsyncIterator[Log]:
    """The log of the story, in memory and in MongoDB."""
    made = documents()
    if request.param == "memory":
        yield MemoryLog(made["records"], made["cases"], made["tickets"], ["main:a"])
        return
    await seed(mongo_db)
    yield MongoLog(mongo_db)


async def seed(db: Database) -> None:
    """Writes the story as audit would, with audit's indexes."""
    await ensure_indexes(db, INDEXES)
    for collection, rows in documents().items():
        await db[collection].insert_many(rows)
    await db["users"].insert_one({"_id": "main:a", "workspace": "main", "user_id": "a"})
    await db["projections"].insert_one({"_id": "views", "as_of_seq": 15})
    await db["log"].insert_one(
        {"_id": SUPPORT, "first_seq": 1, "complete_through": 15, "duplicates": 2, "poison": 1}
    )


async def seqs(found: Awaitable[Any]) -> list[int]:
    """The sequences of what was found."""
    return [item.seq for item in await found]


async def test_a_case_timeline_is_its_records_and_its_episodes(log: Log) -> None:
    """Its own records and those of its episodes; no looks, no copies, one workspace."""
    assert await seqs(log.timeline("main", CASE, Kinds(), WHOLE)) == [1, 2, 3, 4, 7, 9, 10]
    assert await seqs(log.timeline(ELSEWHERE, CASE, Kinds(), WHOLE)) == [13]
    later = Scope(case_id="CASE-1001", episodes=(Episode(CV, 3, 4),))
    assert await seqs(log.timeline("main", later, Kinds(), WHOLE)) == [2, 3, 4, 7, 9]


async def test_a_case_timeline_has_the_tickets_that_concern_it(log: Log) -> None:
    """A ticket of another case that is linked to this one; once, though both sides match."""
    assert await log.tickets_concerning("main", "CASE-1002") == ["T-1001"]
    assert await log.tickets_concerning("main", "CASE-1001") == []
    assert await log.tickets_concerning(ELSEWHERE, "CASE-1002") == []
    linked = Scope(case_id="CASE-1002", linked_tickets=("T-1001",))
    alone = await seqs(log.timeline("main", Scope(case_id="CASE-1002"), Kinds(), WHOLE))
    assert await seqs(log.timeline("main", linked, Kinds(), WHOLE)) == sorted({*alone, 7, 9})
    own = Scope(case_id="CASE-1001", episodes=CASE.episodes, linked_tickets=("T-1001",))
    assert await seqs(log.timeline("main", own, Kinds(), WHOLE)) == [1, 2, 3, 4, 7, 9, 10]


async def test_a_timeline_is_cut_into_pages(log: Log) -> None:
    """After, order, limit and the end of the complete part."""
    assert await seqs(log.timeline("main", CASE, Kinds(), Page(2, "asc", 3))) == [4, 7]
    assert await seqs(log.timeline("main", CASE, Kinds(), Page(3, "desc"))) == [10, 9, 7]
    assert await seqs(log.timeline("main", CASE, Kinds(), Page(3, "desc", 7))) == [4, 3, 2]
    assert await seqs(log.timeline("main", CASE, Kinds(), Page(50, "asc", 2, 7))) == [3, 4, 7]


async def test_a_timeline_ends_at_a_moment(log: Log) -> None:
    """What had happened by then, and the last that was recorded by then."""
    at = START + timedelta(seconds=33)
    page = Page(50, happened_by=at)
    assert await seqs(log.timeline("main", CASE, Kinds(), page)) == [1, 2, 3, 10]
    assert await log.last_known(at) == 3
    assert await log.last_known(START) == 0


async def test_a_timeline_shows_the_kinds_asked_for(log: Log) -> None:
    """A noun is all of its verbs; looks are shown when named."""
    for wanted, found in (
        (("access",), [6]),
        (("ticket",), [7, 9]),
        (("ticket.created", "message"), [1, 4, 7, 10]),
        (("tick",), []),
    ):
        assert await seqs(log.timeline("main", CASE, Kinds(wanted), WHOLE)) == found


async def test_the_other_scopes(log: Log) -> None:
    """A ticket, a conversation, a person."""
    ticket, conversation = Scope(ticket_id="T-1001"), Scope(conversation_id=CV)
    assert await seqs(log.timeline("main", ticket, Kinds(), WHOLE)) == [7, 9]
    assert await seqs(log.timeline("main", conversation, Kinds(), WHOLE)) == [1, 2, 3, 4, 7, 9, 10]
    assert await seqs(log.timeline("main", Scope(actor_id="a"), Kinds(), WHOLE)) == [7, 9, 12]
    assert await seqs(log.timeline("main", Scope(actor_id=CV), Kinds(), WHOLE)) == []


async def test_footprints_copies_and_causes(log: Log) -> None:
    """What surrounds the entries of a timeline."""
    found = await log.footprints("main", CASE, 4)
    assert [(step.seq, step.version) for step in found] == [(1, None), (2, 1), (3, 2), (4, None)]
    assert dict(await log.copies([1, 4])) == {4: 2}
    causes = await log.causes("main", ["e1", "e7", "nothing"])
    assert {name: (cause.seq, cause.action) for name, cause in causes.items()} == {
        "e1": (1, "message.received"),
        "e7": (7, "ticket.created"),
    }
    assert await log.causes(ELSEWHERE, ["e1"]) == {}


async def test_views_are_one_workspaces(log: Log) -> None:
    """INVARIANT I9: the same id in two workspaces is two things, an unknown one is none."""
    mine, theirs = await log.case("main", "CASE-1001"), await log.case(ELSEWHERE, "CASE-1001")
    assert mine is not None
    assert theirs is not None
    assert mine.version == 2
    assert mine.holes[0].sentence.startswith("Not in the log before record 9")
    assert await log.case("main", "CASE-9") is None
    assert await log.ticket(ELSEWHERE, "T-1001") is None
    ticket = await log.ticket("main", "T-1001")
    assert ticket is not None
    assert (ticket.held_by, ticket.expected_at) == ("courier", START + timedelta(days=1))
    assert [case.case_id for case in await log.cases_of("main", CV)] == ["CASE-1001"]
    assert await log.knows_user("main", "a")
    assert not await log.knows_user(ELSEWHERE, "a")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (CaseFilter(), ["CASE-1002", "CASE-1001"]),
        (CaseFilter(open_to="agent:b"), ["CASE-1002"]),
        (CaseFilter(open_to="agent:a", status="closed"), []),
        (CaseFilter(ticket_id="T-1001"), ["CASE-1001"]),
        (CaseFilter(opened_from=START, opened_to=START), []),
        (CaseFilter(opened_from=START, escalated=False), ["CASE-1002", "CASE-1001"]),
    ],
)
async def test_cases_are_filtered(log: Log, wanted: CaseFilter, names: list[str]) -> None:
    """Each filter, the newest first."""
    found = await log.cases("main", wanted, Page(50, "desc"))
    assert [case.case_id for case in found] == names


async def test_records_are_filtered(log: Log) -> None:
    """Each filter; records of every kind but another workspace's; gaps are everybody's."""
    everything = RecordFilter()
    assert await seqs(log.records("main", everything, Page(3, "desc", 13))) == [12, 11, 10]
    assert await seqs(log.records(ELSEWHERE, everything, WHOLE)) == [11, 13]
    agent = RecordFilter(actor_kind="agent", actor_id="a", action="ticket")
    assert await seqs(log.records("main", agent, WHOLE)) == [7, 9]
    moment = RecordFilter(
        occurred_from=START + timedelta(seconds=70), occurred_to=START + timedelta(seconds=90)
    )
    assert await seqs(log.records("main", moment, WHOLE)) == [7, 8]


async def test_single_records(log: Log) -> None:
    """INVARIANT I9: a record of another workspace is not there; a gap belongs to nobody."""
    assert await log.record("main", 13) is None
    assert await log.record(ELSEWHERE, 1) is None
    for workspace in ("main", ELSEWHERE):
        gap = await log.record(workspace, 11)
        assert gap is not None
        assert gap.kind == "gap"
    first = await log.record("main", 1)
    assert first is not None
    assert first.leaf == "ab" * 32


async def test_head_and_counts(log: Log) -> None:
    """How far the log is complete, and what of it is no event."""
    head, counts = await log.head(), await log.counts()
    assert (head.complete_through, head.first_seq, head.size, head.root) == (15, 1, 0, None)
    assert (counts.duplicates, counts.poison, counts.gaps) == (2, 1, ((11, "deleted"),))


def values(plan: Any, name: str) -> set[str]:
    """All values of a name anywhere in a query plan."""
    if isinstance(plan, list):
        return set().union(*(values(part, name) for part in plan)) if plan else set()
    if not isinstance(plan, dict):
        return set()
    own = {plan[name]} if isinstance(plan.get(name), str) else set()
    return own.union(*(values(part, name) for part in plan.values()))


QUERIES: list[tuple[str, str, Callable[[], dict[str, Any]], str]] = [
    ("case", "records", lambda: timeline_query("main", CASE, Kinds(), Page(51, through=15)), "_id"),
    (
        "case, two kinds",
        "records",
        lambda: timeline_query("main", CASE, Kinds(("ticket", "message")), WHOLE),
        "_id",
    ),
    (
        "ticket",
        "records",
        lambda: timeline_query("main", Scope(ticket_id="T-1"), Kinds(), WHOLE),
        "_id",
    ),
    (
        "person",
        "records",
        lambda: timeline_query("main", Scope(actor_id="a"), Kinds(), WHOLE),
        "_id",
    ),
    ("records", "records", lambda: record_query("main", RecordFilter(), WHOLE), "_id"),
    (
        "action",
        "records",
        lambda: record_query("main", RecordFilter(action="ticket.created"), WHOLE),
        "_id",
    ),
    ("causes", "records", lambda: causes_query("main", ["e1", "e2"]), "_id"),
    ("copies", "records", lambda: copies_pipeline([1, 2])[0]["$match"], "_id"),
    ("cases", "cases", lambda: case_query("main", CaseFilter(), WHOLE), "opened_seq"),
    (
        "an agent's cases",
        "cases",
        lambda: case_query("main", CaseFilter(open_to="agent:a"), WHOLE),
        "opened_seq",
    ),
]


@pytest.mark.parametrize(
    ("collection", "query", "order"),
    [row[1:] for row in QUERIES],
    ids=[row[0] for row in QUERIES],
)
async def test_every_query_uses_an_index(
    mongo_db: Database, collection: str, query: Callable[[], dict[str, Any]], order: str
) -> None:
    """No list is found by reading the whole collection, with the indexes that audit makes."""
    await seed(mongo_db)
    plan = await mongo_db[collection].find(query()).sort(order, 1).limit(51).explain()
    winning = plan["queryPlanner"]["winningPlan"]
    assert "COLLSCAN" not in values(winning, "stage")
    assert values(winning, "indexName")
    assert "_id_" not in values(winning, "indexName")


async def test_a_case_timeline_is_merged_without_sorting(mongo_db: Database) -> None:
    """Its branches are each in order already, so MongoDB stops at the limit."""
    await seed(mongo_db)
    query = timeline_query("main", CASE, Kinds(), Page(51, through=15))
    plan = await mongo_db["records"].find(query).sort("_id", 1).limit(51).explain()
    assert "SORT" not in values(plan["queryPlanner"]["winningPlan"], "stage")


async def test_a_server_that_is_away_is_a_fact_of_the_gateway(own_mongo: MongoServer) -> None:
    """No driver exception leaves the adapter."""
    addresses = Addresses(mongo_url=SecretStr(own_mongo.database_url("away")))
    client = make_client(addresses, "tests")
    log = MongoLog(database(client))
    assert await log.case("main", "CASE-1001") is None
    own_mongo.kill()
    with pytest.raises(LogUnavailable):
        await log.case("main", "CASE-1001")
    client.close()
