"""What the stream has lost is named, never passed over."""

import json
from typing import Any

import pytest
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import CannotBegin
from casetrail_audit.use_cases.find_missing import BEFORE_FIRST, NOT_THERE
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.streams import SUPPORT, apply_all
from casetrail_runtime.streams.specs import DURABLES
from nats.js import JetStreamContext

from tests.integration.audit.conftest import WITH_EXTRA
from tests.integration.audit.publishing import plain, send_all
from tests.integration.audit.replica import Replica, running, told
from tests.support.waiting import eventually
from tests.unit.audit.history import History


async def publish(publisher: StreamPublisher, count: int) -> History:
    """As many messages of one conversation."""
    history = History()
    await send_all(publisher, [plain(history.says()) for _ in range(count)])
    return history


async def test_a_deleted_message_becomes_a_gap(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I1: every sequence has a record, also one the stream no longer has."""
    await publish(publisher, 20)
    for seq in (5, 6, 20):  # 20 is the last: nothing above it tells that it is missing
        await js.delete_msg("SUPPORT", seq)
    async with running(audit_settings) as replica:
        await replica.complete(20)
        records = await replica.records()
        gaps = {r["_id"]: r["problem"] for r in records if r["kind"] == "gap"}
        assert gaps == dict.fromkeys((5, 6, 20), NOT_THERE)
        leaf = json.loads(records[4]["leaf_input"])
        assert (leaf["kind"], leaf["seq"], leaf["reason"]) == ("gap", 5, NOT_THERE)
        book: dict[str, Any] = await replica.db["log"].find_one() or {}
        assert (book["events"], book["gaps"], book["complete_through"]) == (17, 3, 20)
    assert [(h.seq, h.kind) for h in await told(js)][4:7] == [(5, "gap"), (6, "gap"), (7, "event")]


async def test_a_message_that_was_acked_and_is_not_recorded_is_fetched(
    audit_settings: AuditSettings, publisher: StreamPublisher
) -> None:
    """INVARIANT I1: whatever the consumer believes, the stream is asked before a gap is named."""
    await publish(publisher, 30)
    async with running(audit_settings, follow=False) as replica:

        async def recorded() -> bool:
            return bool(await replica.db["records"].count_documents({}) == 30)

        await eventually(recorded, within=20)
        before = await replica.records()
        await replica.db["records"].delete_many({"_id": {"$in": [3, 4, 30]}})
        await replica.parts.follow.start()
        await replica.complete(30)
        assert await replica.records() == before


async def test_a_retention_gap_stops_the_start(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I1: messages lost before they were recorded are a person's decision."""
    await publish(publisher, 10)
    async with running(audit_settings) as replica:
        await replica.complete(10)
    await publish_more(publisher, 10)
    for seq in range(1, 16):
        await js.delete_msg("SUPPORT", seq)
    replica = Replica(audit_settings)
    with pytest.raises(CannotBegin) as refusal:
        await replica.prepare()
    assert "SUPPORT begins at 16" in str(refusal.value)
    assert "complete only through 10: from 11 on" in str(refusal.value)
    assert "AUDIT_RECORD_MISSING_AS_GAPS=true" in str(refusal.value)
    await replica.stop()
    decided = audit_settings.model_copy(update={"record_missing_as_gaps": True})
    async with running(decided) as replica:
        await replica.complete(20)
        gaps = {r["_id"]: r["problem"] for r in await replica.records() if r["kind"] == "gap"}
        assert gaps == dict.fromkeys(range(11, 16), BEFORE_FIRST)
    async with running(audit_settings) as replica:  # once recorded, nothing is missing
        await replica.complete(20)


async def publish_more(publisher: StreamPublisher, count: int) -> None:
    """As many messages of another conversation."""
    history = History(workspace="other")
    await send_all(publisher, [plain(history.says()) for _ in range(count)])


async def test_a_stream_that_was_made_again_is_noticed_at_the_start(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I7: another stream's messages are never taken for records that are there."""
    await publish(publisher, 10)
    async with running(audit_settings) as replica:
        await replica.complete(10)
    await js.delete_stream("SUPPORT")
    await apply_all(js, WITH_EXTRA, DURABLES)
    replica = Replica(audit_settings)
    with pytest.raises(CannotBegin, match="log has record 10, but the stream SUPPORT ends at 0"):
        await replica.prepare()
    await publish_more(publisher, 12)
    with pytest.raises(CannotBegin, match="this is another stream"):
        await replica.prepare()
    await replica.stop()


async def test_a_stream_that_was_made_again_is_noticed_while_running(
    audit_settings: AuditSettings, publisher: StreamPublisher, js: JetStreamContext
) -> None:
    """INVARIANT I7: a message under a sequence that is taken stops the log and says so."""
    await publish(publisher, 10)
    async with running(audit_settings) as replica:
        await replica.complete(10)
        before = await replica.records()
        await js.delete_stream("SUPPORT")
        await apply_all(js, WITH_EXTRA, DURABLES)
        await publish_more(publisher, 3)
        await eventually(lambda: replica.parts.follow.forked is not None, within=20)
        with pytest.raises(RuntimeError, match="is of another message than the stream SUPPORT"):
            await replica.parts.follow.ping()
        assert await replica.records() == before


async def test_an_extra_subject_the_stream_does_not_take_stops_the_start(
    audit_settings: AuditSettings,
) -> None:
    """A subject that would silently not be recorded is named, with what to do."""
    asked = audit_settings.model_copy(update={"extra_subjects": ["erp.>", "crm.>"]})
    replica = Replica(asked)
    with pytest.raises(CannotBegin) as refusal:
        await replica.prepare()
    assert f"crm.>, which the stream {SUPPORT.name} does not take" in str(refusal.value)
    assert "--extra-subjects crm.>" in str(refusal.value)
    await replica.stop()
