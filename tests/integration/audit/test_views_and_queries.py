"""The views in MongoDB, and the reads the indexes are for."""

from typing import Any

import pytest
from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.rebuild import rebuild_views
from casetrail_audit.settings import AuditSettings
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from pymongo.errors import OperationFailure

from tests.integration.audit.publishing import mixture, plain, send_all, story_messages
from tests.integration.audit.replica import running
from tests.support.waiting import eventually
from tests.unit.audit.history import History, folded, records_of, story

WITH_LOOKS: dict[str, Any] = {"look": {"$in": [None, True]}}


def timeline(case: dict[str, Any]) -> dict[str, Any]:
    """The query of docs/adr/0009."""
    as_of = case["as_of_seq"]
    no_look = {"look": {"$exists": False}}
    return {
        "kind": "event",
        "workspace": case["workspace"],
        "_id": {"$lte": as_of},
        "$or": [
            {"case_id": case["case_id"], **no_look},
            *(
                {
                    "conversation_id": e["conversation_id"],
                    "case_id": None,
                    **no_look,
                    "_id": {
                        "$gte": e["from_seq"],
                        "$lte": as_of if e["to_seq"] is None else e["to_seq"],
                    },
                }
                for e in case["episodes"]
            ),
        ],
        "action": {"$not": {"$regex": r"^access\."}},
    }


def stages(plan: dict[str, Any]) -> set[str]:
    """The names of all stages of a query plan."""
    inner = [plan[k] for k in ("inputStage", "queryPlan") if k in plan] + plan.get(
        "inputStages", []
    )
    return {plan.get("stage", "")}.union(*(stages(child) for child in inner))


async def plan_of(db: Database, query: dict[str, Any]) -> set[str]:
    """The stages of the winning plan of a find in log order."""
    explained = await db.command(
        "explain", {"find": "records", "filter": query, "sort": {"_id": 1}, "limit": 50}
    )
    return stages(explained["queryPlanner"]["winningPlan"])


async def test_the_story_is_in_the_views_and_in_the_timeline(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """The views in MongoDB are those of the pure fold; the timeline begins with the message."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        views = await replica.views()
        assert set(views) == set(folded(records_of(story().events)))
        case = views[("cases", "main:CASE-1001")]
        shown = [r["action"] async for r in replica.db["records"].find(timeline(case)).sort("_id")]
        assert shown[0] == "message.received"
        assert shown[-1] == "conversation.closed"
        assert shown.count("message.received") == 2
        assert len(shown) == 13  # everything but the user, the shift and a look


async def test_the_views_equal_a_rebuild_from_zero(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """INVARIANT I6: folded in many small batches, rebuilt in large ones, the same documents."""
    settings = audit_settings.model_copy(update={"batch": 13})
    sent = mixture(1500, seed=11)
    async with running(settings) as replica:
        for start in range(0, 1500, 150):
            await send_all(publisher, sent[start : start + 150])
        await replica.complete(1500)
        views = await replica.views()
        assert len(views) > 100
        assert await replica.rebuilt_views() == views
        await replica.parts.follow.stop()
        await replica.db["cases"].delete_many({"status": "open"})
        assert await rebuild_views(settings) == 0
        assert await replica.views() == views
    assert "as of record 1500" in capsys.readouterr().out


async def test_a_clearing_that_was_cut_short_is_finished(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: killed while the views were emptied, they are whole again afterwards."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        views = await replica.views()
        await replica.db["projections"].update_one(
            {"_id": "views"}, {"$set": {"as_of_seq": 0, "clearing": True}}
        )
        await replica.db["cases"].delete_many({})
        await replica.complete(16)
        assert await replica.views() == views


async def test_a_batch_is_written_whole_or_not_at_all(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: views computed on an older state are refused as a whole."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        store = MongoViews(replica.client, replica.db)
        case = (await replica.views())[("cases", "main:CASE-1001")]
        forged = {("cases", "main:CASE-1001"): {**case, "owner": "agent:z"}}
        assert not await store.commit(15, 17, case["opened_at"], forged)  # type: ignore[arg-type]
        assert (await replica.views())[("cases", "main:CASE-1001")] == case
        assert await store.as_of() == 16


async def test_views_that_were_made_anew_are_other_views(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """As of the same record again: what a writer remembers of the ones before is not written."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        at = (await replica.views())[("cases", "main:CASE-1001")]["opened_at"]
        remembers, other = (MongoViews(replica.client, replica.db) for _ in range(2))
        assert await remembers.as_of() == 16
        await other.clear()

        async def folded_again() -> bool:
            return await other.as_of() == 16

        await eventually(folded_again)
        assert not await remembers.commit(16, 17, at, {})
        assert await remembers.as_of() == 16
        assert await remembers.commit(16, 17, at, {})


async def test_a_writer_that_died_within_a_batch_stops_nobody(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: its transaction stays open on the server; the next writer ends it at once."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        case = (await replica.views())[("cases", "main:CASE-1001")]
        batch = {("cases", "main:CASE-1001"): {**case, "owner": "agent:z"}}
        dead = MongoViews(replica.client, replica.db)
        session = await dead._own_session()
        session.start_transaction()
        await replica.db["projections"].update_one(
            {"_id": "views"}, {"$set": {"as_of_seq": 17}}, session=session
        )  # and here it was killed
        heir = MongoViews(replica.client, replica.db)
        assert await heir.commit(16, 17, case["opened_at"], batch)  # type: ignore[arg-type]
        assert (await replica.views())[("cases", "main:CASE-1001")]["owner"] == "agent:z"


async def test_a_leader_that_died_within_a_step_of_the_log_stops_nobody(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: its open transaction holds the book as well; the heir goes on at once."""
    await send_all(publisher, story_messages()[:10])
    async with running(audit_settings) as replica:
        await replica.complete(10)
        dead = MongoViews(replica.client, replica.db)
        session = await dead._own_session()
        session.start_transaction()
        for collection, its, moved in (
            ("projections", "views", {"as_of_seq": 11}),
            ("log", "SUPPORT", {"complete_through": 11}),
        ):
            change = {"$set": moved}
            await replica.db[collection].update_one({"_id": its}, change, session=session)
        await send_all(publisher, story_messages()[10:])  # and here it was killed
        await replica.complete(16, within=9)  # within the ten seconds of a socket
        book = await replica.db["log"].find_one({"_id": "SUPPORT"})
        assert book is not None
        assert book["events"] == 16
        assert await replica.views() == await replica.rebuilt_views()


async def test_the_log_goes_on_while_no_view_can_be_written(
    audit_settings: AuditSettings, publisher: StreamPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book advances alone and subscribers hear; the views follow once they can."""
    stuck = True
    commit = MongoViews.commit

    async def refused(self: MongoViews, *given: Any) -> bool:
        if stuck:
            raise OperationFailure("a view that cannot be written")
        return await commit(self, *given)

    monkeypatch.setattr(MongoViews, "commit", refused)
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:

        async def complete_without_views() -> bool:
            book = await replica.db["log"].find_one({"_id": "SUPPORT"})
            assert book is not None
            assert book["complete_through"] == 16
            return await replica.published() == 16

        await eventually(complete_without_views)
        assert await replica.views() == {}
        stuck = False
        await replica.complete(16)
        assert await replica.views() == await replica.rebuilt_views()


async def test_a_writer_that_was_taken_for_dead_goes_on(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I10: whose session was ended begins another; nothing is written twice or lost."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        case = (await replica.views())[("cases", "main:CASE-1001")]
        at = case["opened_at"]
        one, other = (MongoViews(replica.client, replica.db) for _ in range(2))
        assert await one.commit(16, 17, at, {})
        assert await other.commit(17, 18, at, {})
        assert not await one.commit(17, 19, at, {})
        assert await one.commit(18, 19, at, {})
        assert await other.commit(19, 20, at, {})
        assert await other.as_of() == 20


async def test_reads_walk_indexes_in_log_order(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """No read of a case, a ticket, a person or an id sorts, or looks at the whole log."""
    history = History()
    for n in range(40):
        history.opens(history.says(f"cv_{n}"), f"cv_{n}", f"CASE-{n}")
    await send_all(publisher, [plain(event) for event in history.events])
    async with running(audit_settings) as replica:
        await replica.complete(80)
        db = replica.db
        case = (await replica.views())[("cases", "main:CASE-7")]
        assert len([r async for r in db["records"].find(timeline(case))]) == 2
        for query in (
            timeline(case),
            {"case_id": "CASE-7", **WITH_LOOKS},
            {"ticket_id": "T-1", **WITH_LOOKS},
            {"conversation_id": "cv_3", **WITH_LOOKS},
            {"actor_ref": "service:routing", **WITH_LOOKS},
            {"action": "message.received"},
            {"target": "conversation/cv_3"},
            {"kind": "gap"},
            {"of": 3},
        ):
            found = await plan_of(db, query)
            assert "IXSCAN" in found, query
            assert not found & {"SORT", "COLLSCAN"}, (query, found)
        assert "COLLSCAN" not in await plan_of(db, {"event_id": history.events[3].id})


async def test_a_sequence_is_an_int64(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """A small sequence has the type a large one has."""
    await send_all(publisher, story_messages())
    async with running(audit_settings) as replica:
        await replica.complete(16)
        assert await replica.db["records"].count_documents({"_id": {"$type": "long"}}) == 16
