"""What a message or a command means for a conversation: facts to record, or a refusal.

Whether somebody is free is not decided here: a decision says what is needed (`Need`), the use case
reserves a slot for it and passes the `Holder` back in. Which facts come, and in which order, does
not depend on who the holder is: that lets a slot be named by the id of the event to come.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from casetrail_routing.domain.assignment import LEAST_LOADED, PREVIOUS_OWNER
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import (
    Assigned,
    ConversationFact,
    Escalated,
    Match,
    Observed,
    Opened,
    Queued,
    Reopened,
    RuleRef,
    Unassigned,
)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A customer's message as routing sees it: no text, only what the rules found in it."""

    event_id: str
    at: datetime
    phone_number_id: str
    channel: str
    rule: RuleRef | None = None
    matched: tuple[Match, ...] = ()
    language: str | None = None
    topic: str | None = None
    """The complaint rule that the words matched, whether or not that marks the case."""
    observed: Observed | None = None
    conversation_id: str | None = None
    """Where it was written, when that is a linked conversation."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A user at whom a slot is reserved; `claim` is this one reservation, of all for that slot.

    `rule` chose them, after the strategies `tried` had found nobody; None when a person chose.
    """

    user_id: str
    name: str
    claim: str = ""
    rule: RuleRef | None = None
    tried: tuple[str, ...] = ()


class Need(Enum):
    """What a message asks of a conversation."""

    NOTHING = "nothing"
    ESCALATION = "escalation"
    REOPENING = "reopening"
    NEW_CASE = "new case"


def need_of(state: Conversation | None, message: Inbound, reopen_window: timedelta) -> Need:
    """What this message asks for, given what is known.

    The window is measured from the close to when the customer wrote, not to when we heard of it; a
    message written before the close and heard of after it reopens: nobody has answered it.
    A linked conversation is asked only when two were linked to each other at the same moment.
    """
    if state is None or state.linked_to is not None:
        return Need.NEW_CASE
    if state.closed_at is not None:
        inside = message.at - state.closed_at <= reopen_window
        return Need.REOPENING if inside else Need.NEW_CASE
    return Need.ESCALATION if message.rule is not None and not state.escalated else Need.NOTHING


def open_case(
    message: Inbound, case_id: str, queued: Queued, at: datetime, holder: Holder | None
) -> list[ConversationFact]:
    """A new case: opened, queued, and with its owner if somebody is free."""
    opened = Opened(
        case_id,
        message.phone_number_id,
        message.channel,
        message.event_id,
        message.conversation_id,
    )
    return [opened, *_queue(queued, message, at, holder), *escalation(message)]


def reopen_with_previous_owner(state: Conversation, message: Inbound) -> list[ConversationFact]:
    """The closed case again, with the owner it was closed with."""
    reopened = Reopened(message.event_id, PREVIOUS_OWNER.ref, message.conversation_id)
    return [reopened, *_escalation_once(state, message)]


def reopen_in_queue(
    state: Conversation, message: Inbound, queued: Queued, at: datetime, holder: Holder | None
) -> list[ConversationFact]:
    """The closed case again, in the queue, and with another owner if somebody is free."""
    facts: list[ConversationFact] = [Reopened(message.event_id, None, message.conversation_id)]
    if state.owner is not None:
        facts.append(Unassigned("the previous owner is off shift or at capacity"))
    return [*facts, *_queue(queued, message, at, holder), *_escalation_once(state, message)]


def escalation(message: Inbound) -> list[ConversationFact]:
    """The mark that a complaint rule sets, if one matched."""
    if message.rule is None:
        return []
    return [Escalated(message.rule, message.matched, message.event_id, message.observed)]


def assign_from_queue(holder: Holder, accept_by: datetime | None) -> list[ConversationFact]:
    """A waiting case gets its owner: outright, or as an offer until this time."""
    rule = LEAST_LOADED.ref if holder.rule is None else holder.rule
    return [Assigned(holder.user_id, holder.name, rule, accept_by, holder.tried)]


def _escalation_once(state: Conversation, message: Inbound) -> list[ConversationFact]:
    return [] if state.escalated else escalation(message)


def _queue(
    queued: Queued, message: Inbound, at: datetime, holder: Holder | None
) -> list[ConversationFact]:
    queued = replace(queued, language=message.language, topic=message.topic)
    if holder is None:
        return [queued]
    return [queued, *assign_from_queue(holder, queued.accept_by(at))]
