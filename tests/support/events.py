"""Small events for tests that care about order, not about content."""

from datetime import UTC, datetime

from casetrail_contracts import Actor, Event
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.conversation import ConversationAssigned

AT = datetime(2026, 11, 22, 10, 14, 3, 120_000, tzinfo=UTC)
ROUTING = Actor(kind="service", id="routing")


def assigned(
    cause_id: str, sequence: int, *, conversation: str = "cv_a", note: str = "", nth: int = 0
) -> Event:
    """The nth `conversation.assigned` that a cause led to; its id follows from the cause."""
    return Event.build(
        ConversationAssigned(actor=ROUTING, owner="agent:a"),
        workspace="main",
        source="routing",
        subject=f"conversation/{conversation}",
        time=AT,
        id=derive_id(cause_id, "conversation.assigned", conversation, nth),
        causationid=cause_id,
        sequence=sequence,
        conversationid=conversation,
        private={"note": note} if note else None,
    )


def rejected(cause_id: str) -> Event:
    """A `command.rejected`: an event that counts in no aggregate."""
    return Event.build(
        CommandRejected(
            actor=ROUTING,
            command="routing.assign",
            command_id=cause_id,
            target="conversation/cv_a",
            code="closed",
            detail="The case is closed.",
            refused_by="routing",
        ),
        workspace="main",
        source="routing",
        subject=f"command/{cause_id}",
        time=AT,
        id=derive_id(cause_id, "command.rejected"),
        causationid=cause_id,
    )
