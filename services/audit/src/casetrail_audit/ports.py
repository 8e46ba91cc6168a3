"""What audit needs of the outside."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from casetrail_audit.domain.folding import Entry, Key, Origin, View, Views
from casetrail_audit.domain.message import Message
from casetrail_audit.domain.record import Record

Clock = Callable[[], datetime]


class LogForked(Exception):
    """The stream and the log contradict each other: nothing is recorded until a person looks."""


class StreamUnavailable(ConnectionError):
    """The stream does not answer."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the stream holds; an empty new stream has 0 for both sequences."""

    first_seq: int
    last_seq: int
    last_at: datetime | None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the log is complete."""

    first_seq: int
    complete_through: int


@dataclass(frozen=True, slots=True)
class Place:
    """A record as far as completeness needs it."""

    seq: int
    kind: str
    recorded_at: datetime
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """Records that are complete now, and what the book said before them."""

    before: Standing
    places: Sequence[Place]

    @property
    def after(self) -> int:
        """The last record that was complete before."""
        return self.before.complete_through

    @property
    def through(self) -> int:
        """The last record that is complete now."""
        return self.places[-1].seq


@dataclass(frozen=True, slots=True)
class FinalRecord:
    """A final record as far as the views and subscribers need it."""

    seq: int
    content: Mapping[str, Any]
    """What its leaf input says, parsed once for all who read it."""
    leaf: bytes
    recorded_at: datetime
    event_id: str | None


@dataclass(slots=True)
class Insertion:
    """What became of records offered to the log: those not named here are stored."""

    there: list[Record] = field(default_factory=list)
    """Their sequence has a record already."""
    copies: list[Record] = field(default_factory=list)
    """Their event id has a record already, under another sequence."""
    refused: list[Record] = field(default_factory=list)
    """MongoDB can never take them."""


class Stream(Protocol):
    """The stream that is recorded. Everything raises `StreamUnavailable` when it is away."""

    name: str

    async def bounds(self) -> Bounds:
        """What it holds now."""

    async def message(self, seq: int) -> Message | None:
        """The message; None when the stream surely has none under this sequence."""


class Records(Protocol):
    """The collection of records."""

    async def insert(self, records: Sequence[Record]) -> Insertion:
        """Stores what can be stored; raises only for what waiting can heal."""

    async def placed(self, seqs: Sequence[int]) -> Mapping[int, tuple[str, str | None, datetime]]:
        """Kind, subject and time of the records that are there."""

    async def first_copies(self, event_ids: Collection[str]) -> Mapping[str, int]:
        """The sequence of the event record of each id that has one."""

    async def events(self, event_ids: Collection[str]) -> Mapping[str, Record]:
        """The event record of each id that has one."""

    async def demote(self, seq: int, event_id: str, of: int) -> None:
        """Makes an event record a provisional duplicate of a lower sequence."""

    async def provisional(self, seqs: Collection[int]) -> Mapping[int, Record]:
        """The provisional records among these sequences; the others are final."""

    async def finalise(self, record: Record) -> bool:
        """Puts the final record in the place of the provisional one; False for a known event id."""

    async def finalise_copies(self, records: Sequence[Record]) -> None:
        """Puts final duplicates in the place of the provisional ones that are still there."""

    async def missing(self, first: int, last: int) -> Sequence[int]:
        """The sequences from first to last without a record."""

    async def places_after(self, seq: int, limit: int) -> Sequence[Place]:
        """Records above a sequence, in order."""

    async def finals(self, after: int, through: int) -> Sequence[FinalRecord]:
        """Records in order: some of them, at least one, none only if there is none."""

    async def last(self) -> Place | None:
        """The record with the highest sequence."""

    async def origin(self, entry: Entry) -> Origin:
        """Where the episode that the entry starts began."""


class Completion(Protocol):
    """Who counts records as complete."""

    async def advance(self, step: Advance) -> bool:
        """Counts these as complete; False when another follower did it first."""


class LogBook(Completion, Protocol):
    """The document that says how far the log is complete."""

    async def standing(self) -> Standing | None:
        """How far; None before the log was begun."""

    async def begin(self, first_seq: int) -> None:
        """Begins the log, unless it is begun."""

    async def note_stream(self, bounds: Bounds, at: datetime, published_through: int) -> None:
        """Notes what the stream holds."""


class ViewStore(Protocol):
    """The collections of the views."""

    async def as_of(self) -> int:
        """The last record the views know."""

    async def load(self, keys: Collection[Key]) -> Views:
        """The views of these keys that exist."""

    async def commit(
        self,
        before: int,
        after: int,
        at: datetime,
        changed: Mapping[Key, View],
        along: Advance | None = None,
    ) -> bool:
        """Writes all of it, if the views still are as of `before`; else nothing, and False.

        With `along` the book advances in the same moment, or nothing is written.
        """

    async def clear(self) -> None:
        """Makes all views empty, as of 0."""


class AuditStream(Protocol):
    """The stream of what is recorded."""

    async def published_through(self) -> int:
        """The sequence of the last record on it; 0 when there is none."""

    async def publish(self, after: int, records: Sequence[FinalRecord]) -> bool:
        """Adds these if `after` is still the last on it; else nothing, and False."""
