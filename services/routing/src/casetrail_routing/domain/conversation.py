"""A conversation and its current case: the state is the fold of what happened, nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from casetrail_routing.domain.facts import (
    Accepted,
    Assigned,
    Closed,
    ConversationFact,
    Declined,
    Deescalated,
    Escalated,
    Linked,
    NoteAdded,
    Opened,
    Queued,
    Recorded,
    Reopened,
    Tagged,
    Transferred,
    Unassigned,
    Untagged,
)

Moving = Queued | Assigned | Declined | Transferred | Unassigned | Closed | Reopened


class HistoryBroken(ValueError):
    """Facts that cannot follow each other: a version is missing, or a case was never opened."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One customer's conversation with one business number, and the case it is in.

    `owner` is a user id and stays after the close. `slot` is the id of the event that gave them
    custody, which is also the name of the slot reserved for it; None while nobody holds the case.
    `queued_by` is the event that put the case into the queue. `cases` counts the cases that this
    conversation has had.
    """

    case_id: str
    phone_number_id: str
    channel: str
    cases: int
    status: Literal["open", "closed"]
    opened_at: datetime
    version: int
    owner: str | None = None
    owner_name: str | None = None
    slot: str | None = None
    queue: str | None = None
    queued_at: datetime | None = None
    queued_by: str | None = None
    last_owner: str | None = None
    """Who had this conversation last, in this case or one before, when nobody has it now."""
    language: str | None = None
    topic: str | None = None
    released_by: str | None = None
    """Who gave the case back last: no rule gives it to them again before somebody had it."""
    released_until: datetime | None = None
    """Until when no rule gives it to them again; None: until somebody had it."""
    accept_within: int | None = None
    """Seconds for accepting it, for whoever gets it from the queue in which it waits."""
    accept_by: datetime | None = None
    """Until when the owner has to accept it; None when it is theirs."""
    escalated: bool = False
    tags: tuple[str, ...] = ()
    notes: int = 0
    closed_at: datetime | None = None
    linked_to: str | None = None
    """The conversation this one is led in: what its messages lead to happens in that one."""

    @property
    def is_open(self) -> bool:
        """True until the case is closed."""
        return self.status == "open"

    @property
    def is_waiting(self) -> bool:
        """True while the open case has no owner."""
        return self.is_open and self.owner is None

    @property
    def is_offered(self) -> bool:
        """True while the owner has neither accepted nor declined."""
        return self.is_open and self.accept_by is not None

    def passed_over(self, at: datetime) -> str | None:
        """Whom no rule may give the case at this time."""
        if self.released_until is not None and self.released_until <= at:
            return None
        return self.released_by


def apply(state: Conversation | None, recorded: Recorded[ConversationFact]) -> Conversation:
    """The state after one more fact.

    Raises:
        HistoryBroken: when the fact is not the next version, or nothing was opened before it.
    """
    before = 0 if state is None else state.version
    if recorded.version != before + 1:
        raise HistoryBroken(f"version {recorded.version} follows version {before}")
    fact = recorded.fact
    if isinstance(fact, Opened):
        return Conversation(
            case_id=fact.case_id,
            phone_number_id=fact.phone_number_id,
            channel=fact.channel,
            cases=1 if state is None else state.cases + 1,
            status="open",
            opened_at=recorded.at,
            version=recorded.version,
            last_owner=None if state is None else state.owner or state.last_owner,
        )
    if isinstance(fact, Linked):
        return _led_elsewhere(state, recorded, fact)
    if state is None:
        raise HistoryBroken(f"{fact.type_name} before any case was opened")
    return replace(_changed(state, recorded, fact), version=recorded.version)


def _led_elsewhere(
    state: Conversation | None, recorded: Recorded[ConversationFact], fact: Linked
) -> Conversation:
    """Linked: at once when somebody first writes in it, or after its case has ended."""
    if state is None:
        state = Conversation(
            case_id=fact.case_id,
            phone_number_id=fact.phone_number_id,
            channel=fact.channel,
            cases=0,
            status="closed",
            opened_at=recorded.at,
            version=0,
        )
    if state.is_open:
        raise HistoryBroken("a conversation was linked while its case was open")
    return replace(state, linked_to=fact.to, case_id=fact.case_id, version=recorded.version)


def _changed(
    state: Conversation, recorded: Recorded[ConversationFact], fact: ConversationFact
) -> Conversation:
    match fact:
        case Escalated() | Deescalated():
            rule = fact.rule if isinstance(fact, Escalated) else None
            topic = state.topic if rule is None else rule.name
            return replace(state, escalated=isinstance(fact, Escalated), topic=topic)
        case Tagged():
            return replace(state, tags=tuple(sorted({*state.tags, fact.tag})))
        case Untagged():
            return replace(state, tags=tuple(tag for tag in state.tags if tag != fact.tag))
        case NoteAdded():
            return replace(state, notes=state.notes + 1)
        case Accepted():
            return replace(state, accept_by=None)
        case Opened() | Linked():  # handled by `apply`
            raise HistoryBroken(f"{fact.type_name} changes no case")
        case _:
            return _moved(state, recorded, fact)


def _moved(state: Conversation, recorded: Recorded[ConversationFact], fact: Moving) -> Conversation:
    """What changes who has the case, or whether anybody has."""
    match fact:
        case Queued():
            return replace(
                state,
                queue=fact.queue,
                queued_at=recorded.at,
                queued_by=recorded.event_id,
                accept_within=fact.accept_within,
                language=fact.language or state.language,
                topic=fact.topic or state.topic,
            )
        case Assigned() | Transferred():
            had = replace(state, slot=recorded.event_id, released_by=None, released_until=None)
            accept_by = fact.accept_by if isinstance(fact, Assigned) else None
            return replace(
                _unqueued(had),
                owner=fact.owner,
                owner_name=fact.owner_name,
                accept_by=accept_by,
            )
        case Declined():
            return _nobodys(state, state.owner)
        case Unassigned():
            released_by = state.owner if fact.released or fact.expired else None
            return _nobodys(state, released_by, fact.not_again_before)
        case Closed():
            left = replace(state, status="closed", slot=None, accept_by=None)
            return replace(_unqueued(left), closed_at=recorded.at)
        case Reopened():
            slot = None if state.owner is None else recorded.event_id
            return replace(state, status="open", closed_at=None, slot=slot)


def _unqueued(state: Conversation) -> Conversation:
    return replace(state, queue=None, queued_at=None, queued_by=None, accept_within=None)


def _nobodys(
    state: Conversation, released_by: str | None, until: datetime | None = None
) -> Conversation:
    return replace(
        state,
        owner=None,
        owner_name=None,
        slot=None,
        accept_by=None,
        released_by=released_by,
        released_until=until,
        last_owner=state.owner if state.accept_by is None else state.last_owner,
    )


def fold(history: Iterable[Recorded[ConversationFact]]) -> Conversation | None:
    """The state that a whole history gives; None for an empty one."""
    state: Conversation | None = None
    for recorded in history:
        state = apply(state, recorded)
    return state
