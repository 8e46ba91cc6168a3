"""The business's own WhatsApp accounts, numbers, templates, groups and calls.

Private: raw, and what names a customer (phone, user_id, name) or was written by somebody. `facts`
are the few plain values of a notice that matter to a reader and name nobody; the notice as it came
is `private.raw`.
"""

from typing import ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData
from casetrail_contracts.registry.message import DeliveryError, MediaFacts, WebhookOrigin, absent

Fact = str | int | float | bool


class ChannelNotice(EventData):
    """What every notice about a channel says."""

    channel: str = "whatsapp"
    phone_number_id: str | None = None
    notice: str | None = None
    """WhatsApp's word for what happened, e.g. `ACCOUNT_RESTRICTION`; unknown ones are kept."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    time_source: Literal["message", "received"] = "message"
    errors: list[DeliveryError] = Field(default_factory=list, exclude_if=absent)
    origin: WebhookOrigin


class AccountChanged(ChannelNotice):
    """Something about the WhatsApp Business Account: reviews, restrictions, limits, partners."""

    type_name: ClassVar[str] = "channel.account_changed"


class NumberChanged(ChannelNotice):
    """Something about one business number: its name, quality, username, settings or PIN."""

    type_name: ClassVar[str] = "channel.number_changed"


class TemplateChanged(ChannelNotice):
    """A message template has another state, quality, category or other words."""

    type_name: ClassVar[str] = "channel.template_changed"

    template_id: str | None = None
    template_name: str | None = None
    language: str | None = None


class FlowChanged(ChannelNotice):
    """A flow (a form inside the chat) has another state, version or health."""

    type_name: ClassVar[str] = "channel.flow_changed"

    flow_id: str | None = None


class GroupChanged(ChannelNotice):
    """A group was made, changed, suspended, joined or left; the event's conversation is its."""

    type_name: ClassVar[str] = "channel.group_changed"


class ControlChanged(ChannelNotice):
    """Who answers a chat changed hands between the business agent and this application."""

    type_name: ClassVar[str] = "channel.control_changed"


class ContactChanged(ChannelNotice):
    """The address book of the WhatsApp Business app was changed; who it is stands in `private`."""

    type_name: ClassVar[str] = "channel.contact_changed"


class PreferenceChanged(ChannelNotice):
    """A customer stopped or resumed a kind of message."""

    type_name: ClassVar[str] = "channel.preference_changed"

    category: str | None = None
    value: str | None = None
    """`stop` or `resume`."""


class HistorySynced(ChannelNotice):
    """A chunk of a phone's chat history arrived; its messages are `message.imported`."""

    type_name: ClassVar[str] = "channel.history_synced"

    phase: int | None = None
    chunk: int | None = None
    progress: int | None = None
    """Per cent."""
    threads: int = 0
    messages: int = 0


class ErrorReported(ChannelNotice):
    """WhatsApp reported errors that belong to no single message."""

    type_name: ClassVar[str] = "channel.error_reported"


class SignalDetected(ChannelNotice):
    """WhatsApp took a chat that came from an advertisement for a lead or a sale."""

    type_name: ClassVar[str] = "channel.signal_detected"


class CallNotice(ChannelNotice):
    """What every notice about a call says; the session is only in `private.raw`."""

    call_id: str
    direction: str | None = None
    """`user` or `business`: who called whom."""


class CallConnected(CallNotice):
    """A call is being set up; it has to be answered within half a minute."""

    type_name: ClassVar[str] = "channel.call_connected"


class CallTerminated(CallNotice):
    """A call ended."""

    type_name: ClassVar[str] = "channel.call_terminated"

    status: str | None = None
    duration: int | None = None
    """Seconds of talk."""


class CallStatusChanged(CallNotice):
    """A call rings, was accepted or rejected, or something about it became available."""

    type_name: ClassVar[str] = "channel.call_status_changed"

    status: str
    media: MediaFacts | None = Field(default=None, exclude_if=absent)
