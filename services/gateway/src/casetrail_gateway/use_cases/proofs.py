"""Proofs from the stored tiles: that a record is in the log, and that the log only grew."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from casetrail_evidence.checkpoint import Checkpoint
from casetrail_evidence.errors import EvidenceError, Malformed, TileMissing
from casetrail_evidence.merkle import (
    HASH_BYTES,
    Node,
    NodeSource,
    consistency_proof,
    consistency_ranges,
    inclusion_ranges,
    needed_nodes,
    verify_inclusion,
)
from casetrail_evidence.notes import parse_note
from casetrail_evidence.proof import consistency_text, make_proof
from casetrail_evidence.tiles import HEIGHT, WIDTH, Tile, TilePlace, tile_source, tiles_for

from casetrail_gateway.domain.errors import NotFound, QueryNotUnderstood, TreeInconsistent
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.tree import SealedHead
from casetrail_gateway.ports import Log, SealedTree
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.records import ReadRecord

_DAMAGED: Final = (
    "The stored tree does not bear out its signed checkpoint. Run `casetrail-verify fsck` and look "
    "at the log of audit: nothing of it can be proved until that is put right."
)


class ReadProof:
    """The proof that one record is in the signed tree (`c2sp.org/tlog-proof@v1`)."""

    def __init__(self, log: Log, tree: SealedTree, caller: Caller, seq: int) -> None:
        self._read = ReadRecord(log, caller, seq)
        self._tree = tree

    async def look(self) -> Look:
        """The record's own rules: whoever may read it may have its proof."""
        return replace(await self._read.look(), what="proof")

    async def answer(self) -> str:
        """The proof as a text."""
        record = await self._read.answer()
        head = await sealed_head(self._tree)
        index = record.seq - head.first_seq
        if not 0 <= index < head.size:
            raise NotFound(
                "proof",
                f"Record {record.seq} is not sealed yet: the tree has {head.size} leaves. "
                "Ask again in a few seconds.",
            )
        source = await _source(self._tree, needed_nodes(inclusion_ranges(index, head.size)))
        try:
            note = parse_note(head.checkpoint)
            proof = make_proof(index, note, source)
            root = Checkpoint.parse(note.text).root
            leaf = bytes.fromhex(record.leaf)
            verify_inclusion(leaf, index, head.size, proof.hashes, root)
        except (EvidenceError, ValueError) as fault:
            raise TreeInconsistent(_DAMAGED) from fault
        return str(proof)


class ProveConsistency:
    """The proof that the tree of one size begins with that of a smaller one."""

    def __init__(self, tree: SealedTree) -> None:
        self._tree = tree

    async def __call__(self, earlier: int, later: int) -> str:
        """One base64 hash a line; nothing for equal sizes and for the empty tree."""
        head = await sealed_head(self._tree)
        if later > head.size:
            raise NotFound("tree", f"The sealed tree has {head.size} leaves, not yet {later}.")
        if earlier > later:
            raise QueryNotUnderstood(f"A tree of {later} leaves has no earlier tree of {earlier}.")
        source = await _source(self._tree, needed_nodes(consistency_ranges(earlier, later)))
        try:
            return consistency_text(consistency_proof(earlier, later, source))
        except TileMissing as fault:
            raise TreeInconsistent(_DAMAGED) from fault


class ReadTile:
    """A tile by its path, as far as the signed tree needs it."""

    def __init__(self, tree: SealedTree) -> None:
        self._tree = tree

    async def __call__(self, path: str) -> bytes:
        """Its hashes; a partial tile is also served after it has become wider."""
        try:
            tile = Tile.from_path(path)
        except Malformed as fault:
            raise NotFound("tile", str(fault)) from fault
        head = await sealed_head(self._tree)
        if tile.index * WIDTH + tile.width > head.size >> HEIGHT * tile.level:
            raise NotFound("tile", f"The tree of {head.size} leaves has no {path}.")
        place = TilePlace(tile.level, tile.index)
        data = (await self._tree.tiles([place])).get(place, b"")[: tile.width * HASH_BYTES]
        if len(data) != tile.width * HASH_BYTES:
            raise NotFound("tile", f"{path} is gone, although the signed tree needs it.")
        return data


async def sealed_head(tree: SealedTree) -> SealedHead:
    """The newest head; `NotFound` before the first one."""
    head = await tree.head()
    if head is None:
        raise NotFound("checkpoint", "Nothing is sealed yet.")
    return head


async def _source(tree: SealedTree, nodes: Iterable[Node]) -> NodeSource:
    return tile_source(await tree.tiles(sorted(tiles_for(nodes))))
