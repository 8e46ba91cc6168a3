"""Tiles: paths, which tiles a tree has, growing in steps, and reading nodes out of them."""

import pytest
from casetrail_evidence.errors import Malformed, TileMismatch, TileMissing
from casetrail_evidence.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    inclusion_ranges,
    needed_nodes,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from casetrail_evidence.tiles import (
    Tile,
    TilePlace,
    TileTree,
    all_tiles,
    partial_tiles,
    tile_source,
    tiles_for,
    verify_tile,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.trees import numbered_leaves, stored

LEAVES = numbered_leaves(70_000)
STORED = stored(LEAVES)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(3, 999, 5), "tile/3/999.p/5"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
        (Tile(10, 999_999), "tile/10/x999/999"),
        (Tile(1, 10**6), "tile/1/x001/x000/000"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    """The path of a tile is that of C2SP tlog-tiles, and gives the tile back."""
    assert tile.path == path
    assert Tile.from_path(path) == tile


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_paths_go_there_and_back(level: int, index: int, width: int) -> None:
    """Every tile has one path."""
    tile = Tile(level, index, width)
    assert Tile.from_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/000",
        "tile/0/" + "x999/" * 7 + "999",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    """A second spelling of a path, or one of no tile, is malformed."""
    with pytest.raises(Malformed):
        Tile.from_path(path)


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000 has the tiles C2SP tlog-tiles counts for it; one of 256 has two."""
    tiles = list(all_tiles(70_000))
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert sum(tile.level == 1 and tile.width == 256 for tile in tiles) == 1
    assert partial_tiles(70_000) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(all_tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(all_tiles(0)) == partial_tiles(0) == []
    assert {TilePlace(tile.level, tile.index) for tile in tiles} == set(STORED)
    assert all(len(STORED[TilePlace(t.level, t.index)]) == 32 * t.width for t in tiles)


def test_a_tree_of_tiles_has_the_root_of_its_leaves() -> None:
    """Tiles and the compact range agree, at the end and at every size read from the tiles."""
    tree = TileTree()
    tree.extend(LEAVES)
    compact = CompactRange()
    compact.extend(LEAVES)
    assert tree.size == 70_000
    assert tree.root() == compact.root() == root_of(70_000, tile_source(STORED))
    compact = CompactRange()
    for leaf in LEAVES[:1000]:
        compact.append(leaf)
        assert compact.root() == root_of(compact.size, tile_source(STORED))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_growing_in_steps_gives_the_same_tiles(steps: list[int]) -> None:
    """However a tree grew, resumed from its tiles each time, it is the same in the end."""
    store: dict[TilePlace, bytes] = {}
    size = 0
    for step in steps:
        tree = TileTree.resume(size, lambda tile: store[TilePlace(tile.level, tile.index)])
        for tile, data in tree.extend(LEAVES[size : size + step]):
            assert len(data) == 32 * tile.width
            place = TilePlace(tile.level, tile.index)
            assert data.startswith(store.get(place, b""))
            store[place] = data
        size += step
        assert tree.root() == root_of(size, tile_source(STORED))
    assert store == stored(LEAVES[:size])


def test_extend_gives_only_what_changed() -> None:
    """One more leaf writes one tile, the one that fills a tile writes the tile above too."""
    tree = TileTree()
    tree.extend(LEAVES[:254])
    assert [tile for tile, _ in tree.extend(LEAVES[254:255])] == [Tile(0, 0, 255)]
    assert [tile for tile, _ in tree.extend(LEAVES[255:256])] == [Tile(0, 0), Tile(1, 0, 1)]
    assert [tile for tile, _ in tree.extend(LEAVES[256:257])] == [Tile(0, 1, 1)]
    assert tree.extend([]) == []


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 70_000), st.data())
def test_proofs_are_made_from_the_tiles_asked_for(size: int, data: st.DataObject) -> None:
    """`tiles_for` names all that a proof needs, at any earlier size, and not much."""
    index = data.draw(st.integers(0, size - 1))
    places = tiles_for(needed_nodes(inclusion_ranges(index, size)))
    assert len(places) <= 6
    source = tile_source({place: STORED[place] for place in places})
    root = root_of(size, tile_source(STORED))
    verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, source), root)
    earlier = index + 1
    proof = consistency_proof(earlier, size, tile_source(STORED))
    verify_consistency(earlier, size, proof, root_of(earlier, tile_source(STORED)), root)


def test_missing_and_short_tiles_are_named() -> None:
    """A tile that is not there or too narrow is a fault of its own, not a wrong proof."""
    with pytest.raises(TileMissing, match="0/273"):
        inclusion_proof(69_999, 70_000, tile_source({}))
    short = {**STORED, TilePlace(0, 273): STORED[TilePlace(0, 273)][:-32]}
    with pytest.raises(TileMissing, match="112 hashes"):
        root_of(70_000, tile_source(short))
    with pytest.raises(TileMissing):
        TileTree.resume(70_000, lambda tile: b"")
    with pytest.raises(TileMissing):
        TileTree.resume(5, lambda tile: bytes(32 * 5 - 1))


def test_a_full_tile_is_checked_against_the_one_above() -> None:
    """INVARIANT I7: a tile with any byte changed does not hash to its place above."""
    above = STORED[TilePlace(1, 0)]
    for index in (0, 1, 255):
        data = STORED[TilePlace(0, index)]
        expected = above[32 * index : 32 * index + 32]
        verify_tile(data, expected)
        damaged = bytearray(data)
        damaged[index * 31] ^= 1
        with pytest.raises(TileMismatch):
            verify_tile(bytes(damaged), expected)
    with pytest.raises(Malformed):
        verify_tile(STORED[TilePlace(0, 273)], above[:32])


def test_wrong_tiles_and_leaves_are_malformed() -> None:
    """Coordinates outside the format and hashes of another length are refused."""
    for level, index, width in [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]:
        with pytest.raises(Malformed):
            Tile(level, index, width)
    with pytest.raises(Malformed):
        TileTree().extend([b"short"])
