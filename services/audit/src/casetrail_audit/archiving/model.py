"""What retention needs of the outside, and the state of an archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from casetrail_evidence.merkle import Node, NodeSource

from casetrail_audit.domain.record import Record

Document = dict[str, Any]

PLANNED: Final = "planned"
"""Its records are chosen; the file is about to be written."""
ARCHIVED: Final = "archived"
"""The file is there and the event committed; the records are leaving."""
LEFT: Final = "left"
"""The records have left."""
NOBODY: Final = "log"
"""Where events stand that tell of records without a workspace."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record as far as retention decides on it."""

    seq: int
    workspace: str | None
    kind: str
    action: str | None
    conversation_id: str | None
    case_id: str | None
    of: int | None
    size: int = 0

    @property
    def owner(self) -> str:
        """The workspace that an archive of it belongs to; `log` for what is nobody's."""
        return NOBODY if self.workspace is None else self.workspace


@dataclass(frozen=True, slots=True)
class Due:
    """Which records: of this action, or of this kind when they are no events, that are older."""

    action: str | None
    kind: str
    before: datetime
    rule: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The newest signed tree, with what leads to its key."""

    size: int
    first_seq: int
    checkpoint: str
    key: str
    rotations: tuple[str, ...]


class RetainedRecords(Protocol):
    """The records and the tree as retention reads and changes them."""

    async def head(self) -> SignedHead | None:
        """The newest signed tree."""

    async def settled_through(self) -> int:
        """Up to which sequence records are complete, in the views, published and sealed."""

    async def actions(self) -> Sequence[str]:
        """Every action that there is."""

    async def due(
        self,
        due: Sequence[Due],
        workspaces: Sequence[str | None] | None,
        after: int,
        through: int,
        limit: int,
    ) -> Sequence[Candidate]:
        """The first records above `after` that are due; of these workspaces, or of any."""

    async def firsts(self, seqs: Sequence[int]) -> Mapping[int, Candidate]:
        """The records that these duplicates are copies of."""

    async def whole(self, seqs: Sequence[int]) -> Sequence[Record]:
        """Those of these records that have not left, in order."""

    async def nodes(self, nodes: Sequence[Node]) -> NodeSource:
        """The hashes of these nodes of the sealed tree."""

    async def leave(self, record: Record, mark: Mapping[str, Any]) -> bool:
        """Takes the content of a record away, if it is what was read."""

    async def place(self, event_id: str) -> int | None:
        """The sequence of an event, once the log is complete through it."""

    async def held(self, workspace: str, candidates: Sequence[Candidate]) -> Mapping[int, str]:
        """The sequence of each record that must stay, with the hold that says so."""

    async def standing(self, workspace: str) -> Sequence[str]:
        """The holds that stand."""


class ArchiveRegister(Protocol):
    """The archives that are under way."""

    async def unfinished(self) -> Sequence[tuple[str, Document]]:
        """Workspace and state of each."""

    async def file_of(self, seqs: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Workspace and file of the archive under way that each of these records is a part of."""


class RetainedStream(Protocol):
    """The stream as retention changes it."""

    async def consumed_through(self) -> int:
        """Up to which sequence every service has handled what the stream holds for it."""

    async def erase(self, seq: int) -> None:
        """Overwrites and deletes a message and its dead letters; again is harmless."""


def ranges_of(seqs: Sequence[int]) -> list[list[int]]:
    """Ascending sequences as `[first, last]` of each run."""
    found: list[list[int]] = []
    for seq in seqs:
        if found and found[-1][1] == seq - 1:
            found[-1][1] = seq
        else:
            found.append([seq, seq])
    return found


def seqs_of(ranges: Sequence[Sequence[int]]) -> list[int]:
    """The sequences of such runs."""
    return [seq for first, last in ranges for seq in range(first, last + 1)]
