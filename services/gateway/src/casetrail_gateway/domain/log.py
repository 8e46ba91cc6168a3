"""The log as the gateway reads it: records, and the views of cases and tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

Order = Literal["asc", "desc"]


@dataclass(slots=True, kw_only=True)
class Record:
    """What the log holds for one sequence of the stream. `private` lacks what is erased.

    Never changed once it is made, and not declared frozen: that takes four fifths of making one,
    and a page of history is fifty.
    """

    seq: int
    recorded_at: datetime
    kind: str = "event"
    event_id: str | None = None
    workspace: str | None = None
    type: str | None = None
    occurred_at: datetime | None = None
    actor: Mapping[str, Any] | None = None
    on_behalf_of: Mapping[str, Any] | None = None
    action: str | None = None
    target: str | None = None
    conversation_id: str | None = None
    case_id: str | None = None
    ticket_id: str | None = None
    version: int | None = None
    changes: tuple[Mapping[str, Any], ...] = ()
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    correlation_id: str | None = None
    causation_id: str | None = None
    private: Mapping[str, Any] = field(default_factory=dict)
    erased: Mapping[str, Any] | None = None
    archived: Mapping[str, Any] | None = None
    """Where its content is, once it left the log's database."""
    leaf: str = ""
    leaf_input: str = ""
    of: int | None = None
    problem: str | None = None

    def lost(self, name: str) -> bool:
        """Whether this personal value was erased."""
        return self.erased is not None and name not in self.private

    @property
    def archive(self) -> str | None:
        """The file that has its content; None while the log has it."""
        file = None if self.archived is None else self.archived.get("file")
        return file if isinstance(file, str) else None

    @property
    def at(self) -> datetime:
        """When it happened; when it was recorded if it does not say."""
        return self.recorded_at if self.occurred_at is None else self.occurred_at

    def why(self, *, reads_text: bool) -> str | None:
        """The reason: a rule's is public, what a person typed is personal text."""
        typed = self.private.get("reason") if reads_text else None
        reason = typed if self.reason is None else self.reason
        return reason.strip() or None if isinstance(reason, str) else None


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of a conversation, by log sequence, that belongs to a case; open while it lasts."""

    conversation_id: str
    from_seq: int
    to_seq: int | None


@dataclass(frozen=True, slots=True)
class Hole:
    """Versions of one aggregate that should be in the log and are not (yet).

    `before_seq` is the record that showed it: the hole's place is just before that entry.
    """

    subject: str
    first: int
    last: int
    before_seq: int

    @property
    def sentence(self) -> str:
        """The hole in words."""
        what = f"version {self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        if self.first != self.last:
            what = f"versions {what}"
        return f"Not in the log before record {self.before_seq}: {what} of {self.subject}."


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time in which somebody had a case; `ends` is None for the present one.

    `kind` says what kind of holder: queue, owner, courier, nobody, or what a later fold adds.
    """

    kind: str
    holder: str | None
    begins: datetime
    ends: datetime | None
    seq: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that says what was searched for."""

    seq: int
    conversation_id: str | None
    case_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The view of one case, as of a sequence of the log."""

    case_id: str
    conversation_id: str | None
    status: str
    owner: str | None = None
    owner_name: str | None = None
    held_by: frozenset[str] = frozenset()
    queue: str | None = None
    escalated: bool = False
    tags: tuple[str, ...] = ()
    ticket_ids: tuple[str, ...] = ()
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    last_at: datetime | None = None
    opened_seq: int = 0
    as_of_seq: int = 0
    version: int | None = None
    episodes: tuple[Episode, ...] = ()
    holes: tuple[Hole, ...] = ()
    custody: tuple[Interval, ...] = ()
    conversation_ids: tuple[str, ...] = ()
    """Every conversation of which it has an episode; `conversation_id` leads them."""
    merged_into: str | None = None
    merged_case_ids: tuple[str, ...] = ()
    merged_episodes: tuple[Episode, ...] = ()
    """Those of the cases merged into it; empty in lists."""

    def scope(self, linked_tickets: Sequence[str] = ()) -> "Scope":
        """Its whole history: its own, and that of the cases merged into it."""
        return Scope(
            case_id=self.case_id,
            merged_case_ids=self.merged_case_ids,
            episodes=(*self.episodes, *self.merged_episodes),
            linked_tickets=tuple(linked_tickets),
        )

    def cites(self, record: Record, linked_tickets: Sequence[str] = ()) -> bool:
        """True when the record is evidence of what happened in this case (or one merged in)."""
        if record.kind != "event" or (record.action or "").partition(".")[0] in BESIDE:
            return False
        if record.ticket_id is not None and record.ticket_id in linked_tickets:
            return True
        if record.case_id is not None:
            return record.case_id in {self.case_id, *self.merged_case_ids}
        return any(
            episode.conversation_id == record.conversation_id
            and episode.from_seq <= record.seq
            and (episode.to_seq is None or record.seq <= episode.to_seq)
            for episode in (*self.episodes, *self.merged_episodes)
        )

    def has(self, hit: Hit) -> bool:
        """True when the record belongs to this case: it names it, or stands in an episode."""
        if hit.case_id is not None:
            return hit.case_id == self.case_id
        return any(
            episode.conversation_id == hit.conversation_id
            and episode.from_seq <= hit.seq
            and (episode.to_seq is None or hit.seq <= episode.to_seq)
            for episode in self.episodes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The view of one person who works here."""

    user_id: str
    name: str
    role: str
    capacity: int | None = None
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    active: bool = True
    presence: str | None = None
    on_shift: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The view of one ticket, as of a sequence of the log."""

    ticket_id: str
    case_id: str | None
    conversation_id: str | None
    status: str
    priority: str | None = None
    category: str | None = None
    owner: str | None = None
    links: tuple[Mapping[str, Any], ...] = ()
    held_by: str | None = None
    reference: str | None = None
    expected_at: datetime | None = None
    chased: int = 0
    chased_at: datetime | None = None
    created_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    first_seq: int = 0
    as_of_seq: int = 0
    version: int | None = None
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records a timeline consists of; exactly one of its sides is set."""

    case_id: str | None = None
    merged_case_ids: tuple[str, ...] = ()
    """Cases that were merged into that one."""
    episodes: tuple[Episode, ...] = ()
    linked_tickets: tuple[str, ...] = ()
    """Tickets of other cases that concern this one as well."""
    ticket_id: str | None = None
    conversation_id: str | None = None
    actor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list by sequence: those after `after` in this order, at most `limit`.

    `through` ends the list: what comes later may still have gaps, which a cursor would skip.
    """

    limit: int
    order: Order = "asc"
    after: int | None = None
    through: int | None = None
    happened_by: datetime | None = None
    """Only what had happened by then, whenever it was recorded."""
    known_by: datetime | None = None
    """Only what had been recorded by then, whenever it happened."""


@dataclass(frozen=True, slots=True)
class Among:
    """Cases of these ids, or of these conversations: where something was found."""

    case_ids: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases; None is no restriction. `open_to` is an agent who sees only what is theirs."""

    status: str | None = None
    owner: str | None = None
    ticket_id: str | None = None
    case_id: str | None = None
    escalated: bool | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    open_to: str | None = None
    held_by: str | None = None
    """Somebody who ever owned it, now or before."""
    tags: tuple[str, ...] = ()
    """All of these."""
    conversation_id: str | None = None
    among: tuple[Among, ...] = ()
    """In each of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which records; None is no restriction. Times are when it happened."""

    actor_kind: str | None = None
    actor_id: str | None = None
    action: str | None = None
    target: str | None = None
    case_id: str | None = None
    ticket_id: str | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    conversation_id: str | None = None
    conversation_ids: tuple[str, ...] | None = None
    """The conversations of a customer; none of them is a customer nobody knows."""
    episodes: tuple[Episode, ...] = ()
    """With `case_id`: where the messages of the case stand, which do not name it."""
    reviews_of: str | None = None
    """Of quality reviews only those of this person's work; None: all of them."""

    @property
    def takes_all(self) -> bool:
        """True without any restriction: then the gaps of the log, which are nobody's, show too."""
        return self == RecordFilter()


LOOK: Final = "access"
BESIDE: Final = (LOOK, "review")
"""Looks and quality reviews are about a case and no part of what happened in it."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which actions a timeline shows: `wanted` prefixes, or everything but what it hides."""

    wanted: tuple[str, ...] = ()
    hides: tuple[str, ...] = BESIDE
    reviews_of: str | None = None
    """Of quality reviews only those of this person's work; None: all of them."""

    @property
    def hide_looks(self) -> bool:
        """Whether no look can be among them."""
        if not self.wanted:
            return LOOK in self.hides
        return all(kind.partition(".")[0] != LOOK for kind in self.wanted)


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log is complete, and its sealed tree.

    Every record up to `complete_through` is in the log and in the views; later ones may be missing.
    """

    complete_through: int
    first_seq: int
    size: int
    root: str | None
    duplicates: int = 0
    """How many records are further copies of an event."""


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as it is now: its view is as of `head`, or later."""

    head: Head
    case: Case | None
    concerning: tuple[str, ...]
    """Tickets of other cases that are linked to it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What of the log is not an event: gaps as (sequence, why), at most the newest hundred."""

    duplicates: int
    poison: int
    gaps: tuple[tuple[int, str | None], ...]
