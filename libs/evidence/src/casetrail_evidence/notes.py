"""Signed notes (C2SP signed-note): a text for people, and lines that say who signed it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.errors import Malformed, UnknownKey
from casetrail_evidence.keys import SignerKey, VerifierKey, is_key_name

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # controls and lone surrogates
_MARK = "— "
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose it says it is, the key's id, and the signature itself."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line as it stands in the note, with its newline."""
        return f"{_MARK}{self.name} {encode_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a newline and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that holds; `timestamp` (seconds since the Epoch) only for a cosignature."""

    key: VerifierKey
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A text and who is known to have signed it; lines by unknown keys are left aside."""

    text: str
    signed_by: tuple[VerifiedSignature, ...]
    unknown: tuple[Signature, ...]


def sign_note(text: str, *signers: SignerKey) -> Note:
    """The note of `text`, signed by each of the keys."""
    require_note_text(text)
    return Note(text, tuple(signature_of(text, signer) for signer in signers))


def signature_of(text: str, signer: SignerKey, at: int | None = None) -> Signature:
    """The signature line of `signer` for `text`; `at` is the time of a cosignature."""
    key = signer.verifier
    return Signature(key.name, key.id, signer.sign(text, at))


def with_signatures(note: Note, more: Iterable[Signature]) -> Note:
    """The note with signatures added; one that is already there by that key stays as it is."""
    kept = list(note.signatures)
    for signature in more:
        if all((s.name, s.key_id) != (signature.name, signature.key_id) for s in kept):
            kept.append(signature)
    return Note(note.text, tuple(kept))


def parse_note(data: bytes | str) -> Note:
    """The parts of a signed note, or `Malformed`; nothing is verified."""
    text = _decode(data)
    require_note_characters(text)
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise Malformed("The note has no blank line with signature lines after it.")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Malformed(f"The note has more than {MAX_SIGNATURES} signatures.")
    return Note(body + "\n", tuple(_parse_signature(line) for line in lines))


def open_note(data: bytes | str | Note, keys: Sequence[VerifierKey]) -> VerifiedNote:
    """The text and those of `keys` that signed it.

    A signature by a known key (same name and id) must hold, else `SignatureInvalid` for the whole
    note; signatures by other keys are ignored; if none of `keys` signed, `UnknownKey`.
    """
    note = data if isinstance(data, Note) else parse_note(data)
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise Malformed(f"Two of the keys given share the name {key.name} and an id.")
    signed_by: dict[tuple[str, bytes], VerifiedSignature] = {}
    unknown = []
    for signature in note.signatures:
        identity = (signature.name, signature.key_id)
        if identity not in known:
            unknown.append(signature)
            continue
        timestamp = known[identity].verify(note.text, signature.value)
        signed_by.setdefault(identity, VerifiedSignature(known[identity], timestamp))
    if not signed_by:
        names = ", ".join(dict.fromkeys(s.name for s in note.signatures))
        raise UnknownKey(f"No signature is by a key that is trusted here; it is signed by {names}.")
    return VerifiedNote(note.text, tuple(signed_by.values()), tuple(unknown))


def require_note_text(text: str) -> None:
    """Nothing when `text` can be the text of a note, else `Malformed`."""
    if not text.endswith("\n"):
        raise Malformed("The text of a note ends in a newline.")
    require_note_characters(text)


def require_note_characters(text: str) -> None:
    """Nothing when every character may stand in a note, else `Malformed`."""
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        code = ord(forbidden.group())
        raise Malformed(f"A note cannot hold the character U+{code:04X}.")


def _decode(data: bytes | str) -> str:
    try:
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > MAX_NOTE_BYTES:
            raise Malformed(f"The note has more than {MAX_NOTE_BYTES} bytes.")
        return raw.decode()
    except UnicodeError as error:
        raise Malformed("The note is not UTF-8.") from error


def _parse_signature(line: str) -> Signature:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if mark + " " != _MARK or not is_key_name(name):
        raise Malformed("A signature line of the note does not have the form — <name> <base64>.")
    value = decode_base64(encoded, f"signature by {name}")
    if len(value) <= _ID_BYTES:
        raise Malformed(f"The signature by {name} is too short.")
    return Signature(name, value[:_ID_BYTES], value[_ID_BYTES:])
