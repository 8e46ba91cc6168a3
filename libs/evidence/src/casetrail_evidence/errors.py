"""One class per kind of fault, so that a verifier can say exactly what is wrong.

Every message is a sentence for a person and names no private value. The classes carry no exit code
and no HTTP status: the command line and the gateway keep their own tables.
"""


class EvidenceError(ValueError):
    """The common base: something offered as evidence is not what it claims to be."""


# ---- what is put into the log


class NotCanonical(EvidenceError):
    """A value without an RFC 8785 form; `path` is where it stands, e.g. `$.data.reason`."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


class SaltMissing(EvidenceError):
    """Private fields came without a salt, so they cannot be committed to; the caller decides."""


class SaltMalformed(EvidenceError):
    """A salt that is not base64 text of at least 16 bytes."""


class PrivateMalformed(EvidenceError):
    """`private` is not an object, or plain values stand where commitments belong."""


class LeafMalformed(EvidenceError):
    """A leaf that does not have the members its kind asks for."""


# ---- what is read back


class Malformed(EvidenceError):
    """Bytes that are not in the format they are said to be in (note, checkpoint, proof, key)."""


class LeafMismatch(EvidenceError):
    """A record does not hash to the leaf that is in the log: it was altered after it was logged."""


class CommitmentMismatch(EvidenceError):
    """A disclosed private value is not the one that was committed to."""


class Withheld(EvidenceError):
    """A private value is not disclosed; only its commitment is here, so it cannot be checked."""


class InclusionFails(EvidenceError):
    """The proof does not lead from the leaf to the root: the leaf is not in that tree there."""


class ConsistencyFails(EvidenceError):
    """The later tree does not begin with the earlier one: history was rewritten or forked."""


class SignatureInvalid(EvidenceError):
    """A key that is known signed something else than this text."""


class UnknownKey(EvidenceError):
    """No signature of the note is by a key that was asked for."""


class OriginMismatch(EvidenceError):
    """A checkpoint of another log."""


class RootMismatch(EvidenceError):
    """Two different roots for one tree size: the log showed different histories."""


class WitnessesMissing(EvidenceError):
    """Fewer witnesses than asked for have cosigned the checkpoint."""


class TileMismatch(EvidenceError):
    """A tile that does not hash to what stands above it."""


class TileMissing(EvidenceError):
    """A tile that is needed is not there, or not as wide as the tree says."""


# ---- what a whole log is found to be


class TreeMismatch(EvidenceError):
    """The tiles have another root than the signed checkpoint: the tree is not the one signed."""


class RecordMissing(EvidenceError):
    """A leaf whose record is not shown: it was deleted, or the token may not see it."""


class RecordMisplaced(EvidenceError):
    """A record under the sequence of another: records were swapped or moved."""


class RecordDiffers(EvidenceError):
    """A field of a record is shown with another value than was logged."""


class Unreachable(Exception):
    """A log does not answer, or not to this token; no fault of its evidence."""
