"""MongoDB and the stream are put back to before a checkpoint: no size gets a second root.

Both forget alike, so nothing in them tells. What tells is the checkpoint that was kept in a file,
and what lets the log go on is another name.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from casetrail_audit.sealing import faults
from casetrail_audit.sealing.command import DONE, REFUSED, begin_anew
from casetrail_audit.sealing.kept_checkpoint import KeptCheckpoint
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.signing import LogKeys
from casetrail_audit.settings import AuditSettings
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import Database
from pydantic import SecretStr

from tests.support.sealing import KEYS, LOG, SealedDesk, record

SECOND = SignerKey("casetrail.local/support-2", bytes(range(1, 33)))
SECOND_KEYS = LogKeys(SECOND)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the newest checkpoint is kept."""
    return tmp_path / "kept.checkpoint"


async def restored(db: Database, copy: dict[str, list[dict[str, Any]]]) -> None:
    """The database as it was when it was copied."""
    for name in await db.list_collection_names():
        await db[name].delete_many({})
    for name, rows in copy.items():
        if rows:
            await db[name].insert_many(rows)


async def copied(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Every document of the database."""
    names = await db.list_collection_names()
    return {name: await db[name].find().to_list(None) for name in names}


async def lost(desk: SealedDesk, file: Path) -> str:
    """40 records sealed, a copy, 10 more sealed, the copy put back; the note that is kept."""
    seal = desk.sealer(kept=KeptCheckpoint(file))
    await desk.grow(40)
    assert await seal() is not None
    copy = await copied(desk.db)
    await desk.grow(10)
    head = await seal()
    assert head is not None
    assert head.size == 50
    await restored(desk.db, copy)
    del desk.leaves[40:]
    return head.checkpoint


async def rewritten(desk: SealedDesk, count: int) -> None:
    """As many records more, of other messages than those that were lost."""
    first = desk.first_seq + len(desk.leaves)
    body = b'{"specversion":"1.0","type":"x.y","id":"%d","private":null}'
    records = [record(seq, body % seq) for seq in range(first, first + count)]
    desk.leaves += [made["leaf"] for made in records]
    await desk.db["records"].insert_many(records)
    await desk.complete_through(first + count - 1)


def settings_of(given: AuditSettings, db: Database, file: Path, key: SignerKey) -> AuditSettings:
    """Settings of a replica over this database that signs with this key."""
    url = given.mongo_url.get_secret_value().partition("?")
    return given.model_copy(
        update={
            "mongo_url": SecretStr(f"{url[0].rpartition('/')[0]}/{db.name}{url[1]}{url[2]}"),
            "origin": None,
            "signing_key": SecretStr(key.secret_text()),
            "kept_checkpoint_file": file,
        }
    )


async def test_a_checkpoint_is_kept_before_it_is_shown(mongo_db: Database, file: Path) -> None:
    """A disk that takes nothing holds sealing up: nobody sees what could be signed otherwise."""
    desk = SealedDesk(mongo_db)
    await desk.grow(5)
    missing = KeptCheckpoint(file.parent / "no" / "folder" / "kept")
    with pytest.raises(OSError, match="No such file"):
        await desk.sealer(kept=missing)()
    assert await MongoSealedLog(mongo_db, LOG).head() is None
    head = await desk.sealer(kept=KeptCheckpoint(file))()
    assert head is not None
    assert await KeptCheckpoint(file).last() == head.checkpoint
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


async def test_a_smaller_checkpoint_never_takes_the_place_of_a_larger(file: Path) -> None:
    """A replica that is behind writes into the file that another shares with it."""
    kept = KeptCheckpoint(file)
    assert await kept.last() is None
    notes = {size: str(KEYS.sign(size, bytes([size]) * 32)) for size in (9, 10, 11)}
    for size in (10, 9, 11, 10):
        await kept.keep(notes[size])
    assert await kept.last() == notes[11]
    other = str(SECOND_KEYS.sign(3, bytes(32)))
    await kept.keep(other)
    assert await kept.last() == other


async def test_what_was_signed_is_not_signed_otherwise_after_a_restore(
    mongo_db: Database, file: Path
) -> None:
    """INVARIANT I7: nothing is signed until the log is as long, and then nothing at all."""
    desk = SealedDesk(mongo_db)
    note = await lost(desk, file)
    seal = desk.sealer(kept=KeptCheckpoint(file))
    assert await seal.remember(None) == 0
    await rewritten(desk, 5)
    with pytest.raises(faults.Behind, match="50 leaves was published, and the log is complete"):
        await seal()
    await rewritten(desk, 10)
    with pytest.raises(faults.RootsDiffer, match="history was rewritten"):
        await seal()
    assert [row["_id"] for row in await desk.checkpoints()] == [40]
    assert await KeptCheckpoint(file).last() == note


async def test_the_lost_records_put_back_let_it_go_on(mongo_db: Database, file: Path) -> None:
    """What was restored was only late: with the same records the same tree is signed on."""
    desk = SealedDesk(mongo_db)
    note = await lost(desk, file)
    seal = desk.sealer(kept=KeptCheckpoint(file))
    await seal.remember(None)
    await desk.grow(12)
    head = await seal()
    assert head is not None
    assert head.checkpoint == note
    head = await seal()
    assert head is not None
    assert (head.size, head.root) == (52, desk.root())


@pytest.mark.parametrize("text", ["", "no note", "casetrail.local/support\n50\n"])
async def test_a_file_that_holds_no_checkpoint_stops_the_sealer(
    mongo_db: Database, file: Path, text: str
) -> None:
    """Somebody wrote into it: that is looked at, not passed over."""
    desk = SealedDesk(mongo_db)
    await desk.grow(5)
    await asyncio.to_thread(file.write_text, text)
    with pytest.raises(faults.CheckpointAltered, match="AUDIT_KEPT_CHECKPOINT_FILE is not one of"):
        await desk.sealer(kept=KeptCheckpoint(file)).remember(None)


async def test_the_log_goes_on_under_another_name(
    mongo_db: Database,
    file: Path,
    audit_settings: AuditSettings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """INVARIANT I7: the name of before signs no more; what it signed is kept, with why."""
    desk = SealedDesk(mongo_db)
    note = await lost(desk, file)
    await rewritten(desk, 20)
    same, new = (settings_of(audit_settings, mongo_db, file, key) for key in (KEYS.signer, SECOND))
    because = ["--because", "the region was lost"]
    assert await begin_anew(same, because) == REFUSED
    assert "set AUDIT_ORIGIN" in capsys.readouterr().out
    assert await begin_anew(new, because) == DONE
    assert "put aside with its head of 40 records" in capsys.readouterr().out

    seal = desk.sealer(SECOND_KEYS, kept=KeptCheckpoint(file))
    assert await seal.remember(note) == 0
    head = await seal()
    assert head is not None
    assert (head.size, head.root) == (60, desk.root())
    opened = open_checkpoint(head.checkpoint, [SECOND.verifier], origin=SECOND.name)
    assert opened.checkpoint.size == 60
    assert await KeptCheckpoint(file).last() == head.checkpoint
    (kept,) = await mongo_db["earlier_logs"].find().to_list(None)
    assert (kept["_id"], kept["goes_on_as"]) == (KEYS.origin, SECOND.name)
    assert (kept["because"], kept["kept"]) == ("the region was lost", note)
    assert kept["keys"][0]["key"] == str(KEYS.signer.verifier)
    assert await mongo_db[kept["checkpoints"]].count_documents({"_id": 40}) == 1

    with pytest.raises(faults.PutAside, match="Set AUDIT_ORIGIN"):
        await desk.sealer(kept=KeptCheckpoint(file))()
    assert await begin_anew(same, because) == REFUSED
    assert "was put aside before; choose a name that is new" in capsys.readouterr().out


async def test_a_command_that_was_killed_is_finished_by_the_next(
    mongo_db: Database, file: Path, audit_settings: AuditSettings
) -> None:
    """Noted and not yet put aside: the same again does the rest, with the reason of the first."""
    desk = SealedDesk(mongo_db)
    await lost(desk, file)
    new = settings_of(audit_settings, mongo_db, file, SECOND)
    assert await begin_anew(new, ["--because", "first"]) == DONE
    await mongo_db["earlier_logs"].update_one({}, {"$set": {"done": False}})
    await mongo_db["tiles"].insert_one({"_id": "left", "width": 1, "data": b""})
    assert await begin_anew(new, ["--because", "second"]) == DONE
    assert await mongo_db["tiles"].count_documents({}) == 0
    (kept,) = await mongo_db["earlier_logs"].find().to_list(None)
    assert (kept["because"], kept["done"]) == ("first", True)
    assert await desk.sealer(SECOND_KEYS)() is not None


async def test_nothing_is_put_aside_while_somebody_seals(
    mongo_db: Database,
    file: Path,
    audit_settings: AuditSettings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command says whom to stop, and changes nothing."""
    monkeypatch.setattr("casetrail_audit.sealing.command._PATIENCE", 0.2)
    desk = SealedDesk(mongo_db)
    await lost(desk, file)
    before = await copied(mongo_db)
    turn = Lease(mongo_db["leases"], "sealer", "another", 60)
    assert await turn.acquire()
    new = settings_of(audit_settings, mongo_db, file, SECOND)
    assert await begin_anew(new, ["--because", "x"]) == REFUSED
    assert "Stop all of them" in capsys.readouterr().out
    assert {k: v for k, v in (await copied(mongo_db)).items() if k in before} == before
