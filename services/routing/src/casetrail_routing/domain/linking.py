"""Two conversations of one customer: which of them leads, and what the other one records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import Closed, ConversationFact, Linked

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lead:
    """The conversation in which a customer is served, and its state."""

    conversation_id: str
    state: Conversation


def leading(conversations: Mapping[str, Conversation]) -> Lead:
    """The one with the oldest open case; when none is open, the one whose case ended last.

    The oldest: whoever waits longest keeps their place, and its owner knows the customer.
    """
    opened = {id_: state for id_, state in conversations.items() if state.is_open}
    if opened:
        found = min(opened, key=lambda id_: (opened[id_].opened_at, id_))
    else:
        found = min(conversations, key=lambda id_: (-_ended(conversations[id_]), id_))
    return Lead(found, conversations[found])


def yields(
    state: Conversation, lead: Lead, identity_event_id: str | None
) -> list[ConversationFact]:
    """What a conversation records that is led in another from here on; its case ends with it."""
    case_id = lead.state.case_id
    linked = Linked(
        lead.conversation_id,
        case_id,
        state.phone_number_id,
        state.channel,
        state.case_id if state.is_open else None,
        identity_event_id,
    )
    if not state.is_open:
        return [linked]
    return [Closed(f"merged into {case_id}: the same customer", case_id), linked]


def _ended(state: Conversation) -> float:
    return (state.closed_at or _NEVER).timestamp()
