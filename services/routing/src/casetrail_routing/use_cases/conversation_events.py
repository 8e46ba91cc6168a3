"""Facts of a conversation as events of the contract; `recorded_facts` is the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casetrail_contracts import Change, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry import conversation as contract

from casetrail_routing.domain.conversation import Conversation, apply
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
    RuleRef,
    Tagged,
    Transferred,
    Unassigned,
    Untagged,
)
from casetrail_routing.use_cases.causes import SERVICE, Cause, by_rule


@dataclass(frozen=True)
class Sealed:
    """Facts as they will be kept: the state after them, and their events."""

    state: Conversation
    events: list[Event]


def event_id(cause_id: str, conversation_id: str, fact_type: str, version: int) -> str:
    """The id of an event to come: the same whenever the cause and the place are the same.

    The conversation is part of it: one cause, such as the start of a shift, moves many.
    """
    return derive_id(cause_id, conversation_id, fact_type, version)


def custody_event_id(
    conversation_id: str,
    state: Conversation | None,
    facts: Sequence[ConversationFact],
    cause_id: str,
) -> str | None:
    """The id of the event among these that gives somebody custody; it names the slot to reserve."""
    version = 0 if state is None else state.version
    for place, fact in enumerate(facts, start=version + 1):
        keeps_owner = isinstance(fact, Reopened) and fact.rule is not None
        if isinstance(fact, Assigned | Transferred) or keeps_owner:
            return event_id(cause_id, conversation_id, fact.type_name, place)
    return None


def seal(
    conversation_id: str,
    state: Conversation | None,
    facts: Sequence[ConversationFact],
    cause: Cause,
) -> Sealed:
    """The next state and the events of these facts, in order, one version each; needs a fact."""
    events: list[Event] = []
    for fact in facts:
        version = 1 if state is None else state.version + 1
        id_ = event_id(cause.id, conversation_id, fact.type_name, version)
        after = apply(state, Recorded(version, id_, cause.at, fact))
        events.append(
            Event.build(
                _data(fact, state, cause),
                workspace=cause.workspace,
                source=SERVICE,
                subject=f"conversation/{conversation_id}",
                time=cause.at,
                id=id_,
                correlationid=cause.correlation_id,
                causationid=cause.id,
                sequence=version,
                conversationid=conversation_id,
                caseid=after.case_id,
                private=None if events else cause.private,
            )
        )
        state = after
    if state is None:
        raise ValueError("there is no fact to seal")
    return Sealed(state, events)


def owner_ref(user_id: str | None) -> str | None:
    """The owner as events name them: `agent:<user id>`."""
    return None if user_id is None else f"agent:{user_id}"


def _data(fact: ConversationFact, before: Conversation | None, cause: Cause) -> EventData:
    match fact:
        case Opened():
            return contract.ConversationOpened(
                **_who(cause),
                changes=[Change(field="status", old=_status(before), new="open")],
                phone_number_id=fact.phone_number_id,
                channel=fact.channel,
                message_event_id=fact.message_event_id,
                message_conversation_id=fact.message_conversation_id,
            )
        case Queued():
            old = None if before is None else before.queue
            return contract.ConversationQueued(
                **_who(cause),
                changes=[Change(field="queue", old=old, new=fact.queue)],
                queue=fact.queue,
                accept_within=fact.accept_within,
                language=fact.language,
                topic=fact.topic,
            )
        case Escalated():
            return _escalated(fact, cause)
        case Deescalated() | Tagged() | Untagged() | NoteAdded():
            return _remark(fact, cause)
        case Linked():
            return contract.ConversationLinked(
                **_who(cause, None, _why_linked(fact)),
                changes=[Change(field="linked_to", old=None, new=fact.to)],
                linked_to=fact.to,
                linked_case_id=fact.case_id,
                phone_number_id=fact.phone_number_id,
                channel=fact.channel,
                merged_case_id=fact.merged_case_id,
                identity_event_id=fact.identity_event_id,
            )
    if before is None:
        raise ValueError(f"{fact.type_name} needs a case")
    return _data_of_open_case(fact, before, cause)


def _data_of_open_case(
    fact: Assigned | Accepted | Declined | Transferred | Unassigned | Closed | Reopened,
    before: Conversation,
    cause: Cause,
) -> EventData:
    owner = owner_ref(before.owner)
    match fact:
        case Assigned():
            return contract.ConversationAssigned(
                **_who(cause, fact.rule, _why_assigned(before)),
                changes=[Change(field="owner", old=owner, new=owner_ref(fact.owner))],
                owner=f"agent:{fact.owner}",
                owner_name=fact.owner_name,
                previous_owner=owner,
                queue=before.queue,
                queued_at=before.queued_at,
                accept_by=fact.accept_by,
                tried=list(fact.tried) or None,
            )
        case Accepted() | Declined():
            return _answered(fact, before, cause)
        case Transferred():
            return contract.ConversationTransferred(
                **_who(cause),
                changes=[Change(field="owner", old=owner, new=owner_ref(fact.owner))],
                owner=f"agent:{fact.owner}",
                owner_name=fact.owner_name,
                previous_owner=owner or "",
            )
        case Unassigned():
            return contract.ConversationUnassigned(
                **_who(cause, None, fact.because),
                changes=[Change(field="owner", old=owner, new=None)],
                previous_owner=owner or "",
                released=True if fact.released else None,
                expired=True if fact.expired else None,
                not_again_before=fact.not_again_before,
            )
        case Closed():
            return contract.ConversationClosed(
                **_who(cause, None, fact.because),
                changes=[Change(field="status", old="open", new="closed")],
                owner=owner,
                merged_into=fact.merged_into,
            )
        case Reopened():
            by_message = fact.message_event_id is not None
            reason = "the customer wrote within the reopen window" if by_message else None
            return contract.ConversationReopened(
                **_who(cause, fact.rule, reason),
                changes=[Change(field="status", old="closed", new="open")],
                message_event_id=fact.message_event_id,
                message_conversation_id=fact.message_conversation_id,
                closed_at=before.closed_at,
            )


def _answered(fact: Accepted | Declined, before: Conversation, cause: Cause) -> EventData:
    owner = owner_ref(before.owner) or ""
    if isinstance(fact, Declined):
        changes = [Change(field="owner", old=owner, new=None)]
        return contract.ConversationDeclined(**_who(cause), changes=changes, previous_owner=owner)
    return contract.ConversationAccepted(
        **_who(cause),
        changes=[Change(field="custody", old="offered", new="held")],
        owner=owner,
        owner_name=before.owner_name,
        offered_until=before.accept_by,
    )


def _remark(fact: Deescalated | Tagged | Untagged | NoteAdded, cause: Cause) -> EventData:
    match fact:
        case Deescalated():
            return contract.ConversationDeescalated(
                **_who(cause), changes=[Change(field="escalated", old=True, new=False)]
            )
        case Tagged():
            return contract.ConversationTagged(
                **_who(cause), changes=[Change(field="tags", old=None, new=fact.tag)], tag=fact.tag
            )
        case Untagged():
            return contract.ConversationUntagged(
                **_who(cause), changes=[Change(field="tags", old=fact.tag, new=None)], tag=fact.tag
            )
        case NoteAdded():
            return contract.ConversationNoteAdded(**_who(cause), note_id=fact.note_id)


def _escalated(fact: Escalated, cause: Cause) -> EventData:
    by_rule = fact.rule is not None
    return contract.ConversationEscalated(
        **_who(cause, fact.rule, _why_escalated(fact)),
        changes=[Change(field="escalated", old=False, new=True)],
        trigger="rule" if by_rule else "person",
        rule=None if fact.rule is None else fact.rule.name,
        rule_version=None if fact.rule is None else fact.rule.version,
        matched=[
            contract.MatchedPhrase(
                phrase=match.phrase, language=match.language, start=match.start, end=match.end
            )
            for match in fact.matched
        ],
        message_event_id=fact.message_event_id,
        observed=None
        if fact.observed is None
        else contract.Observed(
            messages=fact.observed.messages,
            since=fact.observed.since,
            seconds=fact.observed.seconds,
            message_event_ids=list(fact.observed.message_event_ids),
        ),
    )


def _why_escalated(fact: Escalated) -> str | None:
    if fact.rule is None:
        return None
    if fact.matched:
        return "complaint detected"
    return "the case merged into it was" if fact.observed is None else "no answer so far"


def _why_linked(fact: Linked) -> str | None:
    return None if fact.identity_event_id is None else "WhatsApp told that they are one customer"


def _who(cause: Cause, rule: RuleRef | None = None, reason: str | None = None) -> dict[str, Any]:
    """Actor, on_behalf_of and reason: what a rule does, routing does, on nobody's behalf."""
    rule = cause.rule if rule is None else rule
    if rule is None:
        return {
            "actor": cause.actor,
            "on_behalf_of": cause.on_behalf_of,
            "reason": reason,
        }
    return {"actor": by_rule(rule), "reason": reason, "rule_text": rule.text}


def _why_assigned(before: Conversation) -> str | None:
    return None if before.queue is None else f"from {before.queue.replace('-', ' ')} queue"


def _status(before: Conversation | None) -> str | None:
    return None if before is None else before.status
