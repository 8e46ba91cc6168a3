"""The tree: published vectors, the RFC's own definitions, and proofs that must not pass."""

from collections.abc import Callable

import pytest
from casetrail_evidence.errors import (
    ConsistencyFails,
    EvidenceError,
    InclusionFails,
    Malformed,
    RootMismatch,
)
from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    needed_nodes,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from casetrail_evidence.tiles import tile_source
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.evidence.trees import numbered_leaves, rfc_path, rfc_proof, rfc_root, stored

# the reference tree of Certificate Transparency: eight leaves, the roots at every size, some proofs
CT_LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
CT_INCLUSION = [
    (0, 1, []),
    (0, 8, [A, B, C]),
    (5, 8, [D, E, CT_ROOTS[4]]),
    (2, 3, [CT_ROOTS[2]]),
    (1, 5, [CT_ROOTS[1], B, D]),
]
CT_CONSISTENCY = [
    (1, 1, []),
    (1, 8, [A, B, C]),
    (6, 8, [F, E, CT_ROOTS[4]]),
    (2, 5, [B, D]),
]

LEAVES = numbered_leaves(600)
SOURCE = tile_source(stored(LEAVES))
sizes = st.integers(1, len(LEAVES))


def test_published_roots() -> None:
    """The roots of the reference tree at sizes 0 to 8."""
    tree = CompactRange()
    for size, root in enumerate(CT_ROOTS):
        assert tree.root().hex() == root
        if size < len(CT_LEAVES):
            tree.append(CT_LEAVES[size])


@pytest.mark.parametrize(("index", "size", "proof"), CT_INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    """The reference tree's inclusion proofs are made, and verify."""
    hashes = [bytes.fromhex(text) for text in proof]
    assert inclusion_proof(index, size, tile_source(stored(CT_LEAVES))) == hashes
    verify_inclusion(CT_LEAVES[index], index, size, hashes, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("earlier", "later", "proof"), CT_CONSISTENCY)
def test_published_consistency_proofs(earlier: int, later: int, proof: list[str]) -> None:
    """The reference tree's consistency proofs are made, and verify."""
    hashes = [bytes.fromhex(text) for text in proof]
    assert consistency_proof(earlier, later, tile_source(stored(CT_LEAVES))) == hashes
    roots = [bytes.fromhex(CT_ROOTS[size]) for size in (earlier, later)]
    verify_consistency(earlier, later, hashes, *roots)


@pytest.mark.parametrize("size", range(40))
def test_every_small_tree_is_as_the_rfc_defines_it(size: int) -> None:
    """Roots, inclusion and consistency proofs equal the RFC's recursive definitions; all verify."""
    leaves = LEAVES[:size]
    root = rfc_root(leaves)
    assert root_of(size, SOURCE) == root
    for index in range(size):
        proof = inclusion_proof(index, size, SOURCE)
        assert proof == rfc_path(index, leaves)
        verify_inclusion(leaves[index], index, size, proof, root)
    for earlier in range(1, size + 1):
        proof = consistency_proof(earlier, size, SOURCE)
        assert proof == rfc_proof(earlier, leaves)
        verify_consistency(earlier, size, proof, rfc_root(leaves[:earlier]), root)


@settings(deadline=None, max_examples=300)
@given(sizes, st.data())
def test_a_leaf_verifies_in_its_place_only(size: int, data: st.DataObject) -> None:
    """A proof of one place never shows another leaf, another place, or another size's root."""
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    other_size = data.draw(sizes)
    root = root_of(size, SOURCE)
    proof = inclusion_proof(index, size, SOURCE)
    verify_inclusion(LEAVES[index], index, size, proof, root)
    if other != index:
        with pytest.raises(InclusionFails):
            verify_inclusion(LEAVES[other], index, size, proof, root)
        with pytest.raises(InclusionFails):
            verify_inclusion(LEAVES[index], other, size, proof, root)
    if other_size != size:
        with pytest.raises(InclusionFails):
            verify_inclusion(LEAVES[index], index, size, proof, root_of(other_size, SOURCE))


@settings(deadline=None, max_examples=300)
@given(sizes, sizes, st.data())
def test_a_changed_history_is_not_consistent(one: int, two: int, data: st.DataObject) -> None:
    """INVARIANT I7: changing any leaf of the earlier tree makes every proof fail."""
    earlier, later = sorted((one, two))
    changed = list(LEAVES[:later])
    changed[data.draw(st.integers(0, earlier - 1))] = leaf_hash("something else")
    forged = tile_source(stored(changed))
    roots = root_of(earlier, SOURCE), root_of(later, forged)
    for source in (SOURCE, forged):
        proof = consistency_proof(earlier, later, source)
        with pytest.raises((ConsistencyFails, RootMismatch)):
            verify_consistency(earlier, later, proof, *roots)
    verify_consistency(earlier, later, consistency_proof(earlier, later, SOURCE),
                       roots[0], root_of(later, SOURCE))  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(sizes, sizes, st.data())
def test_every_change_of_a_proof_fails(one: int, two: int, data: st.DataObject) -> None:
    """INVARIANT I7: a flipped bit, a dropped, doubled, swapped or added hash never verifies."""
    earlier, later = sorted((one, two))
    index = earlier - 1
    root, old_root = root_of(later, SOURCE), root_of(earlier, SOURCE)
    inclusion = inclusion_proof(index, later, SOURCE)
    consistency = consistency_proof(earlier, later, SOURCE)

    def include(proof: list[bytes]) -> None:
        verify_inclusion(LEAVES[index], index, later, proof, root)

    def extend(proof: list[bytes]) -> None:
        verify_consistency(earlier, later, proof, old_root, root)

    for verify, proof in ((include, inclusion), (extend, consistency)):
        verify(proof)
        for forged in _damaged(proof, data):
            with pytest.raises((InclusionFails, ConsistencyFails)):
                verify(forged)


def _damaged(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    extra = [*proof, leaf_hash("extra")]
    if not proof:
        return [extra]
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    damaged = [
        extra,
        [leaf_hash("extra"), *proof],
        [*proof[:at], flipped, *proof[at + 1 :]],
        [*proof[:at], *proof[at + 1 :]],
        [*proof[:at], proof[at], *proof[at:]],
    ]
    if len(proof) > 1:
        damaged.append(proof[::-1])
    return damaged


def test_every_single_bit_of_two_proofs() -> None:
    """INVARIANT I7: each of the bits of an inclusion and a consistency proof matters."""
    root, old_root = root_of(600, SOURCE), root_of(77, SOURCE)
    inclusion = inclusion_proof(300, 600, SOURCE)
    consistency = consistency_proof(77, 600, SOURCE)
    for proof, verify in (
        (inclusion, lambda p: verify_inclusion(LEAVES[300], 300, 600, p, root)),
        (consistency, lambda p: verify_consistency(77, 600, p, old_root, root)),
    ):
        check: Callable[[list[bytes]], None] = verify
        check(proof)
        joined = b"".join(proof)
        for bit in range(len(joined) * 8):
            damaged = bytearray(joined)
            damaged[bit // 8] ^= 1 << bit % 8
            parts = [bytes(damaged[at : at + 32]) for at in range(0, len(damaged), 32)]
            with pytest.raises((InclusionFails, ConsistencyFails)):
                check(parts)


def test_two_roots_of_one_size_are_named_as_such() -> None:
    """INVARIANT I7: a fork at one size has its own error."""
    with pytest.raises(RootMismatch, match="two different roots"):
        verify_consistency(5, 5, [], root_of(5, SOURCE), root_of(6, SOURCE))


def test_growth_from_nothing_and_by_nothing() -> None:
    """From size 0 and to the same size the proof is empty, and must be."""
    root = root_of(5, SOURCE)
    assert consistency_proof(0, 5, SOURCE) == consistency_proof(5, 5, SOURCE) == []
    verify_consistency(0, 5, [], EMPTY_ROOT, root)
    verify_consistency(5, 5, [], root, root)
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    for earlier, earlier_root, later, proof in [
        (0, root, 5, []),
        (0, EMPTY_ROOT, 5, [root]),
        (5, root, 5, [root]),
        (3, root_of(3, SOURCE), 5, []),
        (4, root_of(4, SOURCE), 5, []),
        (0, root, 0, []),
    ]:
        with pytest.raises((ConsistencyFails, RootMismatch)):
            verify_consistency(earlier, later, proof, earlier_root, root)


@pytest.mark.parametrize(
    "call",
    [
        lambda h: verify_inclusion(h, 3, 3, [], h),
        lambda h: verify_inclusion(h, -1, 3, [], h),
        lambda h: verify_inclusion(h, 0, 2**63, [], h),
        lambda h: verify_inclusion(h, 0, 2, [b"short"], h),
        lambda h: verify_inclusion(b"short", 0, 1, [], b"short"),
        lambda h: verify_consistency(3, 2, [], h, h),
        lambda h: verify_consistency(-1, 2, [], h, h),
        lambda h: verify_consistency(1, 2, [b"short"], h, h),
        lambda h: inclusion_proof(3, 3, SOURCE),
        lambda h: consistency_proof(4, 3, SOURCE),
        lambda h: CompactRange(3, [h]),
        lambda h: CompactRange(1, [b"short"]),
        lambda h: CompactRange.from_bytes(b"short"),
        lambda h: CompactRange.from_bytes(bytes(8) + h),
    ],
)
def test_impossible_numbers_and_hashes_are_malformed(call: Callable[[bytes], object]) -> None:
    """What no tree could have is refused before anything is hashed."""
    with pytest.raises(Malformed):
        call(bytes(32))


def test_a_compact_range_can_be_kept_at_any_size() -> None:
    """Growing in steps, kept and taken up again between them, gives every root."""
    kept = CompactRange().to_bytes()
    for size, leaf in enumerate(LEAVES[:70], start=1):
        tree = CompactRange.from_bytes(kept)
        tree.append(leaf)
        kept = tree.to_bytes()
        assert (tree.size, tree.root()) == (size, root_of(size, SOURCE))
        assert len(tree.hashes) == size.bit_count()
    whole = CompactRange()
    whole.extend(LEAVES[:70])
    assert whole.to_bytes() == kept


@settings(deadline=None)
@given(st.integers(1, 2**40), st.data())
def test_needed_nodes_are_few_and_complete(size: int, data: st.DataObject) -> None:
    """A proof in a tree of any size asks for a few dozen complete subtrees inside it."""
    index = data.draw(st.integers(0, size - 1))
    earlier = data.draw(st.integers(1, size))
    for ranges in (inclusion_ranges(index, size), consistency_ranges(earlier, size)):
        nodes = needed_nodes(ranges)
        assert len(nodes) <= 2 * size.bit_length()
        for node in nodes:
            assert isinstance(node, Node)
            assert (node.position + 1) << node.level <= size


@settings(deadline=None)
@given(st.integers(1, 2**40), st.data())
def test_proof_lengths_match_what_verification_expects(size: int, data: st.DataObject) -> None:
    """In trees far too large to build, made-up hashes of the right number fail only at the root."""
    index = data.draw(st.integers(0, size - 1))
    assume(size > 1)
    count = len(inclusion_ranges(index, size))
    with pytest.raises(InclusionFails, match="does not lead"):
        verify_inclusion(bytes(32), index, size, [bytes(32)] * count, b"r" * 32)
    with pytest.raises(InclusionFails, match="needs"):
        verify_inclusion(bytes(32), index, size, [bytes(32)] * (count + 1), b"r" * 32)
    earlier = data.draw(st.integers(1, size - 1))
    count = len(consistency_ranges(earlier, size))
    with pytest.raises(ConsistencyFails, match="does not lead"):
        verify_consistency(earlier, size, [bytes(32)] * count, b"q" * 32, b"r" * 32)
    with pytest.raises(EvidenceError, match="needs"):
        verify_consistency(earlier, size, [bytes(32)] * (count + 1), b"q" * 32, b"r" * 32)
