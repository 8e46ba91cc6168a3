"""Who a customer is. Private: phone, user_id, parent_user_id, username, name, previous, raw."""

from typing import ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData
from casetrail_contracts.registry.message import WebhookOrigin, absent


class CustomerIdentified(EventData):
    """WhatsApp told that several ids are one customer, or that an id has changed.

    Conversation ids are made from a customer's id, so several ids mean several conversation ids:
    `conversation_id` is the one that counts from now on, the others are the same customer.
    """

    type_name: ClassVar[str] = "customer.identified"

    kind: str
    """`identified` (ids seen together), `number_changed`, `user_id_changed`, or
    `security_code_changed` (the same id, perhaps another phone)."""
    conversation_id: str
    previous_conversation_id: str | None = None
    """The conversation of the id that counted until now."""
    alias_conversation_ids: list[str] = Field(default_factory=list)
    """Every further one under which this customer may have written or may yet write."""
    channel: str = "whatsapp"
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    acknowledged: bool | None = Field(default=None, exclude_if=absent)
    """Whether a changed security code was confirmed."""
    origin: WebhookOrigin
