"""A whole log recomputed from what it serves: tiles, checkpoint, records. No I/O of its own.

Nothing that can be computed is believed: the root is computed from the lowest tiles, every tile
above from those below it, every leaf from the record's text. What is believed is the pinned key.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from casetrail_evidence.archive.shown import ShownArchives
from casetrail_evidence.canonical import canonical_json, parse_json
from casetrail_evidence.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.errors import (
    ConsistencyFails,
    LeafMismatch,
    Malformed,
    OriginMismatch,
    RecordDiffers,
    RecordMisplaced,
    RecordMissing,
    RootMismatch,
    TileMismatch,
    TileMissing,
    TreeMismatch,
)
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.merkle import HASH_BYTES, CompactRange, split_hashes
from casetrail_evidence.rotation import follow_rotations
from casetrail_evidence.tiles import WIDTH, Tile, complete_root

Progress = Callable[[str, int, int], None]
"""Told what is being checked, how much is done, and of how much."""


class LogSource(Protocol):
    """Where a log is read from."""

    def checkpoint(self) -> bytes:
        """The newest checkpoint."""

    def rotations(self) -> Sequence[str]:
        """The notes with which it changed its key, the oldest first."""

    def tile(self, path: str) -> bytes | None:
        """A tile by its path (`tile/0/000`); None when there is none."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A log whose tree is what its checkpoint says; `leaves` are all its leaf hashes."""

    opened: VerifiedCheckpoint
    leaves: bytes
    tiles: int

    def leaf(self, index: int) -> bytes:
        """The leaf hash at a place."""
        return self.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES]


def check_tree(
    source: LogSource,
    keys: Sequence[VerifierKey],
    *,
    origin: str | None = None,
    earlier: Sequence[VerifiedCheckpoint] = (),
    progress: Progress = lambda _what, _done, _total: None,
) -> Checked:
    """The log, once every tile is what follows from the leaves and the checkpoint signs their root.

    `earlier` are checkpoints seen before, or cosigned by witnesses, already opened: the log must
    begin with the tree of each.
    """
    rotated = follow_rotations(keys, source.rotations())
    opened = open_checkpoint(source.checkpoint(), rotated, origin=origin)
    head = opened.checkpoint
    for one in earlier:
        _may_follow(one.checkpoint, head)
    leaves, roots, tiles = _read_tree(source, head.size, earlier, progress)
    if roots[head.size] != head.root:
        raise TreeMismatch(
            f"The tiles of {head.size} leaves have the root {roots[head.size].hex()}, the signed "
            f"checkpoint says {head.root.hex()}: a leaf or a tile was changed after it was signed."
        )
    for one in earlier:
        if roots[one.checkpoint.size] != one.checkpoint.root:
            raise ConsistencyFails(
                f"The first {one.checkpoint.size} leaves are not those of the earlier checkpoint: "
                "history was rewritten and signed again."
            )
    return Checked(opened, leaves, tiles)


def _may_follow(earlier: Checkpoint, head: Checkpoint) -> None:
    if earlier.origin != head.origin:
        raise OriginMismatch(f"{earlier.origin} and {head.origin} are two different logs.")
    if head.size < earlier.size:
        raise ConsistencyFails(
            f"The log shrank from {earlier.size} to {head.size} leaves: its end was cut off."
        )
    if head.size == earlier.size and head.root != earlier.root:
        raise RootMismatch(f"There are two different roots for the tree of {head.size} leaves.")


def _read_tree(
    source: LogSource, size: int, earlier: Sequence[VerifiedCheckpoint], progress: Progress
) -> tuple[bytes, dict[int, bytes], int]:
    """All leaves, the roots at the sizes asked for, and how many tiles were read."""
    sizes = {size, *(one.checkpoint.size for one in earlier)}
    total = sum(-(-count // WIDTH) for count in _level_counts(size))
    roots: dict[int, bytes] = {}
    tree = CompactRange()
    if 0 in sizes:
        roots[0] = tree.root()
    parts: list[bytes] = []
    above: list[bytes] = []
    read = 0
    for data in _level(source, 0, size):
        hashes = split_hashes(data)
        for stop in sorted(s for s in sizes if tree.size < s <= tree.size + len(hashes)):
            tree_size = tree.size
            tree.extend(hashes[: stop - tree_size])
            hashes = hashes[stop - tree_size :]
            roots[stop] = tree.root()
        tree.extend(hashes)
        parts.append(data)
        if len(data) == WIDTH * HASH_BYTES:
            above.append(complete_root(split_hashes(data)))
        read += 1
        progress("tiles", read, total)
    level = 1
    while above:
        above, count = _check_level(source, level, above)
        read += count
        progress("tiles", read, total)
        level += 1
    return b"".join(parts), roots, read


def _check_level(source: LogSource, level: int, hashes: list[bytes]) -> tuple[list[bytes], int]:
    """The hashes of the level above, once the tiles of this level are what follows from below."""
    above: list[bytes] = []
    count = 0
    for index, data in enumerate(_level(source, level, len(hashes))):
        expected = hashes[index * WIDTH : (index + 1) * WIDTH]
        for at, (stored, computed) in enumerate(zip(split_hashes(data), expected, strict=True)):
            if stored != computed:
                below = Tile(level - 1, index * WIDTH + at).path
                raise TileMismatch(
                    f"{below} does not hash to what {Tile(level, index, len(expected)).path} holds:"
                    " one of the two was changed."
                )
        if len(expected) == WIDTH:
            above.append(complete_root(expected))
        count += 1
    return above, count


def _level(source: LogSource, level: int, count: int) -> Iterator[bytes]:
    for index in range(-(-count // WIDTH)):
        tile = Tile(level, index, min(WIDTH, count - index * WIDTH))
        data = source.tile(tile.path)
        if data is None:
            raise TileMissing(f"{tile.path} is not there, although the tree needs it.")
        if len(data) != tile.width * HASH_BYTES:
            raise Malformed(f"{tile.path} has {len(data)} bytes, not {tile.width * HASH_BYTES}.")
        yield data


def _level_counts(size: int) -> Iterator[int]:
    while size:
        yield size
        size //= WIDTH


# ---- records


@dataclass(frozen=True, slots=True)
class CheckedRecords:
    """How many leaves had their record, which were not shown, and which are archived."""

    seen: int
    unseen: tuple[int, ...]
    archived: tuple[str, ...] = ()
    """The files of those whose content left for an archive, as events of the log say."""


def check_records(
    log: Checked,
    records: Iterable[Mapping[str, Any]],
    *,
    partial: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> CheckedRecords:
    """How many records are what was logged; records are those of `/v1/records`, in log order.

    With `partial`, leaves without a record are counted instead of being a fault: a token of one
    workspace does not see the others'.
    """
    size = log.opened.checkpoint.size
    seen = 0
    unseen: list[int] = []
    next_index = 0
    archives = ShownArchives()
    for record in records:
        index = record["index"]
        if index >= size:
            break
        if index < next_index:
            raise RecordMisplaced(f"The log lists record {record['seq']} out of its order.")
        unseen.extend(range(next_index, index))
        if unseen and not partial:
            break
        archives.add(record)
        if archives.is_place(record):
            _require_leaf(record, log.leaf(index))
        else:
            _check_record(record, log.leaf(index))
            seen += 1
        next_index = index + 1
        progress("records", next_index, size)
    else:
        unseen.extend(range(next_index, size))
    if unseen and not partial:
        raise RecordMissing(
            f"Leaf {unseen[0]} is in the tree and its record is not shown: it was deleted, or this "
            "token may not see it."
        )
    return CheckedRecords(seen, tuple(unseen), archives.files(partial=partial))


def _check_record(record: Mapping[str, Any], leaf: bytes) -> None:
    seq, text = record["seq"], record["leaf_input"]
    if leaf_hash(text) != leaf:
        content = _maybe(text)
        if content is not None and content.get("seq") not in {None, seq}:
            raise RecordMisplaced(
                f"Under sequence {seq} stands the record of sequence {content['seq']}: records "
                "were swapped or moved."
            )
        raise LeafMismatch(
            f"Record {seq} does not hash to its leaf in the tree: it was altered after it was "
            "logged."
        )
    content = parse_json(text)
    _require_leaf(record, leaf)
    if content["seq"] != seq:
        raise RecordMisplaced(f"Leaf {record['index']} is of sequence {content['seq']}, not {seq}.")
    for name, said in _shown(content).items():
        if canonical_json(record.get(name)) != canonical_json(said):
            raise RecordDiffers(
                f"Record {seq} is shown with another {name} than was logged: that field was edited."
            )


def _require_leaf(record: Mapping[str, Any], leaf: bytes) -> None:
    if record["leaf"] != leaf.hex():
        raise RecordDiffers(f"Record {record['seq']} is shown with another leaf than the tree's.")


def _shown(content: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer shows and a leaf input says in the same words."""
    shown = {"kind": content["kind"], "of": content["of"]}
    event = content["event"]
    if event is None:
        return shown
    for name, attribute in _ATTRIBUTES.items():
        if isinstance(event.get(attribute), str):
            shown[name] = event[attribute]
    data = event.get("data")
    if "specversion" in event and "type" in event and isinstance(data, dict):
        shown["data"] = data
    return shown


_ATTRIBUTES = {
    "event_id": "id",
    "type": "type",
    "target": "subject",
    "conversation_id": "conversationid",
    "case_id": "caseid",
    "ticket_id": "ticketid",
    "correlation_id": "correlationid",
    "causation_id": "causationid",
}


def _maybe(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
