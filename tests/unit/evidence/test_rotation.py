"""A log changes its key by a note that both keys sign."""

import pytest
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.errors import EvidenceError, Malformed, OriginMismatch, UnknownKey
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.notes import parse_note, sign_note
from casetrail_evidence.rotation import Rotation, follow_rotations, sign_rotation

NAME = "log.example/casetrail"
FIRST, SECOND, THIRD = (SignerKey(NAME, bytes([n]) * 32) for n in (1, 2, 3))


def test_a_pinned_key_leads_to_the_newest() -> None:
    """Two changes are followed from the first key on, also as texts."""
    notes = [sign_rotation(7, FIRST, SECOND), sign_rotation(9, SECOND, THIRD)]
    every = [FIRST.verifier, SECOND.verifier, THIRD.verifier]
    assert follow_rotations([FIRST.verifier], notes) == every
    assert follow_rotations([FIRST.verifier], [str(note) for note in notes]) == every
    assert Rotation.parse(notes[0].text) == Rotation(FIRST.verifier, SECOND.verifier, 7)


def test_who_pinned_a_later_key_passes_over_the_changes_before() -> None:
    """A note by keys that are not trusted brings nothing in, and is no fault."""
    notes = [sign_rotation(7, FIRST, SECOND), sign_rotation(9, SECOND, THIRD)]
    assert follow_rotations([SECOND.verifier], notes) == [SECOND.verifier, THIRD.verifier]
    assert follow_rotations([THIRD.verifier], notes) == [THIRD.verifier]


@pytest.mark.parametrize("signer", [FIRST, SECOND, THIRD])
def test_one_signature_alone_brings_nothing_in(signer: SignerKey) -> None:
    """INVARIANT I7: the old key must agree, and the new one must be somebody's."""
    text = Rotation(FIRST.verifier, SECOND.verifier, 7).text
    with pytest.raises(UnknownKey):
        follow_rotations([FIRST.verifier], [sign_note(text, signer)])


def test_any_edit_of_a_rotation_is_caught() -> None:
    """INVARIANT I7: no byte of a rotation can change unnoticed."""
    text = str(sign_rotation(7, FIRST, SECOND))
    for at in range(len(text.encode())):
        for flip in (1, 128):
            data = bytearray(text.encode())
            data[at] ^= flip
            try:
                note = parse_note(bytes(data))
                trusted = follow_rotations([FIRST.verifier], [note])
            except EvidenceError:
                continue
            assert trusted == [FIRST.verifier], (at, flip)


def test_a_rotation_cannot_pass_for_a_checkpoint() -> None:
    """Its first line is no origin that a key could have, its second no size."""
    with pytest.raises(Malformed):
        open_checkpoint(sign_rotation(7, FIRST, SECOND), [FIRST.verifier])


def test_keys_of_two_logs_and_a_key_for_itself_are_refused() -> None:
    """A rotation is within one log, from one key to another."""
    other = SignerKey("other.example/log", bytes(32))
    with pytest.raises(OriginMismatch):
        sign_rotation(7, FIRST, other)
    with pytest.raises(Malformed):
        sign_rotation(7, FIRST, FIRST)
    forged = Rotation(FIRST.verifier, SECOND.verifier, 7).text.replace(NAME, "other.example", 1)
    with pytest.raises(OriginMismatch):
        Rotation.parse(forged)
    for text in ("", "casetrail key rotation v1\n", forged + "more\n"):
        with pytest.raises(Malformed):
            Rotation.parse(text)
