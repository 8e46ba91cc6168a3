"""What the sealer needs of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from casetrail_evidence.tiles import Tile, TilePlace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the log is complete."""

    first_seq: int
    complete_through: int

    @property
    def size(self) -> int:
        """How many leaves that are."""
        return self.complete_through - self.first_seq + 1


@dataclass(frozen=True, slots=True)
class Fixed:
    """The one root of a size, and its signed note once there is one."""

    size: int
    root: bytes
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest checkpoint, as the gateway reads it."""

    size: int
    root: bytes
    first_seq: int
    checkpoint: str
    key: str


class SealedLog(Protocol):
    """The records, and the tree over them."""

    async def progress(self) -> Progress | None:
        """How far the log is complete; None before it was begun."""

    async def leaves(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        """Sequence, leaf and leaf input of the records that are there, in order."""

    async def records(self, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        """The records from `first` to `last` that are there, in order."""

    async def newest(self) -> Fixed | None:
        """The fixed root of the largest size."""

    async def fixed(self, size: int) -> Fixed | None:
        """The fixed root of this size, as a majority has it."""

    async def fix(self, size: int, root: bytes, at: datetime) -> None:
        """Fixes the root of a size, on a majority; a size that has one keeps it."""

    async def keep_note(self, size: int, note: str) -> None:
        """Keeps the signed note of a size that has none."""

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The stored tiles of these places, each as wide as it is."""

    async def write_tiles(self, tiles: Sequence[tuple[Tile, bytes]]) -> None:
        """Stores tiles that are wider than what is there; `TileAltered` when they do not agree."""

    async def head(self) -> Head | None:
        """What the gateway reads."""

    async def show_head(self, head: Head, at: datetime) -> None:
        """Makes it what the gateway reads, unless that is larger."""

    async def keys(self) -> Sequence[tuple[str, str | None]]:
        """The verifier keys of the log, the oldest first, each with the note that brought it in."""

    async def add_key(self, number: int, key: str, rotation: str | None, at: datetime) -> None:
        """Adds the key of this number, unless another sealer has added one."""

    async def earlier(self) -> frozenset[str]:
        """The origins of the logs that were put aside: this one began after them."""


class Kept(Protocol):
    """Where the newest checkpoint is kept apart from the databases."""

    async def last(self) -> str | None:
        """The note that was kept last; raises `OSError` when it cannot be read."""

    async def keep(self, note: str) -> None:
        """Keeps a note in place of the one before; raises `OSError` when that is not sure."""


class CheckpointStream(Protocol):
    """`audit.checkpoint`."""

    async def last(self) -> str | None:
        """The note published last; raises `ConnectionError` when the stream does not answer."""

    async def publish(self, size: int, root: bytes, note: str) -> None:
        """Stores it on the stream; raises `ConnectionError` when that is not sure."""
