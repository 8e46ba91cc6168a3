"""Signed notes and their keys: the published example, signing, and everything that is refused."""

import base64

import pytest
from casetrail_evidence.errors import Malformed, SignatureInvalid, UnknownKey
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey, VerifierKey, cosigned_message
from casetrail_evidence.notes import (
    MAX_SIGNATURES,
    Note,
    Signature,
    open_note,
    parse_note,
    sign_note,
    signature_of,
    with_signatures,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# the example of C2SP signed-note
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ON"
    "ncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

LOG = SignerKey("log.example/casetrail", bytes(range(32)))
NEXT = SignerKey("log.example/casetrail", bytes(range(1, 33)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE_V1)
TEXT = "First line\n\nafter an empty line, naïve ✓\n"


def test_the_published_example_verifies() -> None:
    """The example of the specification verifies with its key, and is written back alike."""
    key = VerifierKey.parse(EXAMPLE_KEY)
    opened = open_note(EXAMPLE_NOTE.encode(), [key])
    assert opened.text == "This is an example message.\n"
    assert [signature.key for signature in opened.signed_by] == [key]
    assert str(parse_note(EXAMPLE_NOTE)) == EXAMPLE_NOTE
    assert str(key) == EXAMPLE_KEY


def test_keys_go_to_text_and_back() -> None:
    """A verifier key and a signing key read back as themselves."""
    for signer in (LOG, WITNESS, SignerKey.generate("new.example/log")):
        assert VerifierKey.parse(str(signer.verifier)) == signer.verifier
        again = SignerKey.parse(signer.secret_text())
        assert again.verifier == signer.verifier
        assert again.sign("x\n", None if signer is not WITNESS else 1)


def test_a_signing_key_does_not_show_its_secret() -> None:
    """Printing a signing key shows the public part only."""
    material = LOG.secret_text().rpartition("+")[2]
    assert material not in f"{LOG!r} {LOG}"
    assert bytes(range(32)).hex() not in repr(LOG)


def test_several_keys_sign_one_note() -> None:
    """All signatures by known keys are given, in order; the rest is left aside."""
    note = sign_note(TEXT, LOG, NEXT)
    both = open_note(str(note), [NEXT.verifier, LOG.verifier])
    assert [signature.key for signature in both.signed_by] == [LOG.verifier, NEXT.verifier]
    one = open_note(str(note), [NEXT.verifier])
    assert [signature.key for signature in one.signed_by] == [NEXT.verifier]
    assert [signature.key_id for signature in one.unknown] == [LOG.verifier.id]
    assert one.text == TEXT


def test_key_rotation_keeps_readers_of_either_key() -> None:
    """A note signed by the old and the new key verifies for who knows only one of them."""
    note = sign_note(TEXT, LOG, NEXT)
    for key in (LOG, NEXT):
        assert open_note(note, [key.verifier]).text == TEXT


def test_a_cosignature_names_its_time() -> None:
    """A witness's signature holds for its own time only (tlog-cosignature)."""
    note = with_signatures(sign_note(TEXT, LOG), [signature_of(TEXT, WITNESS, at=1679315147)])
    opened = open_note(str(note), [LOG.verifier, WITNESS.verifier])
    assert [signature.timestamp for signature in opened.signed_by] == [None, 1679315147]
    assert cosigned_message("x\n", 7) == b"cosignature/v1\ntime 7\nx\n"
    value = note.signatures[1].value
    shifted = (1679315148).to_bytes(8, "big") + value[8:]
    for wrong in (shifted, value[:-1], value + b"\x00", b"\xff" * 8 + value[8:]):
        forged = Note(TEXT, (Signature(WITNESS.name, WITNESS.verifier.id, wrong),))
        with pytest.raises(SignatureInvalid):
            open_note(forged, [WITNESS.verifier])


def test_a_cosignature_names_a_possible_time() -> None:
    """Times beyond 2^63-1 are refused even when they were signed (tlog-cosignature)."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
    value = (2**63).to_bytes(8, "big") + private.sign(cosigned_message(TEXT, 2**63))
    with pytest.raises(SignatureInvalid, match="no possible time"):
        WITNESS.verifier.verify(TEXT, value)


def test_a_cosignature_is_not_a_signature() -> None:
    """The same key material under both types has two ids, and neither signs for the other."""
    plain = SignerKey("witness.example/w1", bytes(range(2, 34)))
    assert plain.verifier.id != WITNESS.verifier.id
    with pytest.raises(UnknownKey):
        open_note(sign_note(TEXT, plain), [WITNESS.verifier])
    with pytest.raises(Malformed):
        plain.sign(TEXT, at=1)
    with pytest.raises(Malformed):
        WITNESS.sign(TEXT)
    with pytest.raises(Malformed):
        WITNESS.sign(TEXT, at=2**63)


def test_a_signature_by_a_known_key_must_hold() -> None:
    """INVARIANT I7: one false signature by a known key spoils a note that another key signed."""
    false = Signature(NEXT.name, NEXT.verifier.id, bytes(64))
    note = with_signatures(sign_note(TEXT, LOG), [false])
    with pytest.raises(SignatureInvalid):
        open_note(note, [LOG.verifier, NEXT.verifier])
    assert open_note(note, [LOG.verifier]).text == TEXT


def test_unknown_keys_do_not_count() -> None:
    """INVARIANT I7: a key with the same name, or the same id, is still another key."""
    with pytest.raises(UnknownKey, match=r"log\.example"):
        open_note(sign_note(TEXT, NEXT), [LOG.verifier])
    borrowed = Note(TEXT, (Signature("other.example", LOG.verifier.id, LOG.sign(TEXT)),))
    with pytest.raises(UnknownKey):
        open_note(borrowed, [LOG.verifier])
    with pytest.raises(UnknownKey):
        open_note(sign_note(TEXT, LOG), [])


def test_a_text_signed_elsewhere_does_not_verify() -> None:
    """INVARIANT I7: signatures moved to another text are invalid."""
    moved = Note("Another text\n", sign_note(TEXT, LOG).signatures)
    with pytest.raises(SignatureInvalid):
        open_note(moved, [LOG.verifier])


def test_signatures_are_added_once() -> None:
    """A second signature by the same key changes nothing; a doubled line counts once."""
    note = sign_note(TEXT, LOG)
    assert with_signatures(note, note.signatures) == note
    doubled = Note(TEXT, note.signatures * 2)
    assert len(open_note(doubled, [LOG.verifier]).signed_by) == 1


def test_every_single_bit_of_a_note() -> None:
    """INVARIANT I7: no flipped bit of a signed note leaves a note that verifies."""
    data = str(sign_note(TEXT, LOG)).encode()
    keys = [LOG.verifier]
    open_note(data, keys)
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, SignatureInvalid, UnknownKey)):
            open_note(bytes(damaged), keys)


LINE = str(sign_note(TEXT, LOG)).splitlines()[-1]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n" + LINE,
        "text\n" + LINE + "\n",
        f"text\n\n{LINE}\n{LINE}",
        f"text\n\n{LINE}\ntrailing\n",
        "text\r\n\n" + LINE + "\n",
        "te\x00xt\n\n" + LINE + "\n",
        "te\ud800xt\n\n" + LINE + "\n",
        b"te\xffxt\n\n" + LINE.encode() + b"\n",
        "text\n\n" + LINE.replace("— ", "- ") + "\n",
        "text\n\n" + LINE.replace("— ", "—\u00a0") + "\n",
        "text\n\n— na+me " + "A" * 92 + "\n",
        "text\n\n—  " + "A" * 92 + "\n",
        "text\n\n" + LINE[:-1] + "\n",
        "text\n\n" + LINE + " \n",
        "text\n\n" + LINE[:-2] + "B=\n",
        "text\n\n— name " + base64.b64encode(b"1234").decode() + "\n",
        "text\n\n" + (LINE + "\n") * (MAX_SIGNATURES + 1),
        "x" * 1_000_001,
    ],
)
def test_what_is_no_note_is_malformed(data: bytes | str) -> None:
    """Every departure from the format is refused before any signature is looked at."""
    with pytest.raises(Malformed):
        open_note(data, [LOG.verifier])


@pytest.mark.parametrize("text", ["no newline", "control\x07\n", "tab\t\n", "surrogate \udc00\n"])
def test_texts_that_cannot_be_signed(text: str) -> None:
    """A text that would not read back is not signed."""
    with pytest.raises(Malformed):
        sign_note(text, LOG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("530d903a", "530D903A"),
        EXAMPLE_KEY.replace("example.com/foo", "example.com/bar"),
        EXAMPLE_KEY.replace("example.com/foo", "example.com foo"),
        EXAMPLE_KEY.replace("example.com/foo", ""),
        EXAMPLE_KEY[:-1],
        EXAMPLE_KEY + "A",
        EXAMPLE_KEY[:-1] + "l",
        "example.com/foo+530d903a+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "example.com/foo+530d903a+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
    ],
)
def test_what_is_no_key_is_malformed(text: str) -> None:
    """A verifier key with another id, type, length or spelling is refused."""
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


def test_signing_keys_are_checked_too() -> None:
    """A signing key without its prefix, with a wrong id or of a wrong length is refused."""
    text = LOG.secret_text()
    wrong_id = text.replace(LOG.verifier.id.hex(), "00000000")
    for wrong in (text.removeprefix("PRIVATE+KEY+"), wrong_id, text[:-4]):
        with pytest.raises(Malformed):
            SignerKey.parse(wrong)
    with pytest.raises(Malformed):
        SignerKey("name", bytes(31))
    with pytest.raises(Malformed):
        VerifierKey("name", bytes(31))
