"""One POST on its way to events, and what every event of it shares."""

import json
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeGuard

from casetrail_contracts.envelope import Actor
from casetrail_contracts.ids import conversation_id, mac
from casetrail_contracts.registry.message import WebhookOrigin

from casetrail_ingest.domain.webhook import Item

SOURCE: Final = "ingest"
FIRST_MESSAGE: Final = datetime(2009, 1, 1, tzinfo=UTC)
"""Nothing was sent over WhatsApp before; an earlier time is no time."""
CLOCKS_APART: Final = timedelta(days=1)
"""A time further ahead of ours than this is no time either."""
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED: Final = json.JSONEncoder(separators=(",", ":"))
_SORTED: Final = json.JSONEncoder(sort_keys=True)
WHATSAPP: Final = Actor(kind="integration", id="whatsapp")


def json_text(value: Any) -> str:
    """Compact JSON; lone surrogates stay escaped, so that the text is always valid UTF-8.

    What it is must not change from version to version: digests are made of it, and ids of those.
    """
    text = _COMPACT.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value)
    return text


@dataclass(frozen=True)
class Workspaces:
    """Which workspace a business number belongs to.

    `by_number` maps phone_number_id → workspace; the key `*` takes every other number. An item of a
    number nobody owns is quarantined in `unrouted`, so that it is kept and seen.
    """

    by_number: dict[str, str]
    unrouted: str = "unrouted"

    def of(self, phone_number_id: str | None) -> str | None:
        """The workspace, or None when no entry covers the number."""
        everyone = self.by_number.get("*")
        if phone_number_id is None:
            only = set(self.by_number.values())
            return only.pop() if len(only) == 1 else everyone
        return self.by_number.get(phone_number_id, everyone)


@dataclass(slots=True)
class Reading:
    """One POST on its way to events: the bytes, when they came, whose they are.

    `told` has the ids of events that need not be made once more. `parse` and `write` read and write
    JSON: those of the standard library, or what gives the same value more quickly. Never changed
    once it is made, nor is an item or its frame; not declared frozen: ADR 46.
    """

    body: bytes
    received_at: datetime
    workspaces: Workspaces
    key: bytes
    told: Container[str] = ()
    parse: Callable[[bytes], Any] = json.loads
    write: Callable[[Any], str] = json_text
    body_mac: str = field(init=False, default="")
    """Hex HMAC-SHA256 of the body: tells equal bodies, and nothing to who has not the key."""

    def __post_init__(self) -> None:
        self.body_mac = self.mac(self.body)

    def mac(self, content: bytes) -> str:
        """Hex HMAC-SHA256 of any content with the workspace key."""
        return mac(self.key, content).hex()


def whole(item: Item) -> Any:
    """The item with the contacts that came with it, and the thread it stood in, as they came."""
    contacts = [*item.contacts, *item.beside]
    if not contacts and item.thread is None:
        return item.body
    return {
        "item": item.body,
        **({"contacts": contacts} if contacts else {}),
        **({} if item.thread is None else {"thread": item.thread}),
    }


def origin(reading: Reading, item: Item) -> WebhookOrigin:
    """Where the item stood."""
    return WebhookOrigin(
        entry_id=item.entry_id,
        field=item.field,
        phone_number_id=item.phone_number_id,
        received_at=reading.received_at,
        body_mac=reading.body_mac,
        position=item.position,
    )


def conversation(reading: Reading, number: str, key: str) -> str:
    """The public id of a conversation with this business number; `key` is the customer's id."""
    return conversation_id(reading.key, number, key)


def happened_at(
    timestamp: Any, received_at: datetime
) -> tuple[datetime, Literal["message", "received"]]:
    """When it happened (Unix seconds, number or text), else when it was received."""
    try:
        happened = datetime.fromtimestamp(int(timestamp), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return received_at, "received"
    if FIRST_MESSAGE <= happened <= received_at + CLOCKS_APART:
        return happened, "message"
    return received_at, "received"


def filled(value: Any) -> TypeGuard[str]:
    """True for a text that is not empty."""
    return isinstance(value, str) and value != ""


def content_mac(reading: Reading, body: dict[str, Any]) -> str:
    """What a message says, as a digest: equal for every delivery of the same message.

    Covers the part named by its `type`, without media URLs, which WhatsApp makes anew each time.
    """
    said = _lasting(body.get(str(body.get("type"))))
    text = _SORTED.encode([body.get("type"), said])
    return reading.mac(text.encode())


def _lasting(said: Any) -> Any:
    """A part of a message without the links to its media, at any depth."""
    if not isinstance(said, dict):
        return said
    return {key: _lasting(value) for key, value in said.items() if key != "url"}
