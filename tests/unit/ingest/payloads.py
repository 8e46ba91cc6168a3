"""Webhook bodies written for the tests, and what they become."""

import json
from collections.abc import Container
from datetime import UTC, datetime
from typing import Any

from casetrail_contracts.envelope import Event
from casetrail_contracts.ids import conversation_id, message_id
from casetrail_ingest.domain.events import events_of
from casetrail_ingest.domain.reading import Reading, Workspaces

NOW = datetime(2026, 11, 22, 10, 14, 3, tzinfo=UTC)
NUMBER = "100200300"
OURS = "924235770000"
PHONE = "923001234567"
USER = "PK.13491208655302741918"
KEY = b"workspace key of the tests"


def message(kind: str, part: Any = None, **more: Any) -> dict[str, Any]:
    """An element of `messages` of this type."""
    body = {"from": PHONE, "id": "wamid.A", "timestamp": "1795342443", "type": kind, **more}
    return body if part is None else {**body, kind: part}


def body_of(value: Any, field: str | None = "messages", **entry: Any) -> bytes:
    """A body with one change."""
    if isinstance(value, dict):
        metadata = {"display_phone_number": OURS, "phone_number_id": NUMBER}
        value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    change = {"value": value} if field is None else {"field": field, "value": value}
    document = {"object": "whatsapp_business_account", "entry": [{"id": "9", **entry}]}
    document["entry"][0]["changes"] = [change]  # type: ignore[index]
    return json.dumps(document).encode()


def read(body: bytes, told: Container[str] = ()) -> list[Event]:
    """The events of a body, without those that were told."""
    return events_of(Reading(body, NOW, Workspaces({"*": "main"}), KEY, told))


def one(value: Any, field: str | None = "messages", **entry: Any) -> Event:
    """The only event of a change."""
    (event,) = read(body_of(value, field, **entry))
    return event


def cv(customer: str) -> str:
    """A customer's conversation."""
    return conversation_id(KEY, NUMBER, customer)


def ms(wamid: str) -> str:
    """A message's public id."""
    return message_id(KEY, NUMBER, wamid)
