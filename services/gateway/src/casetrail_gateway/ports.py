"""What the gateway needs of the outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from casetrail_contracts import Command, CommandReply, Event
from casetrail_contracts.api import Cause
from casetrail_contracts.clocks import Group
from casetrail_evidence.bundle.chains import History
from casetrail_evidence.bundle.document import Manifest
from casetrail_evidence.bundle.pages import Records
from casetrail_evidence.tiles import TilePlace

from casetrail_gateway.domain.customers import Contact, CustomerKey
from casetrail_gateway.domain.evidence import SealedRecord
from casetrail_gateway.domain.figures import Act
from casetrail_gateway.domain.lateness import Footprint
from casetrail_gateway.domain.letters import Letter
from casetrail_gateway.domain.log import (
    Case,
    CaseFilter,
    CaseNow,
    Counts,
    Head,
    Hit,
    Interval,
    Kinds,
    Page,
    Record,
    RecordFilter,
    Scope,
    Ticket,
    User,
)
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import Words
from casetrail_gateway.domain.tree import CosignedHead, SealedHead, WitnessStanding


class Clock(Protocol):
    """The time, and new ids."""

    def now(self) -> datetime:
        """The time with its zone."""

    def new_id(self) -> str:
        """An id nobody had before."""


Monotonic = Callable[[], float]
"""Seconds that only grow."""


class TimelinePrinter(Protocol):
    """Prints the timeline of a bundle."""

    def __call__(self, manifest: Manifest, records: Records, history: History) -> Iterable[bytes]:
        """The bytes of a PDF, the same for the same arguments; nothing that is not disclosed."""


class Tokens(Protocol):
    """Who holds which token."""

    def holder_of(self, token: str) -> Caller | None:
        """The holder; None for an unknown or expired token."""

    def holder_by_digest(self, digest: str) -> Caller | None:
        """The holder of the token with this SHA-256 (hex); None for an unknown or expired one."""


class Log(Protocol):
    """The database of the log, read only. Everything but `head` and `counts` is one workspace's.

    Every method raises `LogUnavailable` when the database does not answer.
    """

    async def case(self, workspace: str, case_id: str) -> Case | None:
        """The view of a case."""

    async def case_now(self, workspace: str, case_id: str) -> CaseNow:
        """The view of a case with what goes with it, in one question."""

    async def cases(self, workspace: str, wanted: CaseFilter, page: Page) -> Sequence[Case]:
        """Cases by the sequence that opened them."""

    async def cases_of(self, workspace: str, conversation_id: str) -> Sequence[Case]:
        """The cases of a conversation, the newest first."""

    async def linked(self, workspace: str, conversation_id: str) -> Group:
        """The conversations that are led as one with this one, and since when."""

    async def ticket(self, workspace: str, ticket_id: str) -> Ticket | None:
        """The view of a ticket."""

    async def tickets_concerning(self, workspace: str, case_id: str) -> Sequence[str]:
        """Ids of the tickets of other cases that are linked to this one."""

    async def knows_user(self, workspace: str, user_id: str) -> bool:
        """True when the log has a user of this id."""

    async def timeline(
        self, workspace: str, scope: Scope, kinds: Kinds, page: Page
    ) -> Sequence[Record]:
        """Events of a timeline in this order; duplicates, gaps and poison are no entries."""

    async def last_known(self, moment: datetime) -> int:
        """The last sequence that had been recorded by then; 0 when there was none."""

    async def footprints(self, workspace: str, scope: Scope, through: int) -> Sequence[Footprint]:
        """What lateness needs of all events of a timeline up to a sequence, in log order."""

    async def beside(
        self, workspace: str, seqs: Sequence[int], event_ids: Sequence[str]
    ) -> tuple[Mapping[int, int], Mapping[str, Cause]]:
        """How many duplicates these records have, and the records of these events.

        Records without duplicates and events that are not in the log are left out.
        """

    async def records(self, workspace: str, wanted: RecordFilter, page: Page) -> Sequence[Record]:
        """Records of any kind in this order."""

    async def record(self, workspace: str, seq: int) -> Record | None:
        """One record; a gap, which belongs to nobody, is everybody's."""

    async def shift(self, workspace: str, shift_id: str) -> Sequence[Record]:
        """The events of a shift and of its hand-over, in log order."""

    async def erasure(self, workspace: str, erasure_id: str) -> Record | None:
        """The record of the request of an erasure."""

    async def head(self) -> Head:
        """How far the log is complete."""

    async def counts(self) -> Counts:
        """What of the log is not an event."""

    async def stretch(self, workspace: str, page: Page) -> Sequence[Record]:
        """Every record of a stretch of the log, looks and copies too."""

    async def records_of(self, workspace: str, seqs: Sequence[int]) -> Sequence[Record]:
        """The records of these sequences, in order of theirs."""

    async def records_about(self, workspace: str, targets: Sequence[str]) -> Sequence[Record]:
        """Every event whose target is one of these, in log order."""


class WorkRecords(Protocol):
    """What the log tells of people's work, over many cases at once; one workspace's.

    Every method raises `LogUnavailable` when the database does not answer.
    """

    async def opened(
        self, workspace: str, start: datetime, end: datetime, *, through: int, limit: int
    ) -> Sequence[str]:
        """The cases that were opened from `start` up to `end`, by the log up to a sequence."""

    async def happened(
        self, workspace: str, case_ids: Sequence[str], actions: Sequence[str], *, through: int
    ) -> Sequence[tuple[str, str, str | None]]:
        """Case, action and the owner it names, of these actions in these cases, up to a sequence.

        Each combination once, in no order.
        """

    async def acts(
        self,
        workspace: str,
        actions: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        through: int,
        limit: int,
    ) -> Sequence[Act]:
        """What of these actions happened from `start` up to `end`, in log order."""

    async def custody_of(
        self, workspace: str, case_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Interval]]:
        """Who had each of these cases, and when."""


class LogSignal(Protocol):
    """The word that something was recorded."""

    async def wait(self, seconds: float) -> int:
        """The highest sequence that was told of; returns after so many seconds in any case."""


class SignedTokens(Protocol):
    """Who a token that an issuer signed stands for."""

    async def holder_of(self, token: str) -> Caller | None:
        """The caller; None for a token that is not taken."""


class WordIndex(Protocol):
    """What records say, by its words; both methods raise `LogUnavailable`."""

    async def as_of(self) -> int:
        """The last record that can be found by its words."""

    async def hits(
        self, workspace: str, words: Words, wanted: RecordFilter, page: Page
    ) -> Sequence[Hit]:
        """Records that say all of it, by sequence."""


class Customers(Protocol):
    """Customers by keyed aliases; both methods raise `LogUnavailable`."""

    async def conversations(self, workspace: str, key: CustomerKey) -> Sequence[str]:
        """The conversations of a customer; `FilterNotAvailable` when there is no key for that."""

    async def contact(self, workspace: str, conversation_id: str) -> Contact | None:
        """What the log knows of a customer; None when it has no record of theirs."""


class Lists(Protocol):
    """Whole lists for people, read only; every method raises `LogUnavailable` like the log's."""

    async def users(self, workspace: str) -> Sequence[User]:
        """Everybody who works here, by name."""

    async def tickets(
        self,
        workspace: str,
        *,
        status: str | None,
        owner: str | None,
        after: int | None,
        limit: int,
    ) -> Sequence[Ticket]:
        """Tickets, the newest first; `after` is the `first_seq` of the last one seen."""

    async def open_cases(self, workspace: str) -> Mapping[str, int]:
        """How many open cases each owner has: `agent:a` → 3."""


class SealedTree(Protocol):
    """The sealed tree, read only; every method raises `LogUnavailable` without its database."""

    async def head(self) -> SealedHead | None:
        """The newest signed checkpoint; None before the first."""

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The stored tiles of these places, each as wide as it is."""

    async def rotations(self) -> Sequence[str]:
        """The notes with which the log changed its key, the oldest first."""

    async def cosigned(self) -> CosignedHead | None:
        """The largest checkpoint that enough witnesses cosigned; None before the first."""

    async def witnesses(self) -> Sequence[WitnessStanding]:
        """How each witness that is asked stands, by name."""


class CaseRecords(Protocol):
    """The records of a case with their leaf inputs and kept values, read only.

    Both methods raise `LogUnavailable` when the database does not answer.
    """

    async def of_case(
        self, workspace: str, scope: Scope, *, after: int, through: int, limit: int
    ) -> Sequence[SealedRecord]:
        """The next records of a case in log order, looks at it among them."""

    async def certificates(
        self, workspace: str, scope: Scope, *, through: int
    ) -> Sequence[SealedRecord]:
        """The certificates of what was erased in a case, in log order."""


class EventStream(Protocol):
    """The event stream: what the gateway itself records, and its figures."""

    async def record(self, event: Event) -> int:
        """The sequence of the stored event; `AccessNotRecorded` when it is not surely stored."""

    async def store(self, event: Event) -> bool:
        """True when the event is stored now, False when one of its id was there already.

        `AccessNotRecorded` when it is not surely stored.
        """

    async def last_seq(self) -> int:
        """The newest sequence of the stream; `StreamUnavailable` when it does not answer."""

    async def dead_letters(self) -> int:
        """How many messages are set aside; `StreamUnavailable` when the stream does not answer."""

    async def letter(self, seq: int) -> Letter | None:
        """What was set aside under this number; None when there is nothing, or no more."""

    async def next_letter(self, after: int) -> Letter | None:
        """What was set aside next above a number; None when there is nothing."""


class Commands(Protocol):
    """The services that own what can be changed."""

    async def send(self, command: Command) -> CommandReply:
        """The reply; `OutcomeUnknown` when nobody answered in time."""
