"""The sealer on a real MongoDB: one root per size, whoever seals and whatever stops them."""

import asyncio
import os
import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pymerkle
import pytest
from casetrail_audit.sealing import faults
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.seal_log import SealLog
from casetrail_audit.sealing.signing import LogKeys
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.merkle import covering_nodes, root_of
from casetrail_evidence.rotation import follow_rotations
from casetrail_evidence.tiles import all_tiles, tile_source, tiles_for
from casetrail_runtime.mongo import Database

from tests.support.processes import python_process
from tests.support.sealing import BEGAN, KEYS, LOG, SIGNER, PausedBefore, SealedDesk
from tests.support.waiting import eventually

untyped_pymerkle: Any = pymerkle


@pytest.fixture
def desk(mongo_db: Database) -> SealedDesk:
    """A log without records yet."""
    return SealedDesk(mongo_db)


async def test_the_root_is_that_of_the_records(desk: SealedDesk) -> None:
    """INVARIANT I7: the sealed root is RFC 6962's over the records, also by pymerkle."""
    await desk.grow(300)
    head = await desk.sealer(chunk=64)()
    assert head is not None
    rows = await desk.db["records"].find({}, {"leaf_input": 1}).sort("_id", 1).to_list(None)
    theirs: Any = untyped_pymerkle.InmemoryTree(algorithm="sha256")
    theirs.append_entries([row["leaf_input"].encode() for row in rows])
    assert head.size == 300
    assert head.root == desk.root() == theirs.get_root()
    opened = open_checkpoint(head.checkpoint, [SIGNER.verifier])
    assert (opened.checkpoint.size, opened.checkpoint.root) == (300, head.root)


async def test_an_empty_log_is_not_sealed(desk: SealedDesk) -> None:
    """There is no head before the first record, and no fault either."""
    assert await desk.sealer()() is None
    await desk.complete_through(0)
    assert await desk.sealer()() is None
    assert await desk.checkpoints() == []


async def test_every_stored_tile_is_the_one_of_the_tree(desk: SealedDesk) -> None:
    """INVARIANT I7: whatever way the tree grew, the tiles prove every size that was sealed."""
    chance = random.Random(6962)
    seal = desk.sealer(chunk=100)
    sizes = []
    for _ in range(12):
        await desk.grow(chance.randint(1, 150))
        head = await seal()
        assert head is not None
        sizes.append(head.size)
    store = MongoSealedLog(desk.db, LOG)
    for size in sizes:
        source = tile_source(await store.tiles(sorted(tiles_for(covering_nodes(0, size)))))
        assert root_of(size, source) == desk.root(size)
    assert await desk.db["tiles"].count_documents({}) == len(list(all_tiles(sizes[-1])))
    assert await desk.require_one_history() == len(sizes)


async def test_only_the_complete_part_is_sealed(desk: SealedDesk) -> None:
    """Records beyond `complete_through` may still change, so they are not in the tree."""
    await desk.grow(10)
    await desk.complete_through(4)
    head = await desk.sealer()()
    assert head is not None
    assert (head.size, head.root) == (4, desk.root(4))


async def test_a_log_that_begins_later_has_its_first_leaf_at_zero(desk: SealedDesk) -> None:
    """Leaf index is sequence minus first sequence."""
    desk.first_seq = 41
    await desk.grow(5)
    head = await desk.sealer()()
    assert head is not None
    assert (head.size, head.first_seq, head.root) == (5, 41, desk.root())


async def test_a_large_backlog_is_sealed_in_several_rounds(desk: SealedDesk) -> None:
    """What a crash makes another sealer do again is bounded."""
    await desk.grow(100)
    seal = desk.sealer(chunk=16, most=40)
    sizes = [head.size for head in [await seal(), await seal(), await seal()] if head is not None]
    assert sizes == [40, 80, 100]
    assert await desk.require_one_history() == 3


async def test_racing_sealers_sign_one_root_per_size(desk: SealedDesk) -> None:
    """INVARIANT I7: four sealers without a lease, with jumping clocks, while the log grows."""
    chance = random.Random(1)

    async def keep_sealing(seal: SealLog) -> None:
        while len(desk.leaves) < 700 or (await seal()).size < 700:  # type: ignore[union-attr]
            await seal()

    async def keep_growing() -> None:
        while len(desk.leaves) < 700:
            await desk.grow(min(chance.randint(1, 40), 700 - len(desk.leaves)))

    await desk.grow(1)
    sealers = [
        desk.sealer(
            chunk=chance.randint(5, 60),
            clock=lambda: BEGAN + timedelta(seconds=chance.randint(-(10**6), 10**6)),
        )
        for _ in range(4)
    ]
    await asyncio.gather(keep_growing(), *(keep_sealing(seal) for seal in sealers))
    assert await desk.require_one_history() > 3
    store = MongoSealedLog(desk.db, LOG)
    head = await store.head()
    assert head is not None
    assert (head.size, head.root) == (700, desk.root())


@pytest.mark.parametrize("method", ["write_tiles", "fix", "fixed", "keep_note", "show_head"])
async def test_a_sealer_stopped_in_the_middle_does_no_harm(
    desk: SealedDesk, mongo_url: str, method: str
) -> None:
    """INVARIANT I7: SIGSTOP at every write, another sealer goes on, SIGCONT: one root per size."""
    await desk.grow(300)
    await desk.sealer()()
    await desk.grow(40)
    arguments = ("tests.support.sealer_process", mongo_url, method)
    async with python_process(*arguments) as process:
        await eventually(lambda: _state(process.pid) == "T", within=20)
        other = desk.sealer()
        for more in (0, 7, 300):  # the paused one's tile grows, then becomes full
            await desk.grow(more) if more else None
            assert await other() is not None
        os.kill(process.pid, 18)  # SIGCONT
        assert await asyncio.wait_for(process.wait(), 20) == 0
    head = await desk.sealer()()
    assert head is not None
    assert (head.size, head.root) == (647, desk.root())
    await desk.require_one_history()
    store = MongoSealedLog(desk.db, LOG)
    sizes = [row["_id"] for row in await desk.checkpoints()]
    assert all(earlier < later for earlier, later in pairwise(sizes))
    source = tile_source(await store.tiles(sorted(tiles_for(covering_nodes(0, 647)))))
    assert root_of(647, source) == desk.root()


@pytest.mark.parametrize("method", ["write_tiles", "fix", "fixed", "keep_note", "show_head"])
async def test_a_sealer_that_dies_anywhere_is_taken_over(desk: SealedDesk, method: str) -> None:
    """INVARIANT I10: whatever a round left half done, the next sealer ends it."""

    def die() -> None:
        raise KeyboardInterrupt(method)

    await desk.grow(280)
    store = PausedBefore(MongoSealedLog(desk.db, LOG), method, die)
    with pytest.raises(KeyboardInterrupt, match=method):
        await desk.sealer(store=store, chunk=100)()
    await desk.grow(3)
    head = await desk.sealer()()
    assert head is not None
    assert (head.size, head.root) == (283, desk.root())
    await desk.require_one_history()


async def test_a_new_key_is_brought_in_by_the_old_one(desk: SealedDesk) -> None:
    """Whoever pinned the old key follows the stored note to the new one."""
    await desk.grow(3)
    await desk.sealer()()
    new = SignerKey(SIGNER.name, bytes(32))
    head = await desk.sealer(LogKeys(new, (SIGNER,)))()
    assert head is not None
    assert head.key == str(new.verifier)
    assert open_checkpoint(head.checkpoint, [SIGNER.verifier]).checkpoint.size == 3
    keys = await MongoSealedLog(desk.db, LOG).keys()
    notes = [note for _, note in keys if note is not None]
    assert follow_rotations([SIGNER.verifier], notes) == [SIGNER.verifier, new.verifier]
    await desk.grow(2)
    alone = await desk.sealer(LogKeys(new))()
    assert alone is not None
    assert open_checkpoint(alone.checkpoint, [new.verifier]).checkpoint.root == desk.root()
    with pytest.raises(faults.KeyChanged, match="was replaced by"):
        await desk.sealer(KEYS)()


async def test_a_foreign_key_signs_nothing(desk: SealedDesk) -> None:
    """INVARIANT I7: another key cannot go on with the log unless the one before says so."""
    await desk.grow(3)
    await desk.sealer()()
    foreign = LogKeys(SignerKey(SIGNER.name, bytes(32)))
    await desk.grow(3)
    with pytest.raises(faults.KeyChanged, match="AUDIT_RETIRING_KEYS"):
        await desk.sealer(foreign)()
    assert len(await desk.checkpoints()) == 1


def _state(pid: int) -> str:
    """The state of a process: T when it is stopped."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - not a real file
        return file.read().rpartition(") ")[2][0]
