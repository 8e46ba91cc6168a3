"""Tiles (C2SP tlog-tiles): the tree in pieces of 256 hashes, as it is stored and served.

A tile at level L holds the hashes of 256 neighbouring nodes of tree level 8·L; what lies between is
computed again. The rightmost tile of a level may be partial, and a tile only ever grows at its end,
so the widest version of a tile holds every narrower one as its beginning.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from casetrail_evidence.errors import Malformed, TileMismatch, TileMissing
from casetrail_evidence.merkle import (
    HASH_BYTES,
    MAX_SIZE,
    Node,
    fold,
    node_hash,
    split_hashes,
)

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 63

_PATH = re.compile(r"tile/(0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Where a tile stands, and how many hashes of it there are (256 when full)."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (
            0 <= self.level <= MAX_LEVEL
            and 0 <= self.index <= MAX_SIZE
            and 1 <= self.width <= WIDTH
        ):
            raise Malformed(f"There is no tile {self.level}/{self.index} of width {self.width}.")

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`: index 1234067 at level 0 is `tile/0/x001/x234/067`."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{name}{partial}"

    @classmethod
    def from_path(cls, path: str) -> Self:
        """The tile of exactly such a path, or `Malformed`."""
        match = _PATH.fullmatch(path)
        if match is None or not path.isascii():
            raise Malformed(f"{path!r} is not the path of a tile.")
        level, index, width = match.groups()
        number = int(index.replace("x", "").replace("/", ""))
        tile = cls(int(level), number, WIDTH if width is None else int(width))
        if tile.path != path:
            raise Malformed(f"{path!r} is not the path of a tile; {tile.path!r} would be.")
        return tile


@dataclass(frozen=True, slots=True, order=True)
class TilePlace:
    """A tile without its width: what a store keeps the widest version under."""

    level: int
    index: int


def partial_tiles(size: int) -> list[Tile]:
    """The partial tiles on the right edge of the tree of `size` leaves, from level 0 up."""
    tiles = []
    level, count = 0, size
    while count:
        full, width = divmod(count, WIDTH)
        if width:
            tiles.append(Tile(level, full, width))
        level, count = level + 1, full
    return tiles


def all_tiles(size: int) -> Iterable[Tile]:
    """Every tile of the tree of `size` leaves, level by level: what a full check reads."""
    level, count = 0, size
    while count:
        full, width = divmod(count, WIDTH)
        for index in range(full):
            yield Tile(level, index)
        if width:
            yield Tile(level, full, width)
        level, count = level + 1, full


def tiles_for(nodes: Iterable[Node]) -> set[TilePlace]:
    """The tiles that hold what is needed to compute `nodes`: fetch them, then make a source."""
    return {_locate(*node)[0] for node in nodes}


def tile_source(tiles: Mapping[TilePlace, bytes]) -> Callable[[int, int], bytes]:
    """A node source over tiles already fetched; a node it cannot compute raises `TileMissing`."""

    def source(level: int, position: int) -> bytes:
        place, first, count = _locate(level, position)
        data = tiles.get(place)
        part = b"" if data is None else data[first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(part) != count * HASH_BYTES:
            raise TileMissing(
                f"Tile {place.level}/{place.index} is missing, or has fewer than"
                f" {first + count} hashes."
            )
        return complete_root(split_hashes(part))

    return source


def complete_root(hashes: list[bytes]) -> bytes:
    """The root over 2^n hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def verify_tile(data: bytes, above: bytes) -> None:
    """Nothing when a full tile hashes to what the tile above it says, else `TileMismatch`."""
    if len(data) != WIDTH * HASH_BYTES:
        raise Malformed(f"A full tile has {WIDTH * HASH_BYTES} bytes, not {len(data)}.")
    if complete_root(split_hashes(data)) != above:
        raise TileMismatch("The tile does not hash to what the tile above it holds.")


class TileTree:
    """A tree that grows in tiles, kept as the partial tiles of its right edge.

    `extend` gives the tiles to store: each one that became full and the new partial ones. At most
    255 hashes a level are held. Resume it with `TileTree.resume(size, read)`; whoever resumes
    compares `root()` with the last signed checkpoint.
    """

    def __init__(self) -> None:
        self._size = 0
        self._edges: list[list[bytes]] = []

    @classmethod
    def resume(cls, size: int, read: Callable[[Tile], bytes]) -> Self:
        """The tree of `size` leaves; `read` gives the bytes of a partial tile (or a wider one)."""
        tree = cls()
        tree._size = size
        for tile in partial_tiles(size):
            hashes = split_hashes(read(tile)[: tile.width * HASH_BYTES])
            if len(hashes) != tile.width or len(hashes[-1]) != HASH_BYTES:
                raise TileMissing(f"{tile.path} has fewer than {tile.width} hashes.")
            while len(tree._edges) < tile.level:
                tree._edges.append([])
            tree._edges.append(hashes)
        return tree

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def extend(self, leaves: Iterable[bytes]) -> list[tuple[Tile, bytes]]:
        """More leaf hashes, in order; the tiles that changed with their bytes, full ones first."""
        pending = list(leaves)
        if any(len(leaf) != HASH_BYTES for leaf in pending):
            raise Malformed(f"A leaf hash has {HASH_BYTES} bytes.")
        before = self._size
        self._size += len(pending)
        full_tiles: list[tuple[Tile, bytes]] = []
        changed: list[tuple[Tile, bytes]] = []
        level = 0
        while pending:
            if level == len(self._edges):
                self._edges.append([])
            index = before >> HEIGHT * (level + 1)
            edge = self._edges[level] + pending
            pending = []
            filled = len(edge) - len(edge) % WIDTH
            for at in range(0, filled, WIDTH):
                hashes = edge[at : at + WIDTH]
                full_tiles.append((Tile(level, index), b"".join(hashes)))
                pending.append(complete_root(hashes))
                index += 1
            edge = edge[filled:]
            self._edges[level] = edge
            if edge:
                changed.append((Tile(level, index, len(edge)), b"".join(edge)))
            level += 1
        return full_tiles + changed

    def root(self) -> bytes:
        """The root at the present size."""
        subtrees: list[bytes] = []
        for edge in reversed(self._edges):
            at = 0
            while at < len(edge):
                width = 1 << (len(edge) - at).bit_length() - 1
                subtrees.append(complete_root(edge[at : at + width]))
                at += width
        return fold(subtrees)


def _locate(level: int, position: int) -> tuple[TilePlace, int, int]:
    """The tile that holds the hashes a node is computed from, the first of them, and how many."""
    tile_level, height = divmod(level, HEIGHT)
    first = position << height
    return TilePlace(tile_level, first >> HEIGHT), first & WIDTH - 1, 1 << height
