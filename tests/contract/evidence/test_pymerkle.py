"""An independent implementation in the same language: pymerkle."""

import random
from typing import Any

import pymerkle as untyped
from casetrail_evidence.merkle import (
    CompactRange,
    NodeSource,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from casetrail_evidence.tiles import TilePlace, TileTree, tile_source

pymerkle: Any = untyped
TREES = 250
PAIRS_PER_TREE = 40


def test_ten_thousand_random_proofs_agree() -> None:
    """INVARIANT I7: roots and proofs of random trees are pymerkle's, and each verifies the other's.

    pymerkle's inclusion proofs are the RFC's and are compared hash by hash. Its consistency proofs
    go down to other nodes than the RFC's, so there each side verifies its own against the other's
    roots; the hashes themselves are compared with Go's in test_go.py.
    """
    chance = random.Random(9162)
    pairs = 0
    for _ in range(TREES):
        count = chance.randint(1, chance.choice([20, 200, 1000]))
        theirs = pymerkle.InmemoryTree(algorithm="sha256")
        theirs.append_entries([chance.randbytes(chance.randint(0, 40)) for _ in range(count)])
        leaves = [theirs.get_leaf(number) for number in range(1, count + 1)]
        tree, compact = TileTree(), CompactRange()
        written = tree.extend(leaves)
        compact.extend(leaves)
        source = tile_source({TilePlace(t.level, t.index): data for t, data in written})
        assert tree.root() == compact.root() == theirs.get_root()
        for _ in range(PAIRS_PER_TREE):
            size = chance.randint(1, count)
            _agree_on(theirs, leaves, source, size, chance.randrange(size))
            pairs += 1
    assert pairs == TREES * PAIRS_PER_TREE == 10_000


def _agree_on(theirs: Any, leaves: list[bytes], source: NodeSource, size: int, index: int) -> None:
    root = root_of(size, source)
    assert root == theirs.get_root(size)

    ours = inclusion_proof(index, size, source)
    proof = theirs.prove_inclusion(index + 1, size)
    assert proof.path == [leaves[index], *ours]
    pymerkle.verify_inclusion(leaves[index], root, proof, index=index + 1, size=size)
    verify_inclusion(leaves[index], index, size, ours, root)

    earlier = index + 1
    earlier_root = theirs.get_root(earlier)
    verify_consistency(earlier, size, consistency_proof(earlier, size, source), earlier_root, root)
    grown = theirs.prove_consistency(earlier, size)
    pymerkle.verify_consistency(root_of(earlier, source), root, grown, earlier, size)
