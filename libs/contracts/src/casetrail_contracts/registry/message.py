"""Messages of a conversation. Private: text, wamid, phone, name, user_id, username, raw and more.

`private.text` is what somebody wrote, whatever the kind of message: a text, a caption, the title of
the button that was pressed. `docs/reference/webhooks.md` lists every private field.
"""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData, Open


def absent(value: object) -> bool:
    """True for what an event leaves out: a field that came later and has nothing to say."""
    return value is None or value == []


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


class DeliveryError(Open):
    """An error WhatsApp reported for a message."""

    code: int | None = None
    title: str | None = None


class MediaFacts(Open):
    """What kind of file a message holds; its id, name and digest are `private.media`."""

    mime_type: str | None = None
    voice: bool | None = Field(default=None, exclude_if=absent)
    animated: bool | None = Field(default=None, exclude_if=absent)


class Referral(Open):
    """The advertisement that began the chat; its words and click id are `private.referral`."""

    source_type: str | None = None
    source_id: str | None = None


class MessageContent(EventData):
    """What every message tells in public, whoever wrote it."""

    message_id: str
    channel: str = "whatsapp"
    message_type: str
    """WhatsApp's word: text, image, interactive, order …; unknown ones are kept as they are."""
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    """`received` when WhatsApp gave no usable time."""
    in_reply_to: str | None = None
    """`message_id` of the message that is answered."""
    subtype: str | None = Field(default=None, exclude_if=absent)
    """Which reply an `interactive` message is, or what an `unsupported` one was."""
    forwarded: str | None = Field(default=None, exclude_if=absent)
    """`once`, or `often` (more than five times)."""
    media: MediaFacts | None = Field(default=None, exclude_if=absent)
    things: int | None = Field(default=None, exclude_if=absent)
    """How many products an order, or people a contact card, has."""
    about_product: bool | None = Field(default=None, exclude_if=absent)
    """True when it was written about a product of the catalogue."""
    referral: Referral | None = Field(default=None, exclude_if=absent)
    group: bool | None = Field(default=None, exclude_if=absent)
    """True in a group: the conversation is the group's, the writer is in `private`."""
    standby: bool | None = Field(default=None, exclude_if=absent)
    """True while WhatsApp's business agent has the chat."""
    errors: list[DeliveryError] = Field(default_factory=list, exclude_if=absent)
    """Why WhatsApp could not hand on what was written."""


class MessageReceived(MessageContent):
    """A customer wrote. Its text is `private.text`."""

    type_name: ClassVar[str] = "message.received"

    origin: WebhookOrigin


class MessageSent(MessageContent):
    """The business wrote to the customer. Its text is `private.text`."""

    type_name: ClassVar[str] = "message.sent"

    via: str
    """`api`, `phone_app` (echoed from the WhatsApp Business app) or `business_agent`."""
    origin: WebhookOrigin | None = Field(default=None, exclude_if=absent)
    """The webhook that told of it, if one did."""


class MessageSendFailed(EventData):
    """A message to the customer did not go out, or nobody knows whether it did.

    Its text is `private.text`, as it was written.
    """

    type_name: ClassVar[str] = "message.send_failed"

    message_id: str
    """Names this attempt; WhatsApp gave the message no id."""
    channel: str = "whatsapp"
    message_type: str
    phone_number_id: str
    in_reply_to: str | None = None
    outcome: Literal["refused", "unreachable", "unknown"]
    """`refused` by WhatsApp; `unreachable`, so surely not sent; `unknown`: it may have arrived."""
    code: int | None = None
    """WhatsApp's error code."""
    title: str | None = None
    attempts: int


class MessageImported(MessageContent):
    """A message from before: WhatsApp handed over the history of a phone's chats.

    It is not `message.received`: nobody is waiting for an answer, and no case begins with it.
    """

    type_name: ClassVar[str] = "message.imported"

    direction: Literal["in", "out"]
    status: str | None = None
    """What became of it by then, e.g. `read`."""
    origin: WebhookOrigin


class MessageEdited(EventData):
    """A message was changed by who wrote it; `private.text` is the new text."""

    type_name: ClassVar[str] = "message.edited"

    message_id: str
    """The message that was changed."""
    edit_id: str
    channel: str = "whatsapp"
    message_type: str | None = None
    """The kind of the new content."""
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    origin: WebhookOrigin


class MessageRevoked(EventData):
    """A message was deleted for everyone by who wrote it; the record of it stays."""

    type_name: ClassVar[str] = "message.revoked"

    message_id: str
    """The message that was deleted."""
    revocation_id: str
    channel: str = "whatsapp"
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    origin: WebhookOrigin


class MessageReacted(EventData):
    """Somebody put an emoji (`private.emoji`) on a message, or took it away."""

    type_name: ClassVar[str] = "message.reacted"

    message_id: str
    """The message that was reacted to."""
    reaction_id: str
    removed: bool = False
    channel: str = "whatsapp"
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    group: bool | None = Field(default=None, exclude_if=absent)
    origin: WebhookOrigin


class Pricing(Open):
    """What WhatsApp charges for the message."""

    billable: bool | None = None
    model: str | None = None
    type: str | None = None
    category: str | None = None


class MessageStatusChanged(EventData):
    """WhatsApp reported what became of a message: sent, delivered, read, played, failed, …."""

    type_name: ClassVar[str] = "message.status_changed"

    message_id: str
    status: str
    phone_number_id: str
    time_source: Literal["message", "received"] = "message"
    errors: list[DeliveryError] = Field(default_factory=list)
    about: str | None = Field(default=None, exclude_if=absent)
    """`payment` when it is the payment asked for in the message that changed."""
    group: bool | None = Field(default=None, exclude_if=absent)
    """True for one participant of a group; who it is stands in `private`."""
    pricing: Pricing | None = Field(default=None, exclude_if=absent)
    conversation_origin: str | None = Field(default=None, exclude_if=absent)
    """Why WhatsApp's own conversation window is open, e.g. `service`."""
    origin: WebhookOrigin
