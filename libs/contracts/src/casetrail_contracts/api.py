"""What the gateway's HTTP API answers with; the bodies it takes are in `commands`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from casetrail_contracts.envelope import Actor, Change
from casetrail_contracts.handover import Outcome
from casetrail_contracts.records import RecordKind


class Answer(BaseModel):
    """A part of an answer; made from the gateway's own objects by their attributes."""

    model_config = ConfigDict(from_attributes=True)


class ProblemField(Answer):
    """One faulty value of a request."""

    where: str
    """`body.owner`, `query.limit`, …"""
    problem: str


class Problem(Answer):
    """Why there is no answer (RFC 9457, `application/problem+json`)."""

    type: str
    """`urn:casetrail:problem:<slug>`: stable, to be compared."""
    title: str
    status: int
    detail: str
    request_id: str | None = None
    """What to name when asking somebody about it; also in the header X-Request-Id."""
    errors: list[ProblemField] = Field(default_factory=list)


class ChangeSince(Answer):
    """Something that happened to a thing after the version somebody decided on."""

    version: int
    seq: int
    at: datetime
    """When it happened."""
    actor: Actor | None
    action: str
    changes: list[Change]
    """Field by field, old → new."""
    summary: str


class Conflict(Problem):
    """The 409 of a command with `If-Match`: what has changed since the version it named."""

    version: int
    """The version it is at now, for the next `If-Match`."""
    changed: list[ChangeSince] | None
    """The oldest first, at most fifty of the newest; None when the look at them could not be
    recorded, or the log does not have them yet: read the thing again then."""


class Hole(Answer):
    """Versions that should be in a timeline and are not (yet), at their place."""

    subject: str
    first: int
    last: int
    before_seq: int
    """The entry in front of which they are missing."""
    sentence: str


class QueryPart(Answer):
    """One part of the search box as it was understood, with its place in the line."""

    kind: Literal["filter", "word", "phrase", "beginning"]
    key: str
    """The filter, or `words`."""
    value: str
    text: str
    """What stands in the line from `start` to `end` (characters, the end excluded)."""
    start: int
    end: int


class CaseView(Answer):
    """A case as of a place in the log."""

    case_id: str
    conversation_id: str | None
    status: str
    owner: str | None
    owner_name: str | None
    queue: str | None
    escalated: bool
    tags: list[str] = Field(default_factory=list)
    ticket_ids: list[str]
    opened_at: datetime | None
    closed_at: datetime | None
    last_at: datetime | None
    version: int | None
    """Version of the conversation, for `If-Match`."""
    as_of_seq: int
    conversation_ids: list[str] = Field(default_factory=list)
    """Every conversation that belongs to it; `conversation_id` leads them."""
    merged_into: str | None = None
    """The case that goes on in its place."""
    merged_case_ids: list[str] = Field(default_factory=list)
    """Cases that were merged into this one; its timeline tells theirs as well."""


class ClockView(Answer):
    """One promised wait of a ticket, recomputed from the log, beside what its events say."""

    ticket_id: str
    clock: str
    """`first_response`, `next_response` or `resolution`."""
    policy: str
    policy_version: str
    """`sha256:` of the policy's text, which stands in the record `started_seq`."""
    state: Literal["running", "paused", "met", "breached"]
    begun_by: str
    """Event id of what began it."""
    started_at: datetime
    target_seconds: int
    used_seconds: int
    """Working time until now, or until it was stopped."""
    due_at: datetime | None
    breached_at: datetime | None
    noticed_at: datetime | None
    """When tickets told of the breach."""
    stopped_at: datetime | None
    stopped_by: str | None
    started_seq: int | None
    breached_seq: int | None
    agrees: bool
    """True when the events say what follows from the records."""
    differences: list[str]


class CaseAnswer(CaseView):
    """One case, and how far the log is complete."""

    clocks: list[ClockView] = Field(default_factory=list)
    """Of every ticket of the case."""
    clock_faults: list[str] = Field(default_factory=list)
    """Clock events that belong to no wait by the records."""

    linked_ticket_ids: list[str] = Field(default_factory=list)
    """Tickets of other cases that concern this one as well; its timeline has them."""
    holes: list[Hole]
    complete_through: int


class CasePage(Answer):
    """Cases, the newest first."""

    items: list[CaseView]
    next_cursor: str | None
    complete_through: int
    understood: list[QueryPart] = Field(default_factory=list)


class TicketLink(Answer):
    """What else a ticket is tied to: `case/CASE-1002` or `ticket/T-1002`."""

    target: str
    relation: str | None
    seq: int


class TicketView(Answer):
    """A ticket as of a place in the log."""

    ticket_id: str
    case_id: str | None
    conversation_id: str | None
    status: str
    priority: str | None
    category: str | None
    owner: str | None = None
    """Whose the ticket is, e.g. `agent:b`; the case may be somebody else's."""
    links: list[TicketLink] = Field(default_factory=list)
    held_by: str | None
    """Who outside has it, e.g. `courier`."""
    reference: str | None
    expected_at: datetime | None
    """What they promised last."""
    chased: int = 0
    """How often they were asked where it stays."""
    chased_at: datetime | None = None
    created_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    version: int | None
    """Version of the ticket, for `If-Match`."""
    as_of_seq: int


class TicketAnswer(TicketView):
    """One ticket, and how far the log is complete."""

    clocks: list[ClockView] = Field(default_factory=list)
    clock_faults: list[str] = Field(default_factory=list)
    """Clock events that belong to no wait by the records."""

    holes: list[Hole]
    complete_through: int


class Cause(Answer):
    """What an entry follows from; `seq` is None for a command, or for what is not in the log."""

    event_id: str
    seq: int | None = None
    action: str | None = None


class TimelineEntry(Answer):
    """One line of a history."""

    seq: int
    at: datetime
    """When it happened."""
    recorded_at: datetime
    """When the log took it."""
    actor: Actor | None
    on_behalf_of: Actor | None
    action: str
    target: str | None
    summary: str
    """The one sentence a reviewer reads."""
    changes: list[Change]
    reason: str | None
    cause: Cause | None
    event_id: str | None
    late: bool
    """True when something that happened later was recorded before."""
    copies: int = 0
    """How many further copies of the event arrived; they are folded into this entry."""
    case_id: str | None = None
    ticket_id: str | None = None
    archived: str | None = None
    """The archive that has the content of the record; then only its place is told here."""


class Tree(Answer):
    """The sealed Merkle tree of the log; root in hex, None while nothing is sealed."""

    size: int
    root: str | None


class Timeline(Answer):
    """A history in log order, and how far it is complete."""

    case: CaseView | None
    ticket: TicketView | None = None
    conversation_id: str | None = None
    entries: list[TimelineEntry]
    holes: list[Hole]
    complete_through: int
    tree: Tree
    next_cursor: str | None


class RecordView(Answer):
    """One record of the log; personal values are masked or hidden."""

    seq: int
    index: int
    """Place in the tree: `seq` minus the log's first sequence."""
    kind: RecordKind
    event_id: str | None
    type: str | None
    at: datetime | None
    recorded_at: datetime
    actor: Actor | None
    on_behalf_of: Actor | None
    action: str | None
    target: str | None
    summary: str
    conversation_id: str | None
    case_id: str | None
    ticket_id: str | None
    version: int | None
    changes: list[Change]
    reason: str | None
    data: dict[str, Any]
    correlation_id: str | None
    causation_id: str | None
    private: dict[str, Any]
    erased: dict[str, Any] | None = None
    """Set when the personal values were erased: `erasure_id`, `policy`, `policy_version`, `at`."""
    archived: dict[str, Any] | None = None
    """Set when its content left for an archive: `file`, `by` (the record that says so), `at`."""
    leaf: str
    """RFC 6962 leaf hash, hex."""
    leaf_input: str
    """The canonical JSON whose leaf hash `leaf` is; empty once the record is archived."""
    of: int | None
    """duplicate: the sequence of the first copy."""
    problem: str | None
    """gap, poison: why."""


class RecordPage(Answer):
    """Records of the log, the newest first unless asked otherwise."""

    items: list[RecordView]
    next_cursor: str | None
    complete_through: int
    understood: list[QueryPart] = Field(default_factory=list)


class ActivityAnswer(Answer):
    """What one person did, the newest first unless asked otherwise."""

    user_id: str
    entries: list[TimelineEntry]
    complete_through: int
    next_cursor: str | None


class HandoverCase(Answer):
    """A case that was held when the shift ended, and what became of it."""

    case_id: str
    outcome: Outcome
    """carried: with the same person. accepted: taken, or passed on with a note. reowned: with
    somebody else without a note. dropped: with nobody. closed."""
    owner: str | None
    escalated: bool
    escalation_untouched: bool
    """Escalated, and no person did anything with it since the shift ended."""
    noted: bool
    """A person wrote a note since the shift began."""
    moved_seq: int | None
    """The record that last changed whose it is."""
    missing: list[int]
    """Versions of its conversation that the log lacks: what became of it is not certain."""


class HandoverOpening(Answer):
    """Who began the hand-over."""

    by: Actor | None
    to: str | None
    at: datetime
    seq: int


class HandoverSignature(Answer):
    """Who signed, and up to which record of the log."""

    by: Actor | None
    through: int
    at: datetime
    seq: int


class HandoverAnswer(Answer):
    """What became of the cases of a shift that ended, recomputed from the log."""

    shift_id: str
    user_id: str
    started_at: datetime | None
    ended_at: datetime
    ended_seq: int
    snapshot: bool
    """False when the shift ended before hand-overs were kept: then no cases are known."""
    opened: HandoverOpening | None
    signatures: list[HandoverSignature]
    complete: bool
    counts: dict[str, int]
    """How many cases have each outcome, and how many escalations are untouched."""
    cases: list[HandoverCase]
    through: int
    """The record up to which this is told; the same `through` gives the same cases again."""
    complete_through: int


class Gap(Answer):
    """A sequence the stream no longer has."""

    seq: int
    problem: str | None


class KeyRotations(Answer):
    """How the log changed its key: signed notes, the oldest first."""

    rotations: list[str]


class WitnessStatus(Answer):
    """A witness of the log: the size it cosigned last, by its own clock, and what is in its way."""

    name: str
    size: int
    cosigned_at: datetime | None
    problem: str | None


class LogStatus(Answer):
    """How far the log is complete, and what it lacks. Counts cover all workspaces."""

    stream_last_seq: int
    complete_through: int
    sealed_size: int
    lag: int
    """Events in the stream that are not in the complete part of the log yet."""
    gaps: list[Gap]
    duplicates: int
    poison: int
    dead_letters: int
    cosigned_size: int = 0
    """Leaves of the largest checkpoint that enough witnesses cosigned."""
    witnesses: list[WitnessStatus] = Field(default_factory=list)


class CommandAnswer(Answer):
    """What a command did: what its service says of it (ids, status), and the new version."""

    model_config = ConfigDict(extra="allow")

    version: int | None = None


class BulkTicket(Answer):
    """What became of one ticket of a bulk."""

    ticket_id: str
    status: Literal["done", "refused"]
    code: str | None
    detail: str | None
    version: int | None


class BulkProgress(Answer):
    """How far one action on many tickets is."""

    bulk_id: str
    action: str
    mode: Literal["all", "each"]
    state: Literal["accepted", "running", "done", "refused"]
    """`refused`: all or nothing was asked, and it was nothing."""
    total: int
    done: int
    refused: int
    taken_at: datetime
    ended_at: datetime | None
    tickets: list[BulkTicket]
    """Those already decided, in the order asked for."""


Order = Literal["asc", "desc"]
