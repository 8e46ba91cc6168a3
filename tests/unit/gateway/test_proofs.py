"""The sealed tree over HTTP: checkpoint, key, tiles and proofs, from stored tiles only."""

import pytest
from casetrail_contracts import parse_event
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.merkle import CompactRange, verify_consistency
from casetrail_evidence.proof import TlogProof, parse_consistency, verify_proof
from casetrail_evidence.tiles import TilePlace, all_tiles

from tests.unit.gateway.story import LEAF
from tests.unit.gateway.world import MemoryTree, World

SIZE = 70_000


@pytest.fixture(scope="module")
def large() -> MemoryTree:
    """A tree with three levels of tiles; its first twelve leaves are those of the story."""
    return MemoryTree([LEAF] * 12 + [n.to_bytes(32, "big") for n in range(12, SIZE)])


def root_at(size: int) -> bytes:
    """The root of the first leaves of the large tree."""
    tree = CompactRange()
    tree.extend([LEAF] * min(size, 12) + [n.to_bytes(32, "big") for n in range(12, size)])
    return tree.root()


async def test_anybody_gets_checkpoint_and_key_and_they_fit() -> None:
    """No token is needed, and the one verifies with the other."""
    world = World()
    note = await world.get("/log/checkpoint", None)
    key = await world.get("/log/key", None)
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-cache"
    opened = open_checkpoint(note.text, [VerifierKey.parse(key.text.strip())])
    assert opened.checkpoint.size == 12
    assert (await world.get("/log/rotations", None)).json() == {"rotations": []}
    assert world.stream.events == []


async def test_a_record_is_proved_and_the_look_is_recorded(large: MemoryTree) -> None:
    """INVARIANT I9: the proof verifies, and asking for it is a recorded look like any other."""
    world = World(tree=large)
    answer = await world.get("/v1/records/9/proof")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    proof = TlogProof.parse(answer.text)
    assert large.sealed is not None
    verify_proof(proof, LEAF, [VerifierKey.parse(large.sealed.key)])
    assert proof.index == 8
    (event,) = world.stream.events
    data = parse_event(event.to_bytes()).model_dump()["data"]
    assert (data["what"], data["target"]) == ("proof", "record/9")


async def test_an_agent_gets_the_proof_of_their_own_records_only() -> None:
    """INVARIANT I9: whoever may not read a record gets no proof of it either."""
    world = World()
    assert (await world.get("/v1/records/1/proof", "token-agent")).status_code == 200
    assert (await world.get("/v1/records/8/proof", "token-agent")).status_code == 403
    assert (await world.get("/v1/records/1/proof", "token-stranger")).status_code == 404


async def test_what_is_not_sealed_yet_says_so() -> None:
    """A record beyond the tree, and a log of which nothing is sealed: 404 with what to do."""
    world = World(tree=MemoryTree([LEAF] * 4))
    answer = await world.get("/v1/records/9/proof")
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:casetrail:problem:proof-not-found",
    )
    assert "has 4 leaves" in answer.json()["detail"]
    world.tree.sealed = None
    for path in ("/log/checkpoint", "/log/key", "/log/tile/0/000", "/log/consistency?from=0&to=0"):
        answer = await world.get(path, None)
        assert (answer.status_code, answer.json()["detail"]) == (404, "Nothing is sealed yet.")


async def test_every_tile_of_the_tree_is_served(large: MemoryTree) -> None:
    """Full and partial tiles by their C2SP paths, for ever the same."""
    world = World(tree=large)
    for tile in all_tiles(SIZE):
        answer = await world.get(f"/log/{tile.path}", None)
        assert answer.content == large.stored[TilePlace(tile.level, tile.index)], tile.path
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "immutable" in answer.headers["cache-control"]
    partial = await world.get("/log/tile/0/000.p/7", None)
    assert partial.content == LEAF * 7


@pytest.mark.parametrize(
    "path",
    [
        "0/274",  # no such tile
        "0/273.p/113",  # wider than the signed tree: 70,000 = 273 · 256 + 112
        "1/001.p/18",
        "3/000",
        "0/0",
        "0/x001/001",
        "0/000.p/256",
        "0/000.p/0",
        "00/000",
        "entries/000",
        "64/000",
        "0/000/",
        "-1/000",
        "0/٠٠٠",
        "",
    ],
)
async def test_a_tile_that_is_not_there_is_a_problem(large: MemoryTree, path: str) -> None:
    """Whatever is no tile of the signed tree, or not in the one spelling, is 404."""
    answer = await World(tree=large).get(f"/log/tile/{path}", None)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("earlier", "later"), [(0, 5), (5, 5), (1, 2), (7, 12), (255, 257), (256, SIZE), (65_537, SIZE)]
)
async def test_consistency_is_proved(large: MemoryTree, earlier: int, later: int) -> None:
    """The proof leads from the one root to the other, for sizes never signed as well."""
    answer = await World(tree=large).get(f"/log/consistency?from={earlier}&to={later}", None)
    assert answer.status_code == 200
    proof = parse_consistency(answer.text)
    verify_consistency(earlier, later, proof, root_at(earlier), root_at(later))


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=5&to=4", 400), ("from=1&to=70001", 404), ("from=-1&to=4", 422), ("from=1", 422)],
)
async def test_sizes_that_make_no_sense_are_problems(
    large: MemoryTree, query: str, status: int
) -> None:
    """Backwards, beyond the tree, below zero, or missing."""
    answer = await World(tree=large).get(f"/log/consistency?{query}", None)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_damaged_tree_proves_nothing_and_says_so() -> None:
    """INVARIANT I7: a tile that was edited is told as such instead of handing out a false proof."""
    tree = MemoryTree([n.to_bytes(32, "big") for n in range(300)])
    tree.stored[TilePlace(0, 0)] = bytes(32) + tree.stored[TilePlace(0, 0)][32:]
    world = World(tree=tree)
    answer = await world.get("/v1/records/2/proof")
    assert (answer.status_code, answer.json()["type"]) == (
        500,
        "urn:casetrail:problem:tree-inconsistent",
    )
    assert "casetrail-verify fsck" in answer.json()["detail"]
    del tree.stored[TilePlace(0, 0)]
    assert (await world.get("/v1/records/2/proof")).status_code == 500
    assert (await world.get("/log/consistency?from=3&to=300")).status_code == 500
    gone = await world.get("/log/tile/0/000", None)
    assert (gone.status_code, "is gone" in gone.json()["detail"]) == (404, True)
