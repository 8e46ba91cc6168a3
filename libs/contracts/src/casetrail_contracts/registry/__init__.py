"""The closed list of what can happen: every `noun.verb`, who publishes it, and its model.

A type without a model is reserved: its name and owner are fixed, its fields are typed when the part
of Casetrail that publishes it arrives. Unknown types still parse (as `EventData`) and are recorded.
"""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts.envelope import EventData
from casetrail_contracts.registry import (
    access,
    channel,
    command,
    conversation,
    customer,
    letter,
    message,
    presence,
    privacy,
    retention,
    review,
    shift,
    ticket,
    user,
    view,
    webhook,
)

__all__ = ["EVENT_TYPES", "EventType", "model_of"]


@dataclass(frozen=True)
class EventType:
    """One row of the list.

    `owner` is the service that publishes it ("any" for types every service may publish).
    """

    noun: str
    verb: str
    owner: str
    model: type[EventData] | None = None
    version: int = 1

    @property
    def name(self) -> str:
        """`noun.verb`."""
        return f"{self.noun}.{self.verb}"

    @property
    def type(self) -> str:
        """The CloudEvents `type`."""
        return f"casetrail.{self.noun}.{self.verb}.v{self.version}"


_TYPED: Final[tuple[tuple[str, type[EventData]], ...]] = (
    ("ingest", message.MessageReceived),
    ("ingest", message.MessageStatusChanged),
    ("ingest", message.MessageSent),
    ("ingest", message.MessageSendFailed),
    ("ingest", message.MessageImported),
    ("ingest", message.MessageEdited),
    ("ingest", message.MessageRevoked),
    ("ingest", message.MessageReacted),
    ("ingest", customer.CustomerIdentified),
    ("ingest", channel.AccountChanged),
    ("ingest", channel.NumberChanged),
    ("ingest", channel.TemplateChanged),
    ("ingest", channel.FlowChanged),
    ("ingest", channel.GroupChanged),
    ("ingest", channel.ControlChanged),
    ("ingest", channel.ContactChanged),
    ("ingest", channel.PreferenceChanged),
    ("ingest", channel.HistorySynced),
    ("ingest", channel.ErrorReported),
    ("ingest", channel.SignalDetected),
    ("ingest", channel.CallConnected),
    ("ingest", channel.CallTerminated),
    ("ingest", channel.CallStatusChanged),
    ("ingest", webhook.WebhookUnrecognised),
    ("ingest", webhook.WebhookQuarantined),
    ("routing", conversation.ConversationOpened),
    ("routing", conversation.ConversationQueued),
    ("routing", conversation.ConversationAssigned),
    ("routing", conversation.ConversationAccepted),
    ("routing", conversation.ConversationDeclined),
    ("routing", conversation.ConversationUnassigned),
    ("routing", conversation.ConversationTransferred),
    ("routing", conversation.ConversationEscalated),
    ("routing", conversation.ConversationDeescalated),
    ("routing", conversation.ConversationTagged),
    ("routing", conversation.ConversationUntagged),
    ("routing", conversation.ConversationNoteAdded),
    ("routing", conversation.ConversationClosed),
    ("routing", conversation.ConversationReopened),
    ("routing", conversation.ConversationLinked),
    ("routing", user.UserCreated),
    ("routing", user.UserUpdated),
    ("routing", user.UserRoleChanged),
    ("routing", user.UserDeactivated),
    ("routing", user.UserReactivated),
    ("routing", presence.PresenceChanged),
    ("routing", shift.ShiftStarted),
    ("routing", shift.ShiftEnded),
    ("routing", shift.HandoverOpened),
    ("routing", shift.HandoverSigned),
    ("tickets", ticket.TicketCreated),
    ("tickets", ticket.TicketStatusChanged),
    ("tickets", ticket.TicketAssigned),
    ("tickets", ticket.TicketPriorityChanged),
    ("tickets", ticket.TicketLinked),
    ("tickets", ticket.TicketHandedOff),
    ("tickets", ticket.TicketNoteAdded),
    ("tickets", ticket.TicketResolved),
    ("tickets", ticket.TicketClosed),
    ("tickets", ticket.TicketReopened),
    ("tickets", ticket.SlaStarted),
    ("tickets", ticket.SlaBreached),
    ("any", command.CommandRejected),
    ("any", letter.LetterHandled),
    ("gateway", access.AccessViewed),
    ("gateway", access.AccessSearched),
    ("gateway", access.AccessExported),
    ("gateway", access.AccessRevealed),
    ("gateway", view.ViewSaved),
    ("gateway", view.ViewDeleted),
    ("gateway", review.ReviewSampled),
    ("gateway", review.ReviewOpened),
    ("gateway", review.ReviewScored),
    ("gateway", review.ReviewNoted),
    ("gateway", review.ReviewDisputed),
    ("gateway", review.ReviewResolved),
    ("audit", privacy.ErasureRequested),
    ("audit", privacy.Erased),
    ("audit", privacy.HoldPlaced),
    ("audit", privacy.HoldReleaseRequested),
    ("audit", privacy.HoldReleased),
    ("audit", retention.RetentionArchived),
)

_RESERVED: Final[dict[str, tuple[str, str]]] = {
    "customer": ("routing", "linked erased"),
    "access": ("gateway", "verified"),
}


def _all() -> dict[str, EventType]:
    types: dict[str, EventType] = {}
    for owner, model in _TYPED:
        noun, verb = model.type_name.split(".")
        types[model.type_name] = EventType(noun, verb, owner, model)
    for noun, (owner, verbs) in _RESERVED.items():
        for verb in verbs.split():
            types[f"{noun}.{verb}"] = EventType(noun, verb, owner)
    return dict(sorted(types.items()))


EVENT_TYPES: Final[dict[str, EventType]] = _all()
"""`noun.verb` → its row, sorted by name."""

_MODELS: Final[dict[str, type[EventData]]] = {
    row.type: row.model for row in EVENT_TYPES.values() if row.model is not None
}


def model_of(type_: str) -> type[EventData]:
    """The data model of a CloudEvents `type`; `EventData` for reserved and unknown ones."""
    return _MODELS.get(type_, EventData)
