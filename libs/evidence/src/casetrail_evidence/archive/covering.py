"""A tree known in part: some leaves, and the hashes of the subtrees that hold all the others."""

from collections.abc import Iterable, Iterator
from typing import Final

from casetrail_evidence.merkle import Node, fold, node_hash

_WHOLE: Final = 63


def covering(leaves: Iterable[int], size: int) -> Iterator[Node]:
    """The leaves (level 0) and the largest subtrees between them, from left to right.

    `leaves` are indexes in ascending order, all below `size`. Together the nodes cover every leaf
    of the tree exactly once.
    """
    at = 0
    for leaf in leaves:
        yield from _between(at, leaf)
        yield Node(0, leaf)
        at = leaf + 1
    yield from _between(at, size)


def _between(start: int, end: int) -> Iterator[Node]:
    while start < end:
        aligned = _WHOLE if start == 0 else (start & -start).bit_length() - 1
        level = min(aligned, (end - start).bit_length() - 1)
        yield Node(level, start >> level)
        start += 1 << level


class CoveredTree:
    """A tree that is put together from such nodes, given from left to right without a hole."""

    def __init__(self) -> None:
        self._hashes: list[bytes] = []
        self.size = 0

    def add(self, node: Node, value: bytes) -> None:
        """The next node; it must begin where the one before ended."""
        assert node.position << node.level == self.size
        position = node.position
        while position & 1:  # then what stands on top is its sibling
            value = node_hash(self._hashes.pop(), value)
            position >>= 1
        self._hashes.append(value)
        self.size += 1 << node.level

    def root(self) -> bytes:
        """The root over what there is now."""
        return fold(self._hashes)
