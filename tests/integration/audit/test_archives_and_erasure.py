"""INVARIANT I8: holds keep records where they are, and an erasure reaches the archives."""

import gzip
from pathlib import Path

from casetrail_audit.settings import AuditSettings
from casetrail_contracts import Actor, Command
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import Erase, PlaceHold, ScopeBody
from casetrail_evidence.cli import main as verify
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext

from tests.integration.audit.archives import (
    MESSAGES,
    RetainedLog,
    files_in,
    readers_are_done,
    retained,
    with_policy,
)
from tests.integration.audit.test_rebuild import Rebuild
from tests.integration.privacy.office import CV, OTHER_CV, messages, said
from tests.support.waiting import eventually

ADMIN = Actor(kind="admin", id="admin")


async def ask(log: RetainedLog, command: Command) -> None:
    """A command that must be taken."""
    reply = await CommandClient(log.replica.broker).send(command)
    assert reply.status == "ok", reply


async def test_a_hold_wins_and_an_erasure_reaches_the_file(
    audit_settings: AuditSettings,
    publisher: StreamPublisher,
    js: JetStreamContext,
    tmp_path: Path,
) -> None:
    """INVARIANT I8: held records stay; erased values are in no file, and all of it verifies."""
    settings = with_policy(audit_settings, tmp_path, MESSAGES)
    async with retained(settings) as log:
        ours = [said(n, f"zebra {n}") for n in range(1, 6)]
        theirs = [said(n, f"giraffe {n}", OTHER_CV, phone="15550001111") for n in (6, 7)]
        await publisher.publish_all([*ours, *theirs])
        await log.replica.complete(7)
        hold = {"id": derive_id("hold"), "workspace": "main", "actor": ADMIN}
        scope = ScopeBody(customer=OTHER_CV)
        await ask(log, PlaceHold(**hold, scope=scope, reason="a claim is open"))
        await readers_are_done(js)
        gone = await log.left(5)
        assert [record["_id"] for record in gone] == [1, 2, 3, 4, 5]
        held = await log.db["records"].find_one({"_id": 6})
        assert held is not None
        assert held["private"]["text"] == "giraffe 6"
        files = files_in(tmp_path / "archives")  # one, or more where recording took its time
        assert any(b"zebra 3" in gzip.decompress(file.read_bytes()) for file in files)

        erase = {"id": derive_id("erase"), "workspace": "main", "actor": ADMIN}
        scope = ScopeBody(customer=CV)
        await ask(log, Erase(**erase, scope=scope, policy="customer-request", reason="by letter"))

        async def done() -> bool:
            await readers_are_done(js)
            state = await log.db["erasures"].find_one({"state.status": "done"})
            assert state is not None
            return True

        await eventually(done, 60)
        assert not any(b"zebra" in gzip.decompress(file.read_bytes()) for file in files)
        assert not [seq for seq, data in await messages(js, "SUPPORT") if b"zebra" in data]
        assert not [record for record in await log.replica.records() if "zebra" in str(record)]
        again = await log.left(5)
        assert [record["_id"] for record in again] == [1, 2, 3, 4, 5]
        assert all(record["archived"]["fields"] == [] for record in again)
        assert all(record["erased"]["certified"] for record in again)
        key = str(settings.log_keys.signer.verifier)
        assert verify(["archive", *map(str, files), "--key", key]) == 0
        rewritten = await log.db["records"].find_one({"data.stage": "rewritten"})
        assert rewritten is not None
        assert rewritten["data"]["erasure_id"] is not None
        outcome = await Rebuild(settings, log.db).beside()
        assert (outcome.code, outcome.differences) == (0, [])
