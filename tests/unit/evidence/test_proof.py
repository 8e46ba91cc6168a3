"""Proofs to hand out: the text, what it shows, and that no bit of it can change."""

import pytest
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.errors import (
    EvidenceError,
    InclusionFails,
    Malformed,
    OriginMismatch,
    SignatureInvalid,
    UnknownKey,
    WitnessesMissing,
)
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey
from casetrail_evidence.merkle import consistency_proof, root_of
from casetrail_evidence.notes import signature_of, with_signatures
from casetrail_evidence.proof import (
    TlogProof,
    consistency_text,
    make_proof,
    parse_consistency,
    verify_proof,
)
from casetrail_evidence.tiles import tile_source

from tests.unit.evidence.trees import numbered_leaves, stored

LEAVES = numbered_leaves(21)
SOURCE = tile_source(stored(LEAVES))
LOG = SignerKey("log.example/casetrail", bytes(range(32)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE_V1)
HEAD = Checkpoint(LOG.name, 21, root_of(21, SOURCE))
NOTE = sign_checkpoint(HEAD, LOG)
KEYS = [LOG.verifier]


def test_the_text_has_the_lines_of_the_format() -> None:
    """Header, index, hashes, an empty line and the signed checkpoint; it reads back."""
    proof = make_proof(20, NOTE, SOURCE)
    lines = str(proof).split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 20"]
    assert lines[2 + len(proof.hashes)] == ""
    assert str(proof).endswith(str(NOTE))
    assert TlogProof.parse(str(proof).encode()) == proof


@pytest.mark.parametrize("index", range(21))
def test_every_leaf_can_be_proved(index: int) -> None:
    """Each leaf's proof, as text, verifies with the log's key and for that leaf only."""
    proof = TlogProof.parse(str(make_proof(index, NOTE, SOURCE)))
    opened = verify_proof(proof, LEAVES[index], KEYS)
    assert opened.checkpoint == HEAD
    with pytest.raises(InclusionFails):
        verify_proof(proof, LEAVES[(index + 1) % 21], KEYS)


def test_a_log_of_one_leaf_needs_no_hashes() -> None:
    """The proof of the only leaf has no hash lines."""
    note = sign_checkpoint(Checkpoint(LOG.name, 1, LEAVES[0]), LOG)
    text = str(make_proof(0, note, SOURCE))
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example")
    verify_proof(TlogProof.parse(text), LEAVES[0], KEYS)


def test_extra_data_of_others_is_kept() -> None:
    """Another log's extra line survives a round trip; it is not covered by the signature."""
    proof = make_proof(3, NOTE, SOURCE)
    extended = TlogProof(proof.index, proof.hashes, proof.checkpoint, b"more")
    assert "\nextra bW9yZQ==\nindex 3\n" in str(extended)
    assert TlogProof.parse(str(extended)) == extended
    verify_proof(extended, LEAVES[3], KEYS)


def test_every_single_bit_of_a_proof() -> None:
    """INVARIANT I7: no flipped bit of a proof with its log and witness leaves one that verifies."""
    note = with_signatures(NOTE, [signature_of(HEAD.text, WITNESS, at=1_790_000_000)])
    data = str(make_proof(11, note, SOURCE)).encode()

    def verify(text: bytes) -> None:
        witnesses = [WITNESS.verifier]
        verify_proof(TlogProof.parse(text), LEAVES[11], KEYS, witnesses=witnesses, quorum=1)

    verify(data)
    faults: set[type[EvidenceError]] = set()
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceError) as fault:
            verify(bytes(damaged))
        faults.add(fault.type)
    assert faults == {
        InclusionFails,
        Malformed,
        OriginMismatch,
        SignatureInvalid,
        UnknownKey,
        WitnessesMissing,
    }


def test_a_proof_cannot_be_put_on_another_checkpoint() -> None:
    """INVARIANT I7: hashes of one tree do not fit the signed head of another."""
    proof = make_proof(3, NOTE, SOURCE)
    later = sign_checkpoint(Checkpoint(LOG.name, 20, root_of(20, SOURCE)), LOG)
    with pytest.raises(InclusionFails):
        verify_proof(TlogProof(3, proof.hashes, later), LEAVES[3], KEYS)
    with pytest.raises(Malformed):
        verify_proof(TlogProof(20, proof.hashes, later), LEAVES[20], KEYS)


TEXT = str(make_proof(3, NOTE, SOURCE))


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 3", "index 03"),
        TEXT.replace("index 3", "index"),
        TEXT.replace("index 3", "index -3"),
        TEXT.replace("index 3", "Index 3"),
        TEXT.replace("index 3\n", ""),
        TEXT.replace("index 3", "extra !!\nindex 3"),
        TEXT.replace("index 3", "extra \nextra \nindex 3"),
        TEXT.replace("index 3", "index 3\nshort"),
        TEXT.replace("index 3", "index 3\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 130),
        TEXT.replace("\n\n", "\n"),
        TEXT[:-1],
        TEXT.encode() + b"\xff",
        TEXT.replace("index 3", "index 9223372036854775808"),
    ],
)
def test_what_is_no_proof_is_malformed(text: bytes | str) -> None:
    """Every departure from the format is refused."""
    with pytest.raises(Malformed):
        TlogProof.parse(text)


def test_consistency_proofs_are_one_hash_a_line() -> None:
    """The text of a consistency proof reads back, also when it is empty."""
    for earlier in (0, 5, 21):
        hashes = tuple(consistency_proof(earlier, 21, SOURCE))
        text = consistency_text(hashes)
        assert text.count("\n") == len(hashes)
        assert parse_consistency(text) == hashes
    for wrong in ("\n", "x\n", text_without_end(), "AAAA\n"):
        with pytest.raises(Malformed):
            parse_consistency(wrong)


def text_without_end() -> str:
    """A consistency proof whose last newline is cut off."""
    return consistency_text(consistency_proof(5, 21, SOURCE))[:-1]
