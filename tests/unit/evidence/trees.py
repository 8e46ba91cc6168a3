"""Trees for tests: the definitions of RFC 6962 §2.1 as they stand there, unoptimised."""

import hashlib
from collections.abc import Sequence

from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.tiles import TilePlace, TileTree


def numbered_leaves(count: int) -> list[bytes]:
    """The hashes of `count` different leaves."""
    return [leaf_hash(f"leaf {number}") for number in range(count)]


def rfc_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


def rfc_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*rfc_path(m, leaves[:k]), rfc_root(leaves[k:])]
    return [*rfc_path(m - k, leaves[k:]), rfc_root(leaves[:k])]


def rfc_proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF of RFC 6962 §2.1.2, over leaf hashes."""
    return _subproof(m, leaves, whole=True)


def stored(leaves: Sequence[bytes]) -> dict[TilePlace, bytes]:
    """The tiles of a tree, the widest version of each."""
    return {TilePlace(tile.level, tile.index): data for tile, data in TileTree().extend(leaves)}


def _subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [rfc_root(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), rfc_root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), rfc_root(leaves[:k])]


def _split(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k
