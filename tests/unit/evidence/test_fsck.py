"""A whole log recomputed from what it serves, here from memory."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from casetrail_evidence import errors
from casetrail_evidence.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.checkpoint import sign_checkpoint as sign
from casetrail_evidence.cli import EXIT_CODES, main
from casetrail_evidence.fsck import check_records, check_tree
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.merkle import HASH_BYTES, CompactRange
from casetrail_evidence.messages import message_leaf, read_message
from casetrail_evidence.tiles import Tile, TilePlace, all_tiles

from tests.unit.evidence.trees import numbered_leaves, rfc_root, stored

KEY = SignerKey("log.example/casetrail", bytes(32))


class MemoryLog:
    """A log that serves what it holds, and counts what was asked."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.size = len(leaves)
        tree = CompactRange()
        tree.extend(leaves)
        self.root = tree.root()
        self.tiles = stored(leaves)
        self.asked: list[str] = []

    def checkpoint(self) -> bytes:
        return str(sign(Checkpoint(KEY.name, self.size, self.root), KEY)).encode()

    def rotations(self) -> Sequence[str]:
        return []

    def tile(self, path: str) -> bytes | None:
        self.asked.append(path)
        tile = Tile.from_path(path)
        data = self.tiles.get(TilePlace(tile.level, tile.index))
        return None if data is None else data[: tile.width * HASH_BYTES]

    def opened(self) -> VerifiedCheckpoint:
        """What somebody saw earlier."""
        return open_checkpoint(self.checkpoint(), [KEY.verifier])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 1000, 65_536, 66_000])
def test_an_honest_log_passes_and_every_tile_is_read_once(size: int) -> None:
    """INVARIANT I7: all tiles of the tree, each once, and no other."""
    leaves = numbered_leaves(size)
    log = MemoryLog(leaves)
    told: list[tuple[str, int, int]] = []
    checked = check_tree(log, [KEY.verifier], progress=lambda *step: told.append(step))
    assert checked.leaves == b"".join(leaves)
    assert log.asked == [tile.path for tile in all_tiles(size)]
    assert checked.tiles == len(log.asked) == (told[-1][1] if size else 0)
    assert all(step[2] == len(log.asked) for step in told)


def test_every_single_bit_of_every_tile_counts() -> None:
    """INVARIANT I7: whichever bit of whichever tile is flipped, it is noticed."""
    chance = random.Random(21)
    log = MemoryLog(numbered_leaves(600))
    for place, good in log.tiles.items():
        for at in chance.sample(range(len(good) * 8), 40):
            data = bytearray(good)
            data[at // 8] ^= 1 << at % 8
            log.tiles[place] = bytes(data)
            with pytest.raises((errors.TileMismatch, errors.TreeMismatch)):
                check_tree(log, [KEY.verifier])
        log.tiles[place] = good
    check_tree(log, [KEY.verifier])


def test_missing_and_short_tiles_are_told_apart() -> None:
    """A tile that is gone, and one with bytes missing at its end."""
    log = MemoryLog(numbered_leaves(600))
    kept = log.tiles.pop(TilePlace(0, 1))
    with pytest.raises(errors.TileMissing, match="tile/0/001 is not there"):
        check_tree(log, [KEY.verifier])
    log.tiles[TilePlace(0, 1)] = kept[:-1]
    with pytest.raises(errors.Malformed, match="tile/0/001 has 8191 bytes, not 8192"):
        check_tree(log, [KEY.verifier])


@pytest.mark.parametrize(
    ("earlier", "later"), [(0, 5), (1, 1), (200, 300), (256, 257), (255, 256), (300, 900)]
)
def test_a_log_that_grew_begins_with_what_was_seen(earlier: int, later: int) -> None:
    """The root at the earlier size is computed from the same leaves."""
    leaves = numbered_leaves(later)
    seen = MemoryLog(leaves[:earlier])
    assert seen.root == rfc_root(leaves[:earlier])
    check_tree(MemoryLog(leaves), [KEY.verifier], earlier=[seen.opened()])


def test_a_log_that_changed_does_not() -> None:
    """INVARIANT I7: shrunk, forked at the same size, forked and grown: three sentences."""
    leaves = numbered_leaves(300)
    seen = MemoryLog(leaves).opened()
    forked = [*leaves[:100], bytes(32), *leaves[101:]]
    with pytest.raises(errors.ConsistencyFails, match="shrank from 300 to 299"):
        check_tree(MemoryLog(leaves[:299]), [KEY.verifier], earlier=[seen])
    with pytest.raises(errors.RootMismatch, match="two different roots"):
        check_tree(MemoryLog(forked), [KEY.verifier], earlier=[seen])
    with pytest.raises(errors.ConsistencyFails, match="first 300 leaves are not those"):
        check_tree(MemoryLog([*forked, bytes(32)]), [KEY.verifier], earlier=[seen])


def shown(seq: int, **more: Any) -> dict[str, Any]:
    """A record as the gateway shows it."""
    event = {"specversion": "1.0", "id": f"e{seq}", "type": "t", "data": {"n": seq, "yes": True}}
    leaf = message_leaf(
        read_message(str(event).replace("'", '"').replace("True", "true").encode(), bytes(32)),
        log="SUPPORT",
        seq=seq,
        subject="support.main.x.y",
        recorded_at="2026-11-22T10:14:03.120000Z",
    )
    view = {"seq": seq, "index": seq - 1, "kind": "event", "of": None, "leaf": leaf.hash.hex()}
    return {
        **view,
        "leaf_input": leaf.text,
        "event_id": f"e{seq}",
        "type": "t",
        "data": event["data"],
        **more,
    }


RECORDS = [shown(seq) for seq in range(1, 21)]


def checked() -> Any:
    """The log of those records."""
    log = MemoryLog([bytes.fromhex(record["leaf"]) for record in RECORDS])
    return check_tree(log, [KEY.verifier])


def test_records_are_what_was_logged() -> None:
    """All of them; those that came after the checkpoint are left alone."""
    found = check_records(checked(), [*RECORDS, shown(21, leaf="not in the tree yet")])
    assert (found.seen, found.unseen) == (20, ())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"data": {"n": 5, "yes": 1}}, errors.RecordDiffers),
        ({"data": {"n": 5}}, errors.RecordDiffers),
        ({"event_id": "e6"}, errors.RecordDiffers),
        ({"kind": "gap"}, errors.RecordDiffers),
        ({"leaf": "00" * 32}, errors.RecordDiffers),
        ({"leaf_input": RECORDS[4]["leaf_input"].replace("e5", "e6")}, errors.LeafMismatch),
        ({"leaf_input": "no JSON"}, errors.LeafMismatch),
        ({"leaf_input": RECORDS[5]["leaf_input"]}, errors.RecordMisplaced),
        ({"seq": 6}, errors.RecordMisplaced),
        ({"index": 3}, errors.RecordMisplaced),
    ],
)
def test_what_was_changed_is_named(change: dict[str, Any], fault: type[Exception]) -> None:
    """INVARIANT I7: each way of changing a shown record has its own fault, naming the record."""
    records = [*RECORDS[:4], {**RECORDS[4], **change}, *RECORDS[5:]]
    with pytest.raises(fault):
        check_records(checked(), records)


def test_a_missing_record_is_a_fault_or_counted() -> None:
    """In the middle, at the end, all of them."""
    for records, first in ((RECORDS[:4] + RECORDS[5:], 4), (RECORDS[:19], 19), ([], 0)):
        with pytest.raises(errors.RecordMissing, match=f"Leaf {first} is in the tree"):
            check_records(checked(), records)
        found = check_records(checked(), records, partial=True)
        assert (found.seen, found.unseen[0]) == (len(records), first)


def test_every_fault_has_its_own_exit_code() -> None:
    """No two faults share one, and none is missing from the table."""
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EvidenceError)
    } - {errors.EvidenceError}
    assert kinds <= set(EXIT_CODES)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)


def test_keygen_prints_the_secret_and_says_what_to_pin(capsys: pytest.CaptureFixture[str]) -> None:
    """The secret alone on standard output, so that it can be put into a file; new every time."""
    assert main(["keygen", "log.example/casetrail"]) == 0
    first = capsys.readouterr()
    key = SignerKey.parse(first.out.strip())
    assert str(key.verifier) in first.err
    assert main(["keygen", "log.example/casetrail"]) == 0
    assert capsys.readouterr().out != first.out
    assert main(["keygen", "no spaces please"]) == EXIT_CODES[errors.Malformed]


def test_fsck_asks_for_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a pinned key a log could sign anything, so none is a wrong call."""
    with pytest.raises(SystemExit) as ended:
        main(["fsck", "http://127.0.0.1:1"])
    assert ended.value.code == 2
    assert "--key" in capsys.readouterr().err
