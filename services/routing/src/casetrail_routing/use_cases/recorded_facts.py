"""Published events of a conversation as facts again, for folding the log."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from casetrail_contracts import Event, EventData
from casetrail_contracts.registry import conversation as contract

from casetrail_routing.domain.facts import (
    Accepted,
    Assigned,
    Closed,
    ConversationFact,
    Declined,
    Deescalated,
    Escalated,
    Linked,
    Match,
    NoteAdded,
    Observed,
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


def recorded(event: Event) -> Recorded[ConversationFact] | None:
    """What a published event says, for folding the log; None for events of other nouns."""
    fact = _fact(event.data)
    if fact is None or event.version is None:
        return None
    return Recorded(event.version, event.id, event.time, _with_case(fact, event.caseid))


def _with_case(fact: ConversationFact, case_id: str | None) -> ConversationFact:
    return replace(fact, case_id=case_id or "") if isinstance(fact, Opened) else fact


def _fact(data: EventData) -> ConversationFact | None:
    read = _FACTS.get(type(data))
    return None if read is None else read(data)


def _opened(data: contract.ConversationOpened) -> Opened:
    return Opened(
        "",
        data.phone_number_id,
        data.channel,
        data.message_event_id,
        data.message_conversation_id,
    )


def _assigned(data: contract.ConversationAssigned) -> Assigned:
    rule, tried = _rule(data), tuple(data.tried or ())
    return Assigned(_user_id(data.owner), data.owner_name or "", rule, data.accept_by, tried)


def _escalated(data: contract.ConversationEscalated) -> Escalated:
    matched = tuple(
        Match(match.phrase, match.language or "", match.start, match.end) for match in data.matched
    )
    return Escalated(_rule(data), matched, data.message_event_id, _observed(data.observed))


def _observed(found: contract.Observed | None) -> Observed | None:
    if found is None:
        return None
    return Observed(found.messages, found.since, found.seconds, tuple(found.message_event_ids))


def _user_id(owner: str) -> str:
    return owner.removeprefix("agent:")


def _rule(data: EventData) -> RuleRef | None:
    actor = data.actor
    if actor.rule is None or actor.rule_version is None:
        return None
    return RuleRef(actor.rule, actor.rule_version, data.rule_text)


_FACTS: Final[dict[type[EventData], Callable[[Any], ConversationFact]]] = {
    contract.ConversationOpened: _opened,
    contract.ConversationQueued: lambda data: Queued(
        data.queue, data.accept_within, data.language, data.topic
    ),
    contract.ConversationAssigned: _assigned,
    contract.ConversationAccepted: lambda _: Accepted(),
    contract.ConversationDeclined: lambda _: Declined(),
    contract.ConversationTransferred: lambda data: Transferred(
        _user_id(data.owner), data.owner_name or ""
    ),
    contract.ConversationUnassigned: lambda data: Unassigned(
        data.reason,
        released=data.released is True,
        expired=data.expired is True,
        not_again_before=data.not_again_before,
    ),
    contract.ConversationEscalated: _escalated,
    contract.ConversationDeescalated: lambda _: Deescalated(),
    contract.ConversationTagged: lambda data: Tagged(data.tag),
    contract.ConversationUntagged: lambda data: Untagged(data.tag),
    contract.ConversationNoteAdded: lambda data: NoteAdded(data.note_id),
    contract.ConversationClosed: lambda data: Closed(data.reason, data.merged_into),
    contract.ConversationReopened: lambda data: Reopened(
        data.message_event_id, _rule(data), data.message_conversation_id
    ),
    contract.ConversationLinked: lambda data: Linked(
        data.linked_to,
        data.linked_case_id,
        data.phone_number_id,
        data.channel,
        data.merged_case_id,
        data.identity_event_id,
    ),
}
