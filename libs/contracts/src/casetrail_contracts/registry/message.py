"""Messages of a conversation. Private: wamid, text, phone, name, user_id, username, raw."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData, Open


class WebhookOrigin(Open):
    """Where in which webhook an item stood: enough to find it again, nothing personal."""

    entry_id: str | None = None
    field: str | None = None
    phone_number_id: str | None = None
    received_at: AwareDatetime
    body_mac: str
    """HMAC-SHA256 of the body with the workspace key: equal bodies, and no way back."""
    position: str
    """`entry.change.kind.index`, e.g. `0.0.messages.3`."""


class MessageReceived(EventData):
    """A customer wrote. Its text is `private.text`."""

    type_name: ClassVar[str] = "message.received"

    message_id: str
    channel: str = "whatsapp"
    message_type: str
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    """`received` when WhatsApp gave no usable time."""
    in_reply_to: str | None = None
    """`message_id` of the message the customer answered."""
    origin: WebhookOrigin


class DeliveryError(Open):
    """An error WhatsApp reported for a message."""

    code: int | None = None
    title: str | None = None


class MessageStatusChanged(EventData):
    """WhatsApp reported what became of a message we sent: sent, delivered, read, failed."""

    type_name: ClassVar[str] = "message.status_changed"

    message_id: str
    status: str
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    errors: list[DeliveryError] = Field(default_factory=list)
    origin: WebhookOrigin
