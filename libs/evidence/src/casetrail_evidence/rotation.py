"""Key rotation: a note in which the old key of a log names the new one, signed by both.

Whoever pinned the old key follows such notes to the new one without trusting anybody else. The
first line holds spaces, which no origin can, so no such note can pass for a checkpoint.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from casetrail_evidence.checkpoint import parse_decimal
from casetrail_evidence.errors import Malformed, OriginMismatch, UnknownKey
from casetrail_evidence.keys import SignerKey, VerifierKey
from casetrail_evidence.notes import Note, open_note, parse_note, sign_note

HEADER = "casetrail key rotation v1"
_LINES = 5


@dataclass(frozen=True, slots=True)
class Rotation:
    """From the tree of `size` leaves on, `new` signs for the log that `old` signed for."""

    old: VerifierKey
    new: VerifierKey
    size: int

    def __post_init__(self) -> None:
        if self.old.name != self.new.name:
            raise OriginMismatch(f"A key of {self.old.name} cannot give way to {self.new.name}.")
        if self.old == self.new:
            raise Malformed("A key cannot give way to itself.")

    @property
    def text(self) -> str:
        """The lines that are signed."""
        lines = (HEADER, self.old.name, str(self.size), str(self.old), str(self.new))
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Rotation":
        """The rotation of a note's text, or `Malformed`; nothing is verified."""
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines.pop() != "" or lines[0] != HEADER:
            raise Malformed(f"The rotation is not {_LINES} lines that begin with {HEADER!r}.")
        _, origin, size, old, new = lines
        rotation = cls(VerifierKey.parse(old), VerifierKey.parse(new), parse_decimal(size, "size"))
        if rotation.old.name != origin:
            raise OriginMismatch(f"The rotation is of {origin}, its keys are not.")
        return rotation


def sign_rotation(size: int, old: SignerKey, new: SignerKey) -> Note:
    """The note with which a log goes over to a new key."""
    rotation = Rotation(old.verifier, new.verifier, size)
    return sign_note(rotation.text, old, new)


def follow_rotations(
    pinned: Sequence[VerifierKey], notes: Iterable[Note | str]
) -> list[VerifierKey]:
    """The pinned keys and those they lead to, the newest last.

    Each note must be signed by its old key and by its new one, and the old key be trusted already;
    a note whose old key is not is passed over, since somebody may have pinned a later key.
    """
    trusted = list(pinned)
    for data in notes:
        note = parse_note(data) if isinstance(data, str) else data
        rotation = Rotation.parse(note.text)
        if rotation.old not in trusted:
            continue
        signed_by = [s.key for s in open_note(note, [rotation.old, rotation.new]).signed_by]
        for key in (rotation.old, rotation.new):
            if key not in signed_by:
                raise UnknownKey(f"The key rotation is not signed by {key}.")
        if rotation.new not in trusted:
            trusted.append(rotation.new)
    return trusted
