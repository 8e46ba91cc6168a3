"""The sealed tree as the gateway serves it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SealedHead:
    """The newest signed checkpoint (a signed note), the key it is signed with, and its place.

    Leaf `n` is the record of sequence `first_seq + n`.
    """

    size: int
    first_seq: int
    checkpoint: str
    key: str


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """A witness: the size it cosigned last, by its own time, and why it does not sign, if so."""

    name: str
    size: int
    cosigned_at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """The largest checkpoint that enough witnesses cosigned, with their signatures."""

    size: int
    checkpoint: str
