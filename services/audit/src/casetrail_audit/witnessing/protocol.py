"""C2SP tlog-witness as bytes: what a witness is asked, and what its answers mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_evidence.base64text import encode_base64
from casetrail_evidence.checkpoint import parse_decimal
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.notes import Note, Signature, open_note, parse_note

SIZE_TYPE: Final = "text/x.tlog.size"
LARGEST: Final = 16 * 1024
"""Bytes of an answer at most: a few signature lines."""
_OK: Final = 200
_CONFLICT: Final = 409
_UNPROCESSABLE: Final = 422
_MEANS: Final = {
    400: "it finds the request malformed",
    403: "it does not know the key that signed: give the witness the log's key",
    404: "it does not know this log: register the log's origin with the witness",
    _UNPROCESSABLE: "it finds that the tree does not begin with the one it saw: somebody shows it "
    "another log",
    429: "it is asked too often",
}


@dataclass(frozen=True, slots=True)
class Witness:
    """Whose cosignature is asked for, and where."""

    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is asked, and how many must have signed for a checkpoint to count as cosigned."""

    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness signed; `at` is its own time, in seconds since the Epoch."""

    signature: Signature
    at: int


@dataclass(frozen=True, slots=True)
class SawAnother:
    """The witness last saw the log at this size, and wants the proof from there."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The witness does not sign; the sentence says why, for the operator.

    `contradicts`: the log it saw is not the one it is shown, as after a fork or a cut-off end.
    """

    why: str
    contradicts: bool = False


Answer = Cosigned | SawAnother | Refused


def request_body(earlier: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of `add-checkpoint`: the size the witness saw, the proof from it, the checkpoint."""
    lines = [f"old {earlier}", *(encode_base64(node) for node in proof), ""]
    return ("".join(f"{line}\n" for line in lines) + note).encode()


def read_answer(
    status: int, content_type: str, body: bytes, note: Note, key: VerifierKey
) -> Answer:
    """What the answer means. A cosignature is one only if it verifies under the witness's key."""
    if status == _CONFLICT:
        return _conflict(content_type, body)
    if status != _OK:
        why = _MEANS.get(status, "it answers with an error") + f" ({status})"
        return Refused(why, contradicts=status == _UNPROCESSABLE)
    try:
        signed = parse_note(str(note).encode() + body)
        found = next(s for s in open_note(signed, [key]).signed_by if s.key == key)
    except EvidenceError as fault:
        return Refused(f"its answer holds no cosignature by its key: {fault}")
    if not found.timestamp:
        return Refused("its cosignature names no time")
    line = next(s for s in signed.signatures if (s.name, s.key_id) == (key.name, key.id))
    return Cosigned(line, found.timestamp)


def _conflict(content_type: str, body: bytes) -> Answer:
    if content_type.partition(";")[0].strip() != SIZE_TYPE:
        why = "it saw another tree of the same size: the log was forked"
        return Refused(why, contradicts=True)
    try:
        return SawAnother(parse_decimal(body.decode("ascii").removesuffix("\n"), "size"))
    except (UnicodeDecodeError, EvidenceError):
        return Refused("it answers 409 with a size that is no number")
