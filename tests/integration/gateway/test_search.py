"""Searching a log that audit wrote: words, customers, erasure and rebuild, on real servers."""

from typing import Any

import pytest
from casetrail_audit.searching.entries import entry_change
from casetrail_audit.searching.mongo_entries import SEARCH_INDEXES, SEARCHABLE, MongoSearchable
from casetrail_audit.searching.running import follow
from casetrail_gateway.adapters import mongo_search
from casetrail_gateway.adapters.mongo_search import MongoCustomers, MongoWords
from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.log import Hit, Page, RecordFilter
from casetrail_gateway.domain.search import Words, records_asked
from casetrail_runtime.mongo import Database, ensure_indexes
from pydantic import SecretStr

from tests.integration.gateway.test_log import seed
from tests.unit.gateway.story import CV, PHONE, record
from tests.unit.gateway.world import KEY


async def indexed(db: Database) -> MongoSearchable:
    """The story, and its view of words."""
    await seed(db)
    await ensure_indexes(db, SEARCH_INDEXES)
    searchable = MongoSearchable(db, KEY)
    assert await follow(searchable, 15) == 15
    return searchable


async def seqs(db: Database, line: str, **page: Any) -> list[int]:
    """The sequences of what a line finds."""
    words = records_asked(line, RecordFilter()).words
    found = await MongoWords(db).hits("main", words, RecordFilter(), Page(50, "desc", **page))
    return [hit.seq for hit in found]


async def test_words_are_found_in_mongodb(mongo_db: Database) -> None:
    """Words, phrases and beginnings, the rarest by its index; other workspaces do not exist."""
    await indexed(mongo_db)
    await mongo_db["records"].insert_many(
        [
            record(20, "message.received", private={"text": "parcel aya"}),
            record(21, "message.received", private={"text": "parcel kahan"}, workspace="elsewhere"),
            record(22, "access.searched", private={"text": "parcel"}),
            {**record(23, "message.received", kind="duplicate"), "event_id": None},
        ]
    )
    assert await follow(MongoSearchable(mongo_db, KEY), 25) == 25
    assert await seqs(mongo_db, "parcel") == [20, 7, 1]
    assert await seqs(mongo_db, "Parsel NAHIN") == [1]
    assert await seqs(mongo_db, '"nahi aaya"') == [1]
    assert await seqs(mongo_db, '"aya nahi"') == []
    assert await seqs(mongo_db, "parc* nev*") == [7]
    assert await seqs(mongo_db, "parcel", after=20) == [7, 1]
    narrowed = RecordFilter(case_id="CASE-1001")
    words = Words(("parcel",))
    found = await MongoWords(mongo_db).hits("main", words, narrowed, Page(50, "desc"))
    assert found == [Hit(7, CV, "CASE-1001")]
    assert await MongoWords(mongo_db).as_of() == 25


async def test_of_frequent_words_the_rarer_leads(
    mongo_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more is counted than is worth it, the newest stretch of the log tells them apart."""
    await indexed(mongo_db)
    texts = ["koi jawab"] * 6 + ["koi aya", "koi aya"]
    made = [
        record(seq, "message.received", private={"text": text})
        for seq, text in enumerate(texts, 20)
    ]
    await mongo_db["records"].insert_many(made)
    assert await follow(MongoSearchable(mongo_db, KEY), 27) == 27
    monkeypatch.setattr(mongo_search, "_COUNTED", 2)
    monkeypatch.setattr(mongo_search, "_NEWEST", 8)
    words = MongoWords(mongo_db)
    for line in ("koi aya", "aya koi"):
        asked = records_asked(line, RecordFilter()).words
        first, *_ = await words._rarest_first("main", mongo_search._conditions(asked))
        (aya,) = records_asked("aya", RecordFilter()).words.terms
        assert first == {"$eq": aya}
    assert await seqs(mongo_db, "koi aya") == [27, 26]


async def test_words_of_some_conversations_are_read_from_theirs(mongo_db: Database) -> None:
    """However frequent a word is: only the entries of these conversations are looked at."""
    words, within = Words(("koi",)), RecordFilter(conversation_ids=("cv_x", "cv_y"))
    page = Page(50, "asc", 30, 60)
    assert await MongoWords(mongo_db).hits("main", words, within, page) == []
    await indexed(mongo_db)
    made = [
        {
            **record(seq, "message.received", private={"text": "koi jawab"}),
            "conversation_id": ("cv_x", "cv_y", "cv_z", "cv_z")[seq % 4],
            "case_id": None,
        }
        for seq in range(20, 80)
    ]
    await mongo_db["records"].insert_many(made)
    assert await follow(MongoSearchable(mongo_db, KEY), 79) == 79
    await mongo_db.command("profile", 2)
    found = await MongoWords(mongo_db).hits("main", words, within, page)
    await mongo_db.command("profile", 0)
    assert [hit.seq for hit in found] == [s for s in range(31, 61) if s % 4 in {0, 1}]
    asked = {"ns": f"{mongo_db.name}.{SEARCHABLE}", "op": "command"}
    (query,) = await mongo_db["system.profile"].find(asked).to_list(None)
    assert query["docsExamined"] == len(found)
    assert "SORT_MERGE" in query["planSummary"] or "IXSCAN { conversation_id: 1" in str(query)


async def test_a_search_goes_by_its_index(mongo_db: Database) -> None:
    """No collection scan and no sort in memory for a word, an alias, or a word in a case."""
    await indexed(mongo_db)
    for query in (
        {"workspace": {"$eq": "main"}, "terms": {"$eq": "parcel"}},
        {
            "workspace": {"$eq": "main"},
            "terms": {"$eq": "parcel nahi"},
            "$and": [{"terms": {"$eq": "parcel"}}],
        },
    ):
        plan = await mongo_db[SEARCHABLE].find(query).sort("_id", -1).explain()
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
        assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])


async def test_customers_are_found_without_their_number_in_the_index(mongo_db: Database) -> None:
    """INVARIANT I8: a keyed alias finds them; the number stands nowhere in the view."""
    await indexed(mongo_db)
    customers = MongoCustomers(mongo_db, SecretStr(KEY.decode()))
    assert await customers.conversations("main", CustomerKey("phone", PHONE)) == [CV]
    assert await customers.conversations("elsewhere", CustomerKey("phone", PHONE)) == []
    contact = await customers.contact("main", CV)
    assert contact is not None
    assert (contact.phone, contact.name) == (PHONE, "Sana")
    entries = str(await mongo_db[SEARCHABLE].find().to_list(None))
    assert PHONE not in entries
    assert PHONE[-4:] not in entries


async def test_what_is_erased_cannot_be_found(mongo_db: Database) -> None:
    """INVARIANT I8: an entry made while its record was erased goes again, whichever came first."""
    searchable = await indexed(mongo_db)
    await mongo_db["records"].update_one({"_id": 1}, {"$set": {"private": None}})
    await mongo_db["projections"].update_one({"_id": "searchable"}, {"$set": {"as_of_seq": 0}})
    await follow(searchable, 15)
    assert await seqs(mongo_db, "nahi") == []
    assert await mongo_db[SEARCHABLE].find_one({"_id": 1}) is None


async def test_indexing_again_makes_the_same(mongo_db: Database) -> None:
    """INVARIANT I6: the view is a function of the records: made anew it is what it was."""
    searchable = await indexed(mongo_db)
    before = await mongo_db[SEARCHABLE].find().sort("_id", 1).to_list(None)
    await mongo_db[SEARCHABLE].delete_many({})
    await mongo_db["projections"].delete_one({"_id": "searchable"})
    await follow(searchable, 15)
    assert before
    assert await mongo_db[SEARCHABLE].find().sort("_id", 1).to_list(None) == before


async def test_what_is_left_of_a_record_can_be_found(mongo_db: Database) -> None:
    """INVARIANT I8: a record that lost its name and number is found by its words, not by those."""
    assert entry_change(None, ["text"]) is None
    left = {"text": "parcel nahi aya", "salt": "x"}
    change = entry_change(left, ["phone", "name"])
    assert change is not None
    assert change["aliases"] == []
    searchable = await indexed(mongo_db)
    mark = {"erasure_id": "er_1", "fields": ["name", "phone"]}
    erased = {"$set": {"erased": mark}, "$unset": {"private.phone": 1, "private.name": 1}}
    await mongo_db["records"].update_one({"_id": 1}, erased)
    await mongo_db["projections"].delete_one({"_id": "searchable"})
    await follow(searchable, 15)
    assert await seqs(mongo_db, "nahi") == [1]
    customers = MongoCustomers(mongo_db, SecretStr(KEY.decode()))
    assert await customers.conversations("main", CustomerKey("phone", PHONE)) == []
