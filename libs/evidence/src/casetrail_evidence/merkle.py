"""The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1): roots, proofs and their verification.

A node (level, position) stands for the leaves from position·2^level up to, not including,
(position+1)·2^level; only such complete subtrees are stored. What a proof needs besides them (at
most one ragged right edge) is put together from them. Proofs are made from a *node source*, any
callable that gives the hash of a node: the tree may live in a list, in tiles or in a database.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Self

from casetrail_evidence.errors import (
    ConsistencyFails,
    InclusionFails,
    Malformed,
    RootMismatch,
)

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962 §2.1)."""


class Node(NamedTuple):
    """A complete subtree of 2^level leaves, counted from the left within its level."""

    level: int
    position: int


NodeSource = Callable[[int, int], bytes]
"""Gives the hash of the node (level, position)."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that grows, kept as the O(log n) complete subtrees its size is the sum of.

    Appending leaf hashes is O(1) on average, and `root` is the root at the present size. The state
    is `size` and `hashes` (largest subtree first); `to_bytes` and `from_bytes` keep it.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self._size = size
        self._hashes = list(hashes)
        if not 0 <= size <= MAX_SIZE:
            raise Malformed(f"A tree cannot have {size} leaves.")
        if len(self._hashes) != size.bit_count():
            raise Malformed(f"A tree of {size} leaves has {size.bit_count()} complete subtrees.")
        _require_hashes(self._hashes)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the complete subtrees, from the largest to the smallest."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """One leaf hash more."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """More leaf hashes, in order."""
        stack, size, sha256 = self._hashes, self._size, hashlib.sha256
        for leaf in leaves:
            node, ones = leaf, size
            while ones & 1:
                node = sha256(b"\x01" + stack.pop() + node).digest()
                ones >>= 1
            stack.append(node)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """The root at the present size."""
        return fold(self._hashes)

    def to_bytes(self) -> bytes:
        """The state: the size in eight bytes, big endian, then the hashes."""
        return self._size.to_bytes(8, "big") + b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """The tree whose `to_bytes` this is, or `Malformed`."""
        rest = state[8:]
        if len(state) < 8 or len(rest) % HASH_BYTES:  # noqa: PLR2004
            raise Malformed("The state of a tree is eight bytes and whole hashes.")
        return cls(int.from_bytes(state[:8], "big"), split_hashes(rest))


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees, from the largest to the smallest."""
    if not hashes:
        return EMPTY_ROOT
    node = hashes[-1]
    for left in reversed(hashes[:-1]):
        node = node_hash(left, node)
    return node


def split_hashes(data: bytes) -> list[bytes]:
    """The 32-byte hashes that stand one after another in `data`."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


# ---- making proofs


def covering_nodes(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up the leaves `start` up to `end`, from left to right.

    `start` must be a multiple of the largest power of two not above `end - start`, which holds for
    every range a proof asks for.
    """
    nodes = []
    at = start
    while at < end:
        level = (end - at).bit_length() - 1
        nodes.append(Node(level, at >> level))
        at += 1 << level
    return nodes


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges whose hashes are the inclusion proof, from the leaf up (RFC 6962 §2.1.1)."""
    if not 0 <= index < size <= MAX_SIZE:
        raise Malformed(f"A tree of {size} leaves has no leaf {index}.")
    start, end = 0, size
    ranges = []
    while end - start > 1:
        middle = start + _largest_power_below(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    ranges.reverse()
    return ranges


def consistency_ranges(earlier: int, later: int) -> list[tuple[int, int]]:
    """The leaf ranges whose hashes are the consistency proof (RFC 6962 §2.1.2), in its order."""
    if not 0 <= earlier <= later <= MAX_SIZE:
        raise Malformed(f"A tree of {later} leaves has no earlier tree of {earlier}.")
    if earlier in (0, later):
        return []
    start, end = 0, later
    ranges = []
    while earlier != end:
        middle = start + _largest_power_below(end - start)
        if earlier <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start > 0:
        ranges.append((start, end))
    ranges.reverse()
    return ranges


def needed_nodes(ranges: Iterable[tuple[int, int]]) -> list[Node]:
    """The nodes that give the hashes of `ranges`: what to fetch before a proof is made."""
    return [node for start, end in ranges for node in covering_nodes(start, end)]


def root_of(size: int, source: NodeSource) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return _range_hash(0, size, source)


def inclusion_proof(index: int, size: int, source: NodeSource) -> list[bytes]:
    """The inclusion proof of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1)."""
    return [_range_hash(start, end, source) for start, end in inclusion_ranges(index, size)]


def consistency_proof(earlier: int, later: int, source: NodeSource) -> list[bytes]:
    """The proof that the tree of `later` leaves begins with that of `earlier` (RFC 6962 §2.1.2).

    It is empty when the sizes are equal and when `earlier` is 0: nothing has to be shown.
    """
    return [_range_hash(start, end, source) for start, end in consistency_ranges(earlier, later)]


# ---- verifying proofs


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Nothing when `leaf` is leaf `index` of the tree with this root, else `InclusionFails`.

    Does what RFC 9162 §2.1.3.2 describes. `Malformed` when no tree could have such numbers or
    hashes.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise Malformed(f"A tree of {size} leaves has no leaf {index}.")
    _require_hashes([leaf, root, *proof])
    turns, edge = _path_shape(index, size)
    if len(proof) != turns + edge:
        raise InclusionFails(
            f"The inclusion proof has {len(proof)} hashes; in this tree it needs {turns + edge}."
        )
    if _climb(leaf, index, proof[:turns], proof[turns:]) != root:
        raise InclusionFails("The inclusion proof does not lead from the leaf to the root.")


def verify_consistency(
    earlier: int,
    later: int,
    proof: Sequence[bytes],
    earlier_root: bytes,
    later_root: bytes,
) -> None:
    """Nothing when the later tree begins with the earlier one, else `ConsistencyFails`.

    Does what RFC 9162 §2.1.4.2 describes. Two roots for one size are `RootMismatch`; `Malformed`
    when no tree could have such numbers or hashes.
    """
    if not 0 <= earlier <= later <= MAX_SIZE:
        raise Malformed(f"A tree of {later} leaves has no earlier tree of {earlier}.")
    _require_hashes([earlier_root, later_root, *proof])
    if later == 0 and later_root != EMPTY_ROOT:
        raise ConsistencyFails("The root given for the empty tree is not that of the empty tree.")
    if earlier == later and earlier_root != later_root:
        raise RootMismatch(f"There are two different roots for the tree of {later} leaves.")
    if earlier in (0, later):
        if earlier == 0 and earlier_root != EMPTY_ROOT:
            raise ConsistencyFails("The root given for the empty tree is not that of it.")
        if proof:
            raise ConsistencyFails("The consistency proof has hashes where none are needed.")
        return
    _follow_consistency(earlier, later, proof, earlier_root, later_root)


def _follow_consistency(
    earlier: int, later: int, proof: Sequence[bytes], earlier_root: bytes, later_root: bytes
) -> None:
    # The proof starts at the largest complete subtree that ends where the earlier tree ends. When
    # that is the whole earlier tree its hash is the earlier root, and the proof leaves it out.
    height = (earlier & -earlier).bit_length() - 1
    whole = earlier == 1 << height
    path = [earlier_root, *proof] if whole else list(proof)
    turns, edge = _path_shape(earlier - 1, later)
    turns -= height
    if len(path) != 1 + turns + edge:
        raise ConsistencyFails(
            f"The consistency proof has {len(proof)} hashes; between these sizes it needs"
            f" {turns + edge + (not whole)}."
        )
    seed, inner, outer = path[0], path[1 : 1 + turns], path[1 + turns :]
    place = (earlier - 1) >> height
    shared = [sibling for level, sibling in enumerate(inner) if place >> level & 1]
    if _climb(seed, -1, shared, outer) != earlier_root:
        raise ConsistencyFails("The consistency proof does not lead to the earlier root.")
    if _climb(seed, place, inner, outer) != later_root:
        raise ConsistencyFails("The consistency proof does not lead to the later root.")


def _path_shape(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a leaf's path lie below the right edge of the tree, and how many on it.

    Below, the bits of the index tell left from right; on the edge every sibling is at the left.
    """
    turns = (index ^ (size - 1)).bit_length()
    return turns, (index >> turns).bit_count()


def _climb(seed: bytes, place: int, inner: Sequence[bytes], outer: Sequence[bytes]) -> bytes:
    node = seed
    for level, sibling in enumerate(inner):
        node = node_hash(sibling, node) if place >> level & 1 else node_hash(node, sibling)
    for sibling in outer:
        node = node_hash(sibling, node)
    return node


def _range_hash(start: int, end: int, source: NodeSource) -> bytes:
    return fold([source(*node) for node in covering_nodes(start, end)])


def _largest_power_below(width: int) -> int:
    return 1 << (width - 1).bit_length() - 1


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise Malformed(f"A hash of the tree has {HASH_BYTES} bytes.")
