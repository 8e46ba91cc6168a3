"""What arrived from WhatsApp and is kept although nobody here reads it. Private: raw or body."""

from typing import ClassVar

from pydantic import AwareDatetime

from casetrail_contracts.envelope import EventData
from casetrail_contracts.registry.message import WebhookOrigin


class WebhookUnrecognised(EventData):
    """An item of a kind that is not typed (yet), verbatim as JSON text in `private.raw`."""

    type_name: ClassVar[str] = "webhook.unrecognised"

    item_kind: str
    """`field` or `field/type`, e.g. `messages/image`, `account_update`."""
    origin: WebhookOrigin


class WebhookQuarantined(EventData):
    """An authentic body, or part of one, without the shape of a webhook, kept in `private.body`."""

    type_name: ClassVar[str] = "webhook.quarantined"

    problem: str
    """One sentence without personal content."""
    size: int
    body_mac: str
    encoding: str = "utf-8"
    """How `private.body` holds the bytes: `utf-8` or `base64`."""
    received_at: AwareDatetime
    position: str = "body"
    """`body` for all of it, else the place of the part, e.g. `0.2`."""
    part: int = 1
    parts: int = 1
    """A long body is kept in several events."""
