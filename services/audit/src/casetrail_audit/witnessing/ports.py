"""What asking witnesses needs of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casetrail_evidence.tiles import TilePlace

from casetrail_audit.sealing.ports import Fixed
from casetrail_audit.witnessing.protocol import Answer, Witness


@dataclass(frozen=True, slots=True)
class Standing:
    """How a witness stands: what it cosigned last, when by its own time, and what is in the way.

    `line` is its signature line for the tree of `size` leaves, without the newline.
    """

    name: str
    key: str
    size: int = 0
    line: str | None = None
    cosigned_at: datetime | None = None
    problem: str | None = None


class SealedTree(Protocol):
    """The tree that is shown to witnesses."""

    async def newest(self) -> Fixed | None:
        """The fixed root of the largest size."""

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The stored tiles of these places, each as wide as it is."""


class CosignedLog(Protocol):
    """What witnesses said."""

    async def standings(self) -> Mapping[str, Standing]:
        """By the witness's key."""

    async def note(self, standing: Standing) -> None:
        """Notes how a witness stands."""

    async def cosigned_size(self) -> int:
        """The size of the cosigned checkpoint that is shown; 0 when there is none."""

    async def show(self, size: int, note: str, count: int, at: datetime) -> None:
        """Makes it the cosigned checkpoint that is shown, unless that is larger."""


class AskWitness(Protocol):
    """The way to a witness."""

    async def __call__(self, witness: Witness, body: bytes, note: str) -> Answer:
        """Its answer; raises `ConnectionError` with a sentence when there is none."""
