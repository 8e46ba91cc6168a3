"""One suite over the log in memory and the log in MongoDB, and how MongoDB finds things."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from casetrail_audit.adapters.indexes import INDEXES
from casetrail_contracts.subjects import SUPPORT
from casetrail_gateway.adapters.mongo import MongoLog
from casetrail_gateway.adapters.mongo_queries import (
    beside_pipeline,
    case_query,
    causes_query,
    record_query,
    timeline_query,
)
from casetrail_gateway.adapters.mongo_work import MongoWork
from casetrail_gateway.domain.errors import LogUnavailable
from casetrail_gateway.domain.log import (
    CaseFilter,
    Episode,
    Kinds,
    Page,
    RecordFilter,
    Scope,
)
from casetrail_gateway.ports import Log, WorkRecords
from casetrail_local.servers import MongoServer
from casetrail_runtime.mongo import Database, database, ensure_indexes, make_client
from pydantic import SecretStr

from tests.support.fixtures import Addresses
from tests.unit.gateway.memory_log import MemoryLog
from tests.unit.gateway.story import (
    CV,
    OTHER_CV,
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


async def test_a_case_comes_with_what_goes_with_it(log: Log) -> None:
    """View, head and the tickets that are linked to it in one answer, the same as one by one."""
    now = await log.case_now("main", "CASE-1002")
    assert now.case == await log.case("main", "CASE-1002")
    assert now.concerning == ("T-1001",)
    assert now.head == await log.head()
    missing = await log.case_now("main", "CASE-9")
    assert (missing.case, missing.concerning) == (None, ())
    assert missing.head.complete_through == 15
    elsewhere = await log.case_now(ELSEWHERE, "CASE-1002")
    assert (elsewhere.case, elsewhere.concerning) == (None, ())


async def test_a_database_without_anything_has_an_empty_head(mongo_db: Database) -> None:
    """Before audit has written its first record: nothing is complete, and nothing breaks."""
    head = await MongoLog(mongo_db).head()
    assert (head.complete_through, head.first_seq, head.size, head.root) == (0, 1, 0, None)
    await mongo_db["tree"].insert_one({"_id": "head", "size": 7, "root": bytes(32)})
    head = await MongoLog(mongo_db).head()
    assert (head.complete_through, head.size) == (0, 7)


async def test_records_are_found_by_what_they_are_about(log: Log) -> None:
    """Every event of these targets, in order, of one workspace."""
    found = await log.records_about("main", ["ticket/T-1001", f"conversation/{OTHER_CV}"])
    assert [record.seq for record in found] == [7, 8, 9]
    assert await log.records_about(ELSEWHERE, ["ticket/T-1001"]) == []


@pytest.fixture(params=["memory", "mongo"])
async def work(request: pytest.FixtureRequest, mongo_db: Database) -> WorkRecords:
    """What the log tells of work, in memory and in MongoDB."""
    made = documents()
    stretch = {"kind": "owner", "holder": "agent:a", "from": START, "to": None, "seq": 3}
    made["cases"][0]["custody"] = [stretch]
    if request.param == "memory":
        return MemoryLog(made["records"], made["cases"], made["tickets"])
    await seed(mongo_db)
    await mongo_db["cases"].update_one({"_id": "main:CASE-1001"}, {"$set": {"custody": [stretch]}})
    return MongoWork(mongo_db)


DAY = (START, START + timedelta(days=1))


async def test_what_samples_are_drawn_from(work: WorkRecords) -> None:
    """Cases by when they were opened, and what happened in them; bounded by a sequence."""
    assert await work.opened("main", *DAY, through=12, limit=9) == ["CASE-1001", "CASE-1002"]
    assert await work.opened("main", *DAY, through=7, limit=9) == ["CASE-1001"]
    assert await work.opened("main", *DAY, through=12, limit=1) == ["CASE-1001"]
    assert await work.opened("main", DAY[1], DAY[1], through=12, limit=9) == []
    asked = ("conversation.assigned", "ticket.created")
    happened = await work.happened("main", ["CASE-1001"], asked, through=12)
    assert sorted(happened, key=str) == [
        ("CASE-1001", "conversation.assigned", "agent:a"),
        ("CASE-1001", "ticket.created", None),
    ]
    assert len(await work.happened("main", ["CASE-1001"], asked, through=3)) == 1
    assert await work.happened("main", ["CASE-1002"], asked, through=12) == []


async def test_what_figures_are_made_of(work: WorkRecords) -> None:
    """Acts in log order with who and whose, and the custody of cases; of one workspace."""
    acts = await work.acts(
        "main", ["conversation.assigned", "ticket.created"], *DAY, through=15, limit=9
    )
    told = [(act.seq, act.action, act.person, act.owner, act.case_id) for act in acts]
    assert told == [
        (3, "conversation.assigned", None, "agent:a", "CASE-1001"),
        (7, "ticket.created", "agent:a", None, "CASE-1001"),
    ]
    assert await work.acts("main", ["ticket.created"], *DAY, through=6, limit=9) == []
    assert len(await work.acts("main", ["ticket.created"], *DAY, through=15, limit=1)) == 1
    custody = await work.custody_of("main", ["CASE-1001", "CASE-1002", "CASE-9"])
    assert [(i.kind, i.holder, i.begins) for i in custody["CASE-1001"]] == [
        ("owner", "agent:a", START)
    ]
    assert set(custody) == {"CASE-1001", "CASE-1002"}
    assert await work.custody_of("main", []) == {}


@pytest.mark.parametrize("about", ["agent:a", "agent:b"])
async def test_reviews_of_others_are_left_out(mongo_db: Database, about: str) -> None:
    """A timeline and a search for one person hold the reviews of their own work."""
    await seed(mongo_db)
    extra = [
        record(16, "review.opened", case_id="CASE-1001", data={"about": "agent:a"}),
        record(17, "review.noted", case_id="CASE-1001", data={"about": "agent:a"}),
    ]
    await mongo_db["records"].insert_many(extra)
    kept = [16, 17] if about == "agent:a" else []
    memory = MemoryLog([*documents()["records"], *extra], [], [])
    for one in (memory, MongoLog(mongo_db)):
        theirs = Kinds(("review", "ticket"), reviews_of=about)
        assert await seqs(one.timeline("main", CASE, theirs, WHOLE)) == [7, 9, *kept]
        assert await seqs(one.timeline("main", CASE, Kinds(), WHOLE)) == [1, 2, 3, 4, 7, 9, 10]
        wanted = RecordFilter(case_id="CASE-1001", action="review", reviews_of=about)
        assert await seqs(one.records("main", wanted, WHOLE)) == kept


@pytest.fixture(params=["memory", "mongo"])
async def merged_log(request: pytest.FixtureRequest, mongo_db: Database) -> Log:
    """The log after the second case was merged into the first."""
    made = documents()
    link = record(
        16,
        "conversation.linked",
        conversation_id=OTHER_CV,
        case_id="CASE-1001",
        causation_id="e1",
        data={"linked_to": CV, "linked_case_id": "CASE-1001", "merged_case_id": "CASE-1002"},
    )
    cases = [
        {**case_document(), "merged_case_ids": ["CASE-1002"], "conversation_ids": [CV, OTHER_CV]},
        {**other_case_document(), "merged_into": "CASE-1001"},
    ]
    if request.param == "memory":
        return MemoryLog([*made["records"], link], cases, made["tickets"])
    await mongo_db["records"].insert_many([*made["records"], link])
    await mongo_db["cases"].insert_many(cases)
    await mongo_db["conversations"].insert_many(
        [{"_id": f"main:{CV}", "linked": [OTHER_CV]}, {"_id": f"main:{OTHER_CV}", "linked_to": CV}]
    )
    return MongoLog(mongo_db)


async def test_the_timeline_of_a_case_tells_what_was_merged_into_it(merged_log: Log) -> None:
    """Its own records, those of the other case, and of the episodes of both."""
    case = await merged_log.case("main", "CASE-1001")
    other = await merged_log.case("main", "CASE-1002")
    assert case is not None
    assert other is not None
    assert other.merged_into == "CASE-1001"
    assert case.merged_episodes == other.episodes
    whole = await seqs(merged_log.timeline("main", case.scope(), Kinds(), WHOLE))
    alone = await seqs(merged_log.timeline("main", other.scope(), Kinds(), WHOLE))
    assert alone
    assert set(alone) < set(whole)
    assert 16 in whole


async def test_which_conversations_are_led_as_one_is_known_from_each(merged_log: Log) -> None:
    """From the link's record: since when, and because of what."""
    for conversation_id, other in ((CV, OTHER_CV), (OTHER_CV, CV)):
        group = await merged_log.linked("main", conversation_id)
        assert group.of(conversation_id) == (conversation_id, other)
        at = START + timedelta(seconds=160)
        assert group.hears(CV, OTHER_CV, at, "e9")
        assert not group.hears(CV, OTHER_CV, at - timedelta(seconds=1), "e9")
        assert group.hears(CV, OTHER_CV, START, "e1")
    assert (await merged_log.linked(ELSEWHERE, CV)).of(CV) == (CV,)


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
    copies, causes = await log.beside("main", [1, 4], ["e1", "e7", "nothing"])
    assert dict(copies) == {4: 2}
    assert {name: (cause.seq, cause.action) for name, cause in causes.items()} == {
        "e1": (1, "message.received"),
        "e7": (7, "ticket.created"),
    }
    assert await log.beside(ELSEWHERE, [1], ["e1"]) == ({}, {})
    assert await log.beside("main", [4], []) == ({4: 2}, {})


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
    ("copies", "records", lambda: beside_pipeline("main", [1, 2], [])[0]["$match"], "_id"),
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
