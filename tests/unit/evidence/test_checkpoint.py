"""Checkpoints: text, signatures, witnesses, and growth from one to the next."""

from collections.abc import Callable

import pytest
from casetrail_evidence.checkpoint import (
    Checkpoint,
    open_checkpoint,
    sign_checkpoint,
    verify_growth,
)
from casetrail_evidence.errors import (
    ConsistencyFails,
    Malformed,
    OriginMismatch,
    RootMismatch,
    SignatureInvalid,
    UnknownKey,
    WitnessesMissing,
)
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey
from casetrail_evidence.merkle import EMPTY_ROOT, consistency_proof, root_of
from casetrail_evidence.notes import Note, Signature, signature_of, with_signatures
from casetrail_evidence.tiles import tile_source

from tests.unit.evidence.trees import numbered_leaves, stored

ORIGIN = "log.example/casetrail"
LOG = SignerKey(ORIGIN, bytes(range(32)))
OTHER = SignerKey("other.example/log", bytes(range(3, 35)))
WITNESSES = [
    SignerKey(f"witness.example/w{number}", bytes([number]) * 32, COSIGNATURE_V1)
    for number in (1, 2, 3)
]
SOURCE = tile_source(stored(numbered_leaves(300)))
HEAD = Checkpoint(ORIGIN, 300, root_of(300, SOURCE))


def test_the_text_is_three_lines() -> None:
    """Origin, size and base64 root, each on a line, and it reads back."""
    text = Checkpoint("example.com/log", 0, EMPTY_ROOT).text
    assert text == "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.parse(text) == Checkpoint("example.com/log", 0, EMPTY_ROOT)


def test_extension_lines_are_kept() -> None:
    """Further lines of another log's checkpoint survive a round trip."""
    checkpoint = Checkpoint("a", 1, bytes(32), ("one", "two"))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


def test_a_signed_checkpoint_opens() -> None:
    """The log's own key opens it; without an origin given the key's name is the origin."""
    note = sign_checkpoint(HEAD, LOG)
    for origin in (None, ORIGIN):
        opened = open_checkpoint(str(note).encode(), [LOG.verifier], origin=origin)
        assert opened.checkpoint == HEAD
        assert [signature.key for signature in opened.signed_by] == [LOG.verifier]


def test_another_log_is_told_apart() -> None:
    """INVARIANT I7: a validly signed checkpoint of another log is not this log's."""
    other = Checkpoint("other.example/log", 300, HEAD.root)
    with pytest.raises(OriginMismatch):
        open_checkpoint(sign_checkpoint(other, OTHER), [LOG.verifier])
    with pytest.raises(OriginMismatch):
        open_checkpoint(sign_checkpoint(other, LOG), [LOG.verifier])
    with pytest.raises(OriginMismatch):
        open_checkpoint(sign_checkpoint(HEAD, LOG), [LOG.verifier], origin="other.example/log")


def test_one_log_does_not_sign_for_another() -> None:
    """INVARIANT I7: with the keys of two logs at hand, each opens its own checkpoints only."""
    keys = [LOG.verifier, OTHER.verifier]
    with pytest.raises(UnknownKey):
        open_checkpoint(sign_checkpoint(HEAD, OTHER), keys)
    assert open_checkpoint(sign_checkpoint(HEAD, LOG), keys).checkpoint == HEAD


def test_a_key_of_another_name_can_be_accepted_by_naming_the_origin() -> None:
    """Who names the origin may trust a key under any name for it."""
    opened = open_checkpoint(sign_checkpoint(HEAD, OTHER), [OTHER.verifier], origin=ORIGIN)
    assert opened.signed_by[0].key == OTHER.verifier


def test_witnesses_are_counted() -> None:
    """A quorum of known witnesses is needed when asked for; each counts once."""
    note = with_signatures(
        sign_checkpoint(HEAD, LOG),
        [signature_of(HEAD.text, witness, at=1_790_000_000) for witness in WITNESSES[:2]],
    )
    known = [witness.verifier for witness in WITNESSES]
    opened = open_checkpoint(note, [LOG.verifier], witnesses=known, quorum=2)
    assert [s.key.name for s in opened.cosigned_by] == [w.name for w in WITNESSES[:2]]
    assert {s.timestamp for s in opened.cosigned_by} == {1_790_000_000}
    with pytest.raises(WitnessesMissing, match="by 2"):
        open_checkpoint(note, [LOG.verifier], witnesses=known, quorum=3)
    with pytest.raises(WitnessesMissing, match="by 1"):
        open_checkpoint(note, [LOG.verifier], witnesses=known[1:], quorum=2)


def test_witnesses_alone_are_not_the_log() -> None:
    """INVARIANT I7: cosignatures do not replace the log's own signature."""
    note = Note(HEAD.text, (signature_of(HEAD.text, WITNESSES[0], at=1),))
    with pytest.raises(UnknownKey):
        open_checkpoint(note, [LOG.verifier], witnesses=[WITNESSES[0].verifier], quorum=1)


def test_a_false_cosignature_spoils_the_checkpoint() -> None:
    """INVARIANT I7: a known witness's signature must hold."""
    false = Signature(WITNESSES[0].name, WITNESSES[0].verifier.id, bytes(72))
    note = with_signatures(sign_checkpoint(HEAD, LOG), [false])
    with pytest.raises(SignatureInvalid):
        open_checkpoint(note, [LOG.verifier], witnesses=[WITNESSES[0].verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\nAAAA\n",
        "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n+1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n1_0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n١\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n9223372036854775808\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
    ],
)
def test_what_is_no_checkpoint_is_malformed(text: str) -> None:
    """Sizes, roots and lines have one spelling each."""
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Checkpoint("", 1, bytes(32)),
        lambda: Checkpoint("a\nb", 1, bytes(32)),
        lambda: Checkpoint("a\tb", 1, bytes(32)),
        lambda: Checkpoint("a", -1, bytes(32)),
        lambda: Checkpoint("a", 2**63, bytes(32)),
        lambda: Checkpoint("a", 1, bytes(31)),
        lambda: Checkpoint("a", 1, bytes(32), ("",)),
    ],
)
def test_a_checkpoint_that_would_not_read_back_is_not_made(make: Callable[[], object]) -> None:
    """What `parse` refuses cannot be built and signed either."""
    with pytest.raises(Malformed):
        make()


def test_growth_from_one_checkpoint_to_the_next() -> None:
    """INVARIANT I7: growth verifies; a fork, a truncation and another log each have their fault."""
    earlier = Checkpoint(ORIGIN, 100, root_of(100, SOURCE))
    proof = consistency_proof(100, 300, SOURCE)
    verify_growth(earlier, HEAD, proof)
    verify_growth(HEAD, HEAD, [])
    with pytest.raises(ConsistencyFails):
        verify_growth(Checkpoint(ORIGIN, 100, root_of(101, SOURCE)), HEAD, proof)
    with pytest.raises(ConsistencyFails, match="shrank from 300 to 100"):
        verify_growth(HEAD, earlier, proof)
    with pytest.raises(RootMismatch):
        verify_growth(HEAD, Checkpoint(ORIGIN, 300, earlier.root), [])
    with pytest.raises(OriginMismatch):
        verify_growth(Checkpoint("other", 100, earlier.root), HEAD, proof)
