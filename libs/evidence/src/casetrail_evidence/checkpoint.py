"""Checkpoints (C2SP tlog-checkpoint): a log's name, size and root as a signed note."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.errors import (
    ConsistencyFails,
    Malformed,
    OriginMismatch,
    UnknownKey,
    WitnessesMissing,
)
from casetrail_evidence.keys import SignerKey, VerifierKey
from casetrail_evidence.merkle import HASH_BYTES, MAX_SIZE, verify_consistency
from casetrail_evidence.notes import (
    Note,
    VerifiedSignature,
    open_note,
    parse_note,
    require_note_text,
    sign_note,
)

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_MIN_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size. `extensions` are further lines; we sign none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise Malformed(f"A tree cannot have {self.size} leaves.")
        if len(self.root) != HASH_BYTES:
            raise Malformed(f"A root has {HASH_BYTES} bytes.")
        lines = (self.origin, *self.extensions)
        if any(line == "" or "\n" in line for line in lines):
            raise Malformed("The origin and each extension of a checkpoint is one line.")
        require_note_text(self.text)

    @property
    def text(self) -> str:
        """The lines that are signed."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint of a note's text (without signatures), or `Malformed`."""
        lines = text.split("\n")
        if len(lines) < _MIN_LINES + 1 or lines.pop() != "":
            raise Malformed("A checkpoint has at least three lines: origin, size, root.")
        origin, size, root, *extensions = lines
        return cls(origin, parse_decimal(size, "size"), parse_hash(root, "root"), tuple(extensions))


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint signed by the log, the note it came in, and the witnesses that cosigned it."""

    checkpoint: Checkpoint
    note: Note
    signed_by: tuple[VerifiedSignature, ...]
    cosigned_by: tuple[VerifiedSignature, ...]


def sign_checkpoint(checkpoint: Checkpoint, *signers: SignerKey) -> Note:
    """The signed note of a checkpoint: what is served and published."""
    return sign_note(checkpoint.text, *signers)


def open_checkpoint(
    data: bytes | str | Note,
    log_keys: Sequence[VerifierKey],
    *,
    origin: str | None = None,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int = 0,
) -> VerifiedCheckpoint:
    """The checkpoint, once one of `log_keys` and at least `quorum` of `witnesses` signed it.

    The origin must be `origin`, else `OriginMismatch`. When that is None it must be the name of the
    key that signed: C2SP tlog-checkpoint asks for the two to be the same.
    """
    note = data if isinstance(data, Note) else parse_note(data)
    checkpoint = Checkpoint.parse(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise OriginMismatch(f"The checkpoint is of {checkpoint.origin}, not of {origin}.")
    trusted = [key for key in log_keys if origin is not None or key.name == checkpoint.origin]
    if not trusted:
        names = " or ".join(sorted({key.name for key in log_keys})) or "any log that is trusted"
        raise OriginMismatch(f"The checkpoint is of {checkpoint.origin}, not of {names}.")
    verified = open_note(note, [*trusted, *witnesses])
    signed_by = tuple(s for s in verified.signed_by if s.key in trusted)
    cosigned_by = tuple(s for s in verified.signed_by if s.key in witnesses)
    if not signed_by:
        raise UnknownKey(f"No key of {checkpoint.origin} that is trusted here signed it.")
    count = len({signature.key.name for signature in cosigned_by})
    if count < quorum:
        raise WitnessesMissing(
            f"The checkpoint is cosigned by {count} known witnesses; {quorum} are needed."
        )
    return VerifiedCheckpoint(checkpoint, note, signed_by, cosigned_by)


def verify_growth(earlier: Checkpoint, later: Checkpoint, proof: Sequence[bytes]) -> None:
    """Nothing when `later` only adds leaves to `earlier`, else a fault that says what is wrong.

    `OriginMismatch` for two logs, `RootMismatch` for two roots of one size, `ConsistencyFails` when
    leaves were changed or the log became smaller.
    """
    if earlier.origin != later.origin:
        raise OriginMismatch(f"{earlier.origin} and {later.origin} are two different logs.")
    if later.size < earlier.size:
        raise ConsistencyFails(f"The log shrank from {earlier.size} to {later.size} leaves.")
    verify_consistency(earlier.size, later.size, proof, earlier.root, later.root)


def parse_decimal(text: str, what: str) -> int:
    """The number of an ASCII decimal without leading zeroes, at most 2^63-1, or `Malformed`."""
    if _DECIMAL.fullmatch(text) is None or int(text) > MAX_SIZE:
        raise Malformed(f"The {what} is not a decimal number.")
    return int(text)


def parse_hash(text: str, what: str) -> bytes:
    """The 32 bytes of a base64 line, or `Malformed`."""
    return decode_base64(text, what, HASH_BYTES)
