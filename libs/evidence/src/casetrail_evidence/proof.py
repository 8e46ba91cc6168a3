"""Proofs to hand out (C2SP tlog-proof): one text that shows a leaf is in a signed tree.

And the text of a consistency proof, one base64 hash a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.checkpoint import (
    Checkpoint,
    VerifiedCheckpoint,
    open_checkpoint,
    parse_decimal,
    parse_hash,
)
from casetrail_evidence.errors import Malformed
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.merkle import NodeSource, inclusion_proof, verify_inclusion
from casetrail_evidence.notes import Note, parse_note

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63

_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A leaf's index, its inclusion proof and the signed checkpoint of the tree it is in.

    `extra` is opaque and not covered by any signature; Casetrail writes none.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [_EXTRA + encode_base64(self.extra)]
        hashes = [encode_base64(value) for value in self.hashes]
        lines = [HEADER, *extra, f"{_INDEX}{self.index}", *hashes, ""]
        return "\n".join(lines) + "\n" + str(self.checkpoint)

    @classmethod
    def parse(cls, data: bytes | str) -> "TlogProof":
        """The proof of such a text, or `Malformed`; nothing is verified."""
        try:
            text = data if isinstance(data, str) else data.decode()
        except UnicodeDecodeError as error:
            raise Malformed("The proof is not UTF-8.") from error
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != HEADER:
            raise Malformed(f"The proof does not start with the line {HEADER}.")
        del lines[0]
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = decode_base64(lines.pop(0)[len(_EXTRA) :], "extra data")
        if not lines or not lines[0].startswith(_INDEX):
            raise Malformed("The proof has no index line where one belongs.")
        index = parse_decimal(lines.pop(0)[len(_INDEX) :], "index")
        return cls(index, _parse_hashes(lines), parse_note(note), extra)


def make_proof(index: int, checkpoint: Note, source: NodeSource) -> TlogProof:
    """The proof of leaf `index` in the tree of a signed checkpoint."""
    size = Checkpoint.parse(checkpoint.text).size
    return TlogProof(index, tuple(inclusion_proof(index, size, source)), checkpoint)


def verify_proof(
    proof: TlogProof,
    leaf: bytes,
    log_keys: Sequence[VerifierKey],
    *,
    origin: str | None = None,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int = 0,
) -> VerifiedCheckpoint:
    """The checkpoint that vouches for `leaf` (a leaf hash), else the fault that was found.

    The steps are those of C2SP tlog-proof: the checkpoint's origin and signatures first, then the
    way from the leaf to its root. That the leaf is the right one is for the caller to know.
    """
    opened = open_checkpoint(
        proof.checkpoint, log_keys, origin=origin, witnesses=witnesses, quorum=quorum
    )
    head = opened.checkpoint
    verify_inclusion(leaf, proof.index, head.size, proof.hashes, head.root)
    return opened


def consistency_text(hashes: Sequence[bytes]) -> str:
    """A consistency proof as text: one base64 hash a line, nothing when it is empty."""
    return "".join(f"{encode_base64(value)}\n" for value in hashes)


def parse_consistency(text: str) -> tuple[bytes, ...]:
    """The hashes of such a text, or `Malformed`."""
    if text == "":
        return ()
    if not text.endswith("\n"):
        raise Malformed("The consistency proof does not end in a newline.")
    return _parse_hashes(text[:-1].split("\n"))


def _parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > 2 * MAX_HASHES:
        raise Malformed("The proof has more hashes than any tree has levels.")
    return tuple(parse_hash(line, "hash in the proof") for line in lines)
