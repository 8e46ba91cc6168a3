"""INVARIANT I7 at the sealer: each attack on what is stored stops it, with its own sentence."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from casetrail_audit.sealing import faults
from casetrail_audit.sealing.faults import SealingRefused
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.recheck import RecheckRecords
from casetrail_audit.sealing.signing import LogKeys
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.merkle import CompactRange
from casetrail_runtime.mongo import Database

from tests.support.sealing import KEYS, LOG, SIGNER, PausedBefore, SealedDesk, envelope, record

Attack = Callable[[Database], Awaitable[object]]


@pytest.fixture
async def desk(mongo_db: Database) -> SealedDesk:
    """A log of 300 sealed records, and 20 more that are complete and not sealed yet."""
    desk = SealedDesk(mongo_db)
    await desk.grow(300)
    await desk.sealer()()
    await desk.grow(20)
    return desk


def edit(collection: str, id_: Any, **fields: Any) -> Attack:
    """An attacker with write access changes a document."""

    async def attack(db: Database) -> None:
        done = await db[collection].update_one({"_id": id_}, {"$set": fields})
        assert done.modified_count == 1

    return attack


def delete(collection: str, id_: Any) -> Attack:
    """An attacker with write access removes a document."""

    async def attack(db: Database) -> None:
        assert (await db[collection].delete_one({"_id": id_})).deleted_count == 1

    return attack


async def swap_records(db: Database) -> None:
    """Two records change places, leaf and all."""
    first, second = [await db["records"].find_one_and_delete({"_id": seq}) for seq in (310, 311)]
    assert first is not None
    assert second is not None
    await db["records"].insert_many([{**first, "_id": 311}, {**second, "_id": 310}])


async def edit_record_with_its_leaf(db: Database) -> None:
    """A record is edited and its leaf computed again, but the fields beside it are forgotten."""
    forged = record(9999)
    text = forged["leaf_input"].replace('"seq":9999', '"seq":310')
    leaf = record(310)["leaf"]
    await db["records"].update_one({"_id": 310}, {"$set": {"leaf_input": text, "leaf": leaf}})


async def edit_tile(db: Database) -> None:
    """One bit of the last tile of the tree."""
    tile = await db["tiles"].find_one({"_id": "0/1"})
    assert tile is not None
    data = bytearray(tile["data"])
    data[40] ^= 1
    await db["tiles"].update_one({"_id": "0/1"}, {"$set": {"data": bytes(data)}})


async def truncate(db: Database) -> None:
    """The end of the log is cut off, everywhere in the database that says so."""
    await db["records"].delete_many({"_id": {"$gt": 250}})
    await db["log"].update_one({"_id": "SUPPORT"}, {"$set": {"complete_through": 250}})


async def truncate_with_checkpoints(db: Database) -> None:
    """The same, and the checkpoint is deleted with it, but the head is forgotten."""
    await truncate(db)
    await db["checkpoints"].delete_many({"_id": {"$gt": 250}})


async def replace_record(db: Database) -> None:
    """Another record that is whole in itself."""
    await db["records"].replace_one({"_id": 10}, _rewritten(10))


async def flip_full_tile(db: Database) -> None:
    """One bit of a tile that is full."""
    tile = await db["tiles"].find_one({"_id": "0/0"})
    assert tile is not None
    data = bytearray(tile["data"])
    data[40] ^= 1
    await db["tiles"].update_one({"_id": "0/0"}, {"$set": {"data": bytes(data)}})


def note_of(keys: LogKeys, size: int, root: bytes) -> str:
    """A checkpoint signed by these keys."""
    return str(keys.sign(size, root))


FOREIGN = LogKeys(SignerKey(SIGNER.name, bytes(32)))

ATTACKS: list[tuple[str, Attack, type[SealingRefused], str]] = [
    (
        "edit a leaf input",
        edit("records", 310, leaf_input=record(310)["leaf_input"].replace("agent:310", "agent:1")),
        faults.RecordAltered,
        "Record 310 does not hash to its leaf",
    ),
    (
        "edit a leaf",
        edit("records", 310, leaf=bytes(32)),
        faults.RecordAltered,
        "Record 310 does not hash to its leaf",
    ),
    (
        "edit a leaf input and take another leaf",
        edit_record_with_its_leaf,
        faults.RecordAltered,
        "Record 310 does not hash to its leaf",
    ),
    ("delete a record", delete("records", 310), faults.RecordMissing, "Record 310 is gone"),
    ("delete the last", delete("records", 320), faults.RecordMissing, "Record 320 is gone"),
    ("swap two records", swap_records, faults.RecordMisplaced, "Under sequence 310"),
    ("edit a tile", edit_tile, faults.TreeAltered, "tiles of the tree of 300 leaves"),
    ("delete a tile", delete("tiles", "0/1"), faults.TileAltered, "not whole"),
    (
        "edit a root",
        edit("checkpoints", 300, root="00" * 32),
        faults.TreeAltered,
        "its checkpoint says 0000",
    ),
    (
        "damage a root",
        edit("checkpoints", 300, root="zz"),
        faults.CheckpointAltered,
        "is damaged",
    ),
    (
        "sign with a forged key",
        edit("checkpoints", 300, note=note_of(FOREIGN, 300, bytes(32))),
        faults.CheckpointAltered,
        "not one of this log: No signature is by a key that is trusted",
    ),
    (
        "take the note of another size",
        edit("checkpoints", 300, note=note_of(KEYS, 299, bytes(32))),
        faults.CheckpointAltered,
        "is not the one that was signed",
    ),
    (
        "edit the head",
        edit("tree", "head", root="00" * 32),
        faults.CheckpointAltered,
        "is not the one that was signed",
    ),
    (
        "put the head forward",
        edit("tree", "head", size=310),
        faults.LogShrank,
        "head is of 310 leaves, but its checkpoint is gone",
    ),
    ("damage the head", edit("tree", "head", root=7), faults.CheckpointAltered, "head .* damaged"),
    ("truncate", truncate, faults.LogShrank, "has 250 records, but a checkpoint of 300"),
    (
        "truncate with the checkpoints",
        truncate_with_checkpoints,
        faults.LogShrank,
        "head is of 300 leaves, but its checkpoint is gone",
    ),
]


@pytest.mark.parametrize(
    ("attack", "fault", "said"),
    [attack[1:] for attack in ATTACKS],
    ids=[attack[0] for attack in ATTACKS],
)
async def test_an_attack_on_the_database_stops_the_sealer(
    desk: SealedDesk, attack: Attack, fault: type[SealingRefused], said: str
) -> None:
    """INVARIANT I7: the sealer signs nothing, and says which attack it was."""
    await attack(desk.db)
    before = await desk.db["checkpoints"].count_documents({})
    head = await desk.db["tree"].find_one({"_id": "head"})
    for _ in range(2):
        with pytest.raises(fault, match=said):
            await desk.sealer()()
    assert await desk.db["checkpoints"].count_documents({}) == before
    assert await desk.db["tree"].find_one({"_id": "head"}) == head


SEALED_ATTACKS: list[tuple[str, Attack, type[SealingRefused], str]] = [
    (
        "edit a field",
        edit("records", 10, actor={"kind": "agent", "id": "b"}),
        faults.RecordDiffers,
        "Field 'actor' of record 10",
    ),
    (
        "edit a field of a new one",
        edit("records", 310, actor_ref="agent:b"),
        faults.RecordDiffers,
        "Field 'actor_ref' of record 310",
    ),
    (
        "mark a record as a look, which timelines leave out",
        edit("records", 10, look=True),
        faults.RecordDiffers,
        "Field 'look' of record 10",
    ),
    (
        "edit the data",
        edit("records", 10, **{"data.reason": "no reason"}),
        faults.RecordDiffers,
        "Field 'data' of record 10",
    ),
    (
        "edit a leaf input",
        edit("records", 10, leaf_input=record(10)["leaf_input"].replace("agent:10", "agent:1")),
        faults.RecordAltered,
        "Record 10 does not hash to its leaf",
    ),
    ("delete a record", delete("records", 10), faults.RecordMissing, "Record 10 is gone"),
    ("swap two records", swap_records, faults.RecordMisplaced, "Under sequence 310"),
    (
        "replace a record",
        replace_record,
        faults.RecordAltered,
        "Record 10 is not the one that was sealed",
    ),
    ("edit a tile", flip_full_tile, faults.RecordAltered, "is not the one that was sealed"),
    ("delete a tile", delete("tiles", "0/0"), faults.TileAltered, "tile with leaf 0 is gone"),
]


@pytest.mark.parametrize(
    ("attack", "fault", "said"),
    [attack[1:] for attack in SEALED_ATTACKS],
    ids=[attack[0] for attack in SEALED_ATTACKS],
)
async def test_an_attack_on_what_is_sealed_is_found_by_looking_again(
    desk: SealedDesk, attack: Attack, fault: type[SealingRefused], said: str
) -> None:
    """INVARIANT I7: old and new records are compared with the tree, and stay found."""
    store = MongoSealedLog(desk.db, LOG)
    recheck = RecheckRecords(store, LOG, pace=64)
    seal = desk.sealer()
    first = await store.head()
    assert first is not None
    await recheck(first)
    head = await seal()
    assert head is not None
    for _ in range(12):  # more than once around
        await recheck(head)
    await attack(desk.db)
    recheck = RecheckRecords(store, LOG, pace=400)
    for _ in range(2):
        with pytest.raises(fault, match=said):
            await recheck(head)


async def test_a_root_that_is_there_already_is_never_contradicted(desk: SealedDesk) -> None:
    """INVARIANT I7: a size that has a root keeps it; the sealer stops and signs no second one."""
    await desk.grow(5)
    sealer = desk.sealer(store=_with_row_before_fix(desk))
    with pytest.raises(faults.RootsDiffer, match="history was rewritten"):
        await sealer()
    rows = await desk.checkpoints()
    assert [row["note"] is None for row in rows] == [False, True]


async def test_a_rewritten_tail_is_caught_by_what_was_published(desk: SealedDesk) -> None:
    """INVARIANT I7: all traces of a checkpoint are removed from MongoDB and history rewritten.

    The checkpoint that was published stands on the stream, out of reach of MongoDB.
    """
    seal = desk.sealer()
    head = await seal()
    assert head is not None
    for name in ("tiles", "checkpoints", "tree"):
        await desk.db[name].delete_many({})
    fresh = desk.sealer()
    await fresh.remember(head.checkpoint)
    await desk.complete_through(250)
    with pytest.raises(faults.Behind, match="320 leaves was published, and the log"):
        await fresh()
    await desk.complete_through(320)
    await desk.db["records"].replace_one({"_id": 320}, _rewritten(320))
    with pytest.raises(faults.RootsDiffer, match="that was published has the root"):
        await fresh()
    assert await desk.checkpoints() == []
    await desk.db["records"].replace_one({"_id": 320}, record(320))
    await desk.db["tiles"].delete_many({})  # what the rewritten record left there
    again = await fresh()
    assert again is not None
    assert (again.size, again.root) == (320, head.root)


async def test_a_foreign_checkpoint_on_the_stream_stops_the_sealer(desk: SealedDesk) -> None:
    """INVARIANT I7: what was published last is not of this log's key."""
    with pytest.raises(faults.CheckpointAltered, match="published last is not one of this log"):
        await desk.sealer().remember(note_of(FOREIGN, 300, bytes(32)))


async def test_a_fork_that_was_published_is_told_from_the_log(desk: SealedDesk) -> None:
    """INVARIANT I7: a published checkpoint below the head with another root: two histories."""
    seal = desk.sealer()
    other = CompactRange()
    other.extend([bytes(32)] * 300)
    await seal.remember(note_of(KEYS, 300, other.root()))
    with pytest.raises(faults.RootsDiffer, match="300 leaves that was published"):
        await seal()


async def test_the_sealer_goes_on_once_it_is_put_right(desk: SealedDesk) -> None:
    """Refusing is no state of the log: with the record back, the same sealer seals."""
    seal = desk.sealer()
    kept = await desk.db["records"].find_one_and_delete({"_id": 310})
    with pytest.raises(faults.RecordMissing):
        await seal()
    assert kept is not None
    await desk.db["records"].insert_one(kept)
    head = await seal()
    assert head is not None
    assert (head.size, head.root) == (320, desk.root())


def _rewritten(seq: int) -> dict[str, Any]:
    """A record that is whole in itself, with another story."""
    return record(seq, orjson.dumps({**envelope(seq), "reason": "rewritten"}))


def _with_row_before_fix(desk: SealedDesk) -> Any:
    """A store in which another root appears just before the sealer's own is written."""

    async def insert() -> None:
        await desk.db["checkpoints"].insert_one(
            {"_id": 325, "root": "11" * 32, "at": None, "note": None}
        )

    return PausedBefore(MongoSealedLog(desk.db, LOG), "fix", insert)
