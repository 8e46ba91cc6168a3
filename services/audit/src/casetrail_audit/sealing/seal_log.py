"""One round of sealing: from the checkpoint that is fixed to a larger one.

Everything is read anew in every round and nothing is believed that can be computed, so a sealer
that was paused, raced or killed anywhere does no harm: the order in which things are written makes
it safe, not the lease.

1. Tiles. They are functions of records that no longer change, and only ever become wider.
2. The root of the size, inserted under the size as its `_id`, on a majority. A size has one root.
3. The signature, over the root that was read back, not the one that was computed.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from casetrail_evidence.checkpoint import Checkpoint, open_checkpoint
from casetrail_evidence.errors import EvidenceError, TileMissing
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.merkle import covering_nodes, root_of
from casetrail_evidence.rotation import sign_rotation
from casetrail_evidence.tiles import (
    Tile,
    TilePlace,
    TileTree,
    partial_tiles,
    tile_source,
    tiles_for,
)

from casetrail_audit.sealing.checking import checked_leaves
from casetrail_audit.sealing.faults import (
    Behind,
    CheckpointAltered,
    KeyChanged,
    LogShrank,
    PutAside,
    RootsDiffer,
    SealingRefused,
    TileAltered,
    TreeAltered,
)
from casetrail_audit.sealing.ports import Fixed, Head, Kept, Progress, SealedLog
from casetrail_audit.sealing.signing import LogKeys

CHUNK: Final = 2_000
"""Records read at once: a few megabytes."""
ROUND: Final = 200_000
"""Leaves at most between two checkpoints: what a crash makes another sealer do again."""


class SealLog:
    """Extends the tree over the complete part of the log `log` and signs its head.

    What was shown before is known from elsewhere (see `remember`): until the tree contains it,
    nothing is signed. With `kept` a checkpoint is kept there before anybody sees it.
    """

    def __init__(
        self,
        store: SealedLog,
        keys: LogKeys,
        log: str,
        clock: Callable[[], datetime],
        *,
        kept: Kept | None = None,
        chunk: int = CHUNK,
        most: int = ROUND,
    ) -> None:
        self._store = store
        self._keys = keys
        self._log = log
        self._clock = clock
        self._kept = kept
        self._chunk = chunk
        self._most = most
        self._trusted: list[VerifierKey] | None = None
        self._shown_before: list[Checkpoint] = []

    async def remember(self, published: str | None) -> int:
        """Holds on to what MongoDB cannot take back; the size of the published checkpoint.

        That is this one, and the one that was kept. Those of a log that was put aside are none of
        this one's.

        Raises:
            CheckpointAltered: one of them is not signed by a key of this log.
            OSError: the kept one cannot be read.
        """
        await self._require_not_put_aside()
        kept = None if self._kept is None else await self._kept.last()
        opened = [
            await self._opened_if_ours(published, "The checkpoint published last"),
            await self._opened_if_ours(kept, "The checkpoint of AUDIT_KEPT_CHECKPOINT_FILE"),
        ]
        shown = [checkpoint for checkpoint in opened if checkpoint and checkpoint.size]
        self._shown_before = sorted(shown, key=lambda checkpoint: checkpoint.size)
        return 0 if opened[0] is None else opened[0].size

    async def _opened_if_ours(self, note: str | None, what: str) -> Checkpoint | None:
        if note is None:
            return None
        origin = note.partition("\n")[0]
        if origin != self._keys.origin and origin in await self._store.earlier():
            return None
        return self._opened(note, await self._known_keys(), what)

    async def __call__(self) -> Head | None:
        """The head as it is now; None while the log has no record.

        Raises:
            SealingRefused: something stored is not what it was; nothing was signed.
            Behind: the log is not complete up to the checkpoint that was published last.
        """
        await self._require_not_put_aside()
        known = await self._known_keys()
        # before the progress: another sealer may seal what becomes complete in between
        newest = await self._store.newest()
        edge = partial_tiles(0 if newest is None else newest.size)
        progress, stored, (head, fixed) = await asyncio.gather(
            self._store.progress(),
            self._store.tiles([TilePlace(tile.level, tile.index) for tile in edge]),
            self._shown(),
        )
        if progress is None:
            return None
        size = 0 if newest is None else newest.size
        if progress.size < size:
            raise LogShrank(
                f"The log has {progress.size} records, but a checkpoint of {size} was signed: "
                "its end was cut off."
            )
        tree = self._resumed(newest, stored)
        self._agree(newest, known, head, fixed)
        target = await self._target(progress, size)
        if target > size:
            await self._extend(tree, progress, target)
            newest = await self._fix(tree)
        if newest is None:
            return None
        return await self._sign(newest, progress.first_seq, head)

    async def _require_not_put_aside(self) -> None:
        if self._keys.origin in await self._store.earlier():
            raise PutAside(
                f"The log {self._keys.origin} was put aside: it signs no more. Set AUDIT_ORIGIN to "
                "the name under which the records are signed now."
            )

    # ---- what is there already

    async def _shown(self) -> tuple[Head | None, Fixed | None]:
        """The head that is shown, and the fixed root of its size."""
        head = await self._store.head()
        return head, None if head is None else await self._store.fixed(head.size)

    def _resumed(self, newest: Fixed | None, stored: Mapping[TilePlace, bytes]) -> TileTree:
        """The tree up to the fixed root, put together from its stored tiles and compared."""
        if newest is None:
            return TileTree()
        try:
            tree = TileTree.resume(
                newest.size, lambda tile: stored.get(TilePlace(tile.level, tile.index), b"")
            )
        except EvidenceError as fault:
            raise TileAltered(f"A tile at the end of the tree is not whole: {fault}") from fault
        if tree.root() != newest.root:
            raise TreeAltered(
                f"The tiles of the tree of {newest.size} leaves have the root {tree.root().hex()}, "
                f"its checkpoint says {newest.root.hex()}: one of them was edited."
            )
        return tree

    def _agree(
        self,
        newest: Fixed | None,
        known: list[VerifierKey],
        head: Head | None,
        fixed: Fixed | None,
    ) -> None:
        """Nothing when the head and the newest note are those of the fixed roots."""
        if head is not None:
            if fixed is None:
                raise LogShrank(
                    f"The head is of {head.size} leaves, but its checkpoint is gone: it was deleted"
                    "."
                )
            self._require(Fixed(head.size, head.root, head.checkpoint), fixed.root, known)
        if newest is not None and newest.note is not None:
            self._require(newest, newest.root, known)

    def _require(self, shown: Fixed, root: bytes, known: list[VerifierKey]) -> None:
        what = f"The stored checkpoint of {shown.size} leaves"
        opened = self._opened(shown.note or "", known, what)
        if (opened.size, opened.root, shown.root) != (shown.size, root, root):
            raise CheckpointAltered(f"{what} is not the one that was signed: it was edited.")

    def _opened(self, note: str, known: list[VerifierKey], what: str) -> Checkpoint:
        try:
            return open_checkpoint(note, known, origin=self._keys.origin).checkpoint
        except EvidenceError as fault:
            raise CheckpointAltered(f"{what} is not one of this log: {fault}") from fault

    async def _target(self, progress: Progress, size: int) -> int:
        """How far this round goes; first of all to the checkpoints that were shown before."""
        while self._shown_before and self._shown_before[0].size <= size:
            shown = self._shown_before[0]
            if await self._root_at(shown.size) != shown.root:
                raise _shown_differs(shown)
            del self._shown_before[0]
        if not self._shown_before:
            return min(progress.size, size + self._most)
        shown = self._shown_before[0]
        if progress.size < shown.size:
            raise Behind(
                f"A checkpoint of {shown.size} leaves was published, and the log is complete "
                f"for {progress.size}: a rebuild is not there yet, or records are missing. After a "
                "restore that lost some: docs/how-to/back-up-and-restore.md."
            )
        return shown.size

    async def _root_at(self, size: int) -> bytes:
        nodes = covering_nodes(0, size)
        try:
            return root_of(size, tile_source(await self._store.tiles(sorted(tiles_for(nodes)))))
        except TileMissing as fault:
            raise TileAltered(f"A tile of the tree is gone: {fault}") from fault

    # ---- what is new

    async def _extend(self, tree: TileTree, progress: Progress, target: int) -> None:
        while tree.size < target:
            first = progress.first_seq + tree.size
            last = min(first + self._chunk, progress.first_seq + target) - 1
            records = await self._store.leaves(first, last)
            leaves = checked_leaves(records, first, last, self._log, progress.first_seq)
            changed: list[tuple[Tile, bytes]] = tree.extend(leaves)
            await self._store.write_tiles(changed)
        for shown in self._shown_before:
            if shown.size == target and shown.root != tree.root():
                raise _shown_differs(shown)

    async def _fix(self, tree: TileTree) -> Fixed:
        """The root of the tree's size as a majority has it, which is the tree's own."""
        await self._store.fix(tree.size, tree.root(), self._clock())
        fixed = await self._store.fixed(tree.size)
        if fixed is None:
            raise ConnectionError("MongoDB has not shown the root that it stored; trying again")
        if fixed.root != tree.root():
            raise RootsDiffer(
                f"A checkpoint of {tree.size} leaves has the root {fixed.root.hex()}, the records "
                f"now give {tree.root().hex()}: history was rewritten. Nothing more is signed."
            )
        return fixed

    async def _sign(self, fixed: Fixed, first_seq: int, shown: Head | None) -> Head:
        note = str(self._keys.sign(fixed.size, fixed.root))
        key = str(self._keys.signer.verifier)
        head = Head(fixed.size, fixed.root, first_seq, note, key)
        if self._kept is not None and head != shown:
            await self._kept.keep(note)
        if fixed.note is None:
            await self._store.keep_note(fixed.size, note)
        if head != shown:
            await self._store.show_head(head, self._clock())
        return head

    # ---- keys

    async def _known_keys(self) -> list[VerifierKey]:
        """Every key that ever signed for this log; a new one is brought in by the one before."""
        mine = self._keys.signer.verifier
        while self._trusted is None:
            stored = [VerifierKey.parse(text) for text, _ in await self._store.keys()]
            if stored and stored[-1] == mine:
                self._trusted = stored
                break
            rotation = await self._rotation(stored) if stored else None
            # when another sealer adds one at this moment, look again
            await self._store.add_key(len(stored), str(mine), rotation, self._clock())
        return self._trusted

    async def _rotation(self, stored: list[VerifierKey]) -> str:
        mine, last = self._keys.signer, stored[-1]
        if mine.verifier in stored:
            raise KeyChanged(f"The key {mine.verifier} was replaced by {last}; it signs no more.")
        old = next((key for key in self._keys.retiring if key.verifier == last), None)
        if old is None:
            raise KeyChanged(
                f"The log was signed with the key {last} until now. Put that key into "
                "AUDIT_RETIRING_KEYS, so that the change to the new one can be signed with it."
            )
        newest = await self._store.newest()
        return str(sign_rotation(0 if newest is None else newest.size, old, mine))


def _shown_differs(shown: Checkpoint) -> SealingRefused:
    return RootsDiffer(
        f"The checkpoint of {shown.size} leaves that was published has the root "
        f"{shown.root.hex()}, the records now give another: history was rewritten. "
        "Nothing more is signed."
    )
