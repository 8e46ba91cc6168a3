"""INVARIANT I6, I7: records leave by policy, and the log stands as if they had not."""

from pathlib import Path

import pytest
from casetrail_audit.sealing.faults import SealingRefused
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.recheck import RecheckRecords
from casetrail_audit.settings import AuditSettings
from casetrail_evidence.cli import main as verify
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext

from tests.integration.audit.archives import (
    EVERYTHING,
    MESSAGES,
    files_in,
    readers_are_done,
    retained,
    with_policy,
)
from tests.integration.audit.publishing import Published, mixture, plain, send_all
from tests.integration.audit.test_rebuild import Rebuild
from tests.support.waiting import eventually
from tests.unit.audit.history import History


async def test_records_leave_and_the_log_stands(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    js: JetStreamContext,
    tmp_path: Path,
) -> None:
    """INVARIANT I6: archives verify, views and tree stand, a rebuild from both is the same log."""
    sent = mixture(160, seed=7)
    await send_all(publisher, sent)
    await js.delete_msg("SUPPORT", 17)
    await readers_are_done(js)
    settings = with_policy(audit_settings, tmp_path, EVERYTHING, archive_records=60)
    async with retained(settings) as log:
        await log.replica.complete(160, within=60)
        before = await log.replica.views()
        gone = await log.left(160)
        assert {record["kind"] for record in gone} == {"event", "duplicate", "poison", "gap"}
        assert all(record["leaf_input"] is None is record["private"] for record in gone)
        files = files_in(tmp_path / "archives")
        assert len(files) > 2
        key = str(settings.log_keys.signer.verifier)
        assert verify(["archive", *map(str, files), "--key", key]) == 0
        told = {record["archived"]["by"] for record in gone}
        by = await log.db["records"].find({"_id": {"$in": list(told)}}).to_list(None)
        assert {record["action"] for record in by} == {"retention.archived"}
        assert sum(record["data"]["count"] for record in by) == len(gone)
        state = (await js.stream_info("SUPPORT")).state
        assert state.messages == state.last_seq - len(gone)
        await _recheck_all(log.db)
        assert await log.replica.views() == before
        rebuild = Rebuild(settings, log.db)
        outcome = await rebuild.beside()
        assert (outcome.code, outcome.differences) == (0, [])
        stubs = {"archived.file": {"$gt": ""}}
        assert await rebuild.shadow["records"].find(stubs).sort("_id", 1).to_list(None) == gone


async def test_a_copy_of_an_archived_event_is_known_as_one(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    js: JetStreamContext,
    tmp_path: Path,
) -> None:
    """INVARIANT I3: an event that comes again after its record left is a duplicate, not another."""
    history = History()
    first = history.says("cv_1")
    await send_all(publisher, [plain(first)])
    await readers_are_done(js)
    async with retained(with_policy(audit_settings, tmp_path, MESSAGES)) as log:
        await log.left(1)
        changed = first.model_copy(update={"source": "casetrail/other"})
        copy = Published(first.nats_subject, changed.to_bytes(), "again")
        await send_all(publisher, [copy])
        seq = (await js.stream_info("SUPPORT")).state.last_seq

        async def check() -> bool:
            record = await log.db["records"].find_one({"_id": seq, "provisional": None})
            assert record is not None
            assert (record["kind"], record["of"], record["differs"]) == ("duplicate", 1, ["source"])
            return True

        await eventually(check, 30)


async def test_what_is_called_archived_and_is_not_is_caught(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    js: JetStreamContext,
    tmp_path: Path,
) -> None:
    """INVARIANT I7: a record without content that no event in the log accounts for is named."""
    await send_all(publisher, mixture(60, seed=8))
    await readers_are_done(js)
    async with retained(with_policy(audit_settings, tmp_path, MESSAGES)) as log:
        await log.replica.complete(60)
        gone = await log.left(1)
        other = await log.db["records"].find_one({"action": "conversation.opened"})
        assert other is not None
        empty = {"archived": gone[0]["archived"], "leaf_input": None, "data": None}
        await log.db["records"].update_one({"_id": other["_id"]}, {"$set": empty})
        with pytest.raises(SealingRefused, match=f"Record {other['_id']} is marked as archived"):
            await _recheck_all(log.db)


async def test_a_rebuild_without_the_archives_says_which_it_needs(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    js: JetStreamContext,
    tmp_path: Path,
) -> None:
    """INVARIANT I6: what is archived never becomes a gap because a file is not at hand."""
    await send_all(publisher, mixture(40, seed=9))
    await readers_are_done(js)
    settings = with_policy(audit_settings, tmp_path, EVERYTHING)
    async with retained(settings) as log:
        await log.replica.complete(40)
        await log.left(40)
        rebuild = Rebuild(settings, log.db)
        hidden = tmp_path / "elsewhere"
        (tmp_path / "archives").rename(hidden)
        outcome = await rebuild.beside()
        assert outcome.code == 2
        assert "cannot be read in" in outcome.sentences[-1]
        assert await rebuild.shadow["records"].find_one({"kind": "gap"}) is None
        hidden.rename(tmp_path / "archives")
        outcome = await rebuild.beside()
        assert (outcome.code, outcome.differences) == (0, [])


async def _recheck_all(db: object) -> None:
    """Every sealed record compared with the tree, as the sealer does over and over."""
    store = MongoSealedLog(db, "SUPPORT")  # type: ignore[arg-type]
    head = await store.head()
    assert head is not None
    recheck = RecheckRecords(store, "SUPPORT", pace=head.size)
    await recheck(head)
