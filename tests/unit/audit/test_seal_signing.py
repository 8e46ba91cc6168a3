"""The key that the log signs with, as a text of a setting."""

import base64

import pytest
from casetrail_audit.sealing.signing import DEFAULT_ORIGIN, LogKeys, signer_key
from casetrail_evidence.checkpoint import open_checkpoint
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey

SEED = bytes(range(32))
ORIGIN = "casetrail.example/support"


@pytest.mark.parametrize("text", [SEED.hex(), SEED.hex().upper(), base64.b64encode(SEED).decode()])
def test_a_seed_signs_under_the_origin(text: str) -> None:
    """Hex and base64 of the same 32 bytes are the same key, whatever stands around it."""
    key = signer_key(f" {text}\n", ORIGIN)
    assert key.verifier == SignerKey(ORIGIN, SEED).verifier
    assert signer_key(text).name == DEFAULT_ORIGIN


def test_a_signer_key_brings_its_name() -> None:
    """Its name is the origin; another origin is refused in words."""
    text = SignerKey(ORIGIN, SEED).secret_text()
    assert signer_key(text).name == ORIGIN
    assert signer_key(text, ORIGIN).secret_text() == text
    with pytest.raises(ValueError, match=", but the origin of the log is other"):
        signer_key(text, "other.example/log")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither a signer key"),
        ("ab" * 31, "neither a signer key"),
        (base64.b64encode(bytes(31)).decode(), "neither a signer key"),
        ("PRIVATE+KEY+x", "damaged signer key"),
        (SignerKey(ORIGIN, SEED, COSIGNATURE_V1).secret_text(), "key of a witness"),
    ],
)
def test_what_is_no_key_is_refused_with_the_command_that_makes_one(text: str, said: str) -> None:
    """The sentence says what is wrong and how to make a key, and never shows what was given."""
    with pytest.raises(ValueError, match=said) as caught:
        signer_key(text)
    assert "casetrail-verify keygen" in str(caught.value)
    assert text == "" or text not in str(caught.value)


def test_an_origin_that_cannot_sign_is_refused() -> None:
    """Spaces and pluses would break the signature line."""
    with pytest.raises(ValueError, match="cannot sign under 'my log'"):
        signer_key(SEED.hex(), "my log")


def test_a_retiring_key_signs_beside_the_new_one() -> None:
    """Whoever pinned the old key still verifies while it retires."""
    old, new = SignerKey(ORIGIN, SEED), SignerKey(ORIGIN, bytes(32))
    keys = LogKeys.of(new.secret_text(), [SEED.hex()])
    note = keys.sign(0, b"\x01" * 32)
    assert open_checkpoint(note, [old.verifier]).checkpoint.origin == ORIGIN
    assert open_checkpoint(note, [new.verifier]).checkpoint.size == 0
    assert str(note) == str(keys.sign(0, b"\x01" * 32))
