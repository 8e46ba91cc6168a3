"""Aggregates made again from their events are the ones that made them, and go on as those do."""

import pytest
from casetrail_contracts import Event
from casetrail_runtime.mongo import Database
from casetrail_runtime.outbox import (
    FULL,
    KEPT,
    PLAIN,
    AggregateCollection,
    Aggregates,
    HistoryHole,
    ProcessedLog,
    RemadeAggregates,
)

from tests.support.aggregate_suite import CV_A, CV_B, State, step
from tests.support.events import assigned


def fold(state: State | None, event: Event) -> State:
    """The causes, in order."""
    before = [] if state is None else state["causes"]
    return {"causes": [*before, event.causationid]}


def remade(db: Database) -> RemadeAggregates[State]:
    """Of `db.conversations`."""
    return RemadeAggregates(db.conversations, db.processed, fold, PLAIN)


async def test_they_are_what_was_written_and_go_on(mongo_db: Database) -> None:
    """State, version and causes; the next write follows, a cause that acted does not again."""
    made = remade(mongo_db)
    for number in range(1, 4):
        await made.take(CV_A, assigned(f"c{number}", number))
    await made.take(CV_B, assigned("other", 1))
    await made.flush()
    store = AggregateCollection(mongo_db.conversations)
    found = await store.load(CV_A)
    assert found is not None
    assert (found.version, found.state) == (3, {"causes": ["c1", "c2", "c3"]})
    assert found.applied.keys() == {"c1", "c2", "c3"}
    aggregates = Aggregates(store, ProcessedLog(mongo_db.processed))
    again = await aggregates.handle(CV_A, "c2", step("c2"))
    assert (again.repeated, again.version) == (True, 2)
    assert again.result["status"] == "ok"
    following = await aggregates.handle(CV_A, "c4", step("c4"))
    assert (following.repeated, following.version) == (False, 4)


async def test_events_that_are_offered_again_change_nothing(mongo_db: Database) -> None:
    """Also by another process, which goes on where the one before was cut off."""
    history = [assigned(f"c{number}", number) for number in range(1, 6)]
    first = remade(mongo_db)
    for event in history[:3]:
        await first.take(CV_A, event)
    await first.flush()
    before = await mongo_db.conversations.find_one({"_id": CV_A})
    second = remade(mongo_db)
    for event in history[:3]:
        await second.take(CV_A, event)
    await second.flush()
    assert await mongo_db.conversations.find_one({"_id": CV_A}) == before
    for event in [*history, *history]:
        await second.take(CV_A, event)
    await second.flush()
    assert second.count == 2
    assert await second.state(CV_A) == {"causes": ["c1", "c2", "c3", "c4", "c5"]}
    assert await mongo_db.processed.count_documents({}) == 5


async def test_a_hole_in_the_history_is_told(mongo_db: Database) -> None:
    """Nothing is made of a log that is not whole."""
    made = remade(mongo_db)
    await made.take(CV_A, assigned("c1", 1))
    with pytest.raises(HistoryHole, match="goes on with version 3 after 1"):
        await made.take(CV_A, assigned("c3", 3))
    with pytest.raises(HistoryHole, match="goes on with version 2 after 0"):
        await made.take(CV_B, assigned("c2", 2))


async def test_the_newest_causes_are_in_the_document_and_all_in_the_log(
    mongo_db: Database,
) -> None:
    """As where they were made: the document forgets, the log does not."""
    made = remade(mongo_db)
    for number in range(1, FULL + 11):
        await made.take(CV_A, assigned(f"c{number}", number))
    await made.flush()
    found = await mongo_db.conversations.find_one({"_id": CV_A})
    assert found is not None
    assert [each["id"] for each in found["applied"]] == [
        f"c{n}" for n in range(FULL + 11 - KEPT, FULL + 11)
    ]
    store = AggregateCollection(mongo_db.conversations)
    old = await Aggregates(store, ProcessedLog(mongo_db.processed)).handle(CV_A, "c1", step("c1"))
    assert old.repeated
