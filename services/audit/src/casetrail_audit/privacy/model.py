"""Scopes, holds and erasures as they are kept: plain documents in the audit database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

Document = dict[str, Any]
Status = Literal["requested", "done", "stopped"]

REQUESTED: Final = "requested"
DONE: Final = "done"
STOPPED: Final = "stopped"
ACTIVE: Final = "active"
RELEASE_REQUESTED: Final = "release_requested"
RELEASED: Final = "released"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an erasure or a hold is about; the conversation is known of every kind but odd records.

    A record may belong to a case without naming it (messages do), so a hold of any case of its
    conversation covers it.
    """

    kind: str
    conversation_id: str | None
    case_id: str | None = None
    seq: int | None = None
    conversations: frozenset[str] = frozenset()
    """Every conversation of that customer, once it was looked up (`Linked.whole`)."""
    cases: frozenset[str] = frozenset()
    """The case and those merged into it, once it was looked up."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Scope":
        """The scope as it was kept."""
        return cls(
            document["kind"],
            document["conversation_id"],
            document["case_id"],
            document["seq"],
        )

    def document(self) -> Document:
        """Plain values for storing, and for events."""
        return {
            "kind": self.kind,
            "conversation_id": self.conversation_id,
            "case_id": self.case_id,
            "seq": self.seq,
        }

    def meets(self, other: "Scope") -> bool:
        """Whether something may be in both."""
        if self.kind == "record" == other.kind:
            return self.seq == other.seq
        if self.all_conversations.isdisjoint(other.all_conversations):
            return False
        if self.case_id is None or other.case_id is None:
            return True
        return not self.all_cases.isdisjoint(other.all_cases)

    @property
    def all_conversations(self) -> frozenset[str]:
        """The one it names, and those that were looked up."""
        own = () if self.conversation_id is None else (self.conversation_id,)
        return self.conversations.union(own)

    @property
    def all_cases(self) -> frozenset[str]:
        """The one it names, and those that were looked up."""
        return self.cases.union(() if self.case_id is None else (self.case_id,))


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that stands."""

    hold_id: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Target:
    """A record that is to lose the personal values `fields`."""

    seq: int
    kind: str
    conversation_id: str | None
    case_id: str | None
    fields: tuple[str, ...]


Owned = tuple[str, Document]
"""A workspace and the state of one of its erasures."""


class Registers(Protocol):
    """What of the audit database commands and the worker look at."""

    async def scope(self, workspace: str, wanted: Mapping[str, Any]) -> Scope | None:
        """The scope of a case, a customer's conversation or a record; None when there is none."""

    async def holds(self, workspace: str, scope: Scope) -> Sequence[Hold]:
        """The holds that stand in the way of a scope."""

    async def unfinished(self) -> Sequence[Owned]:
        """The erasures that were asked for and are not finished."""

    async def done_since(self, since: datetime) -> Sequence[Owned]:
        """The erasures that were finished since then."""

    async def under_way(self, workspace: str, scope: Scope) -> Sequence[str]:
        """The erasures that are not finished and meet a scope."""


class ErasureRecords(Protocol):
    """The records as an erasure changes them."""

    async def place(self, event_id: str) -> int | None:
        """The sequence of an event, once the log is complete through it."""

    async def targets(self, workspace: str, erasure: Document, through: int) -> Sequence[Target]:
        """Some records that still have to lose their values; none when all have."""

    async def recall(self, workspace: str, erasure: Document, through: int) -> bool:
        """Makes records whole again that were archived; False when none in the scope is."""

    async def follow(self, erasure_id: str) -> None:
        """Takes from the archives what this erasure took and no certificate lists yet."""

    async def late(self, workspace: str, erasure: Document) -> Sequence[Target]:
        """Copies and quotations that came after an erasure was done."""

    async def pending(self) -> Sequence[Target]:
        """Late copies without values whose messages are still in the stream."""

    async def forget(self, target: Target, erasure: Document, at: datetime) -> None:
        """Takes the values and salts away and leaves the mark; again is harmless."""

    async def settle(self, seq: int) -> None:
        """Notes that a late copy's message has left the stream."""

    async def uncertified(self, erasure_id: str) -> tuple[Sequence[Document], bool]:
        """Erased records without a certificate, in order, as many as fit into one; true: all."""

    async def certified(self, seqs: Sequence[int]) -> None:
        """Notes that a certificate lists them."""

    async def owing(self) -> Sequence[tuple[str, str]]:
        """Workspace and id of the erasures that have erased records without a certificate."""


class ErasureStream(Protocol):
    """The streams as an erasure changes them."""

    async def consumed_through(self) -> int:
        """Up to which sequence every service has handled what the stream holds for it."""

    async def erase(self, seq: int) -> None:
        """Overwrites and deletes a message and its dead letters; again is harmless."""
