"""Items and bodies nobody here reads yet: kept verbatim, so that nothing authentic is lost."""

import base64
from collections.abc import Iterator
from typing import Any, Final

from casetrail_contracts.envelope import Actor, Event
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.webhook import WebhookQuarantined, WebhookUnrecognised

from casetrail_ingest.domain.customer import customer_of
from casetrail_ingest.domain.reading import (
    SOURCE,
    WHATSAPP,
    Reading,
    content_mac,
    conversation,
    filled,
    happened_at,
    json_text,
    origin,
    whole,
)
from casetrail_ingest.domain.webhook import Item, OddPart, clean

PART_CHARACTERS: Final = 200_000
"""Longest `private.body` of one quarantine event: JSON needs at most four bytes a character."""


def unrecognised(reading: Reading, item: Item, workspace: str) -> Event:
    """The event of an item without a type, the item itself as JSON text in `private.raw`."""
    body = item.body if isinstance(item.body, dict) else {}
    role = "recipient" if item.kind == "statuses" else "from"
    customer = customer_of(body, item.contacts, role=role)
    number, wamid = item.phone_number_id, body.get("id")
    where = None
    if number is not None and customer is not None and item.kind in {"messages", "statuses"}:
        where = conversation(reading, number, customer.key)
    if item.kind == "messages" and item.field == "messages" and number and filled(wamid):
        said = content_mac(reading, body)
        identity = derive_id(workspace, "message", number, wamid, said)
    else:
        digest = reading.mac(json_text(item.body).encode())
        parts = (item.field or "", item.kind, item.entry_id or "", item.entry_time or "", digest)
        identity = derive_id(workspace, "item", *parts)
    happened, _ = happened_at(body.get("timestamp"), reading.received_at)
    return Event.build(
        WebhookUnrecognised(
            actor=WHATSAPP if customer is None else _customer_actor(where),
            item_kind=_kind(item, body),
            origin=origin(reading, item),
        ),
        workspace=workspace,
        source=SOURCE,
        subject=f"webhook/{identity}",
        time=happened,
        id=identity,
        conversationid=where,
        private={
            **({} if customer is None else customer.private_values()),
            "raw": json_text(whole(item)),
        },
    )


def _customer_actor(conversation: str | None) -> Actor:
    return WHATSAPP if conversation is None else Actor(kind="customer", id=conversation)


def _kind(item: Item, body: dict[str, Any]) -> str:
    kind = item.field or "no-field"
    kind_of_item = body.get("type") if item.kind == "messages" else item.kind
    if item.kind == "value" or not filled(kind_of_item):
        return kind[:100]
    return f"{kind}/{clean(kind_of_item)}"[:100]


def quarantined_body(reading: Reading, problem: str) -> Iterator[Event]:
    """The events that hold a whole body that is no webhook."""
    try:
        text, encoding = reading.body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(reading.body).decode(), "base64"
    yield from _quarantine(reading, problem, text, encoding, "body")


def quarantined_part(reading: Reading, part: OddPart) -> Iterator[Event]:
    """The events that hold one odd part of a body."""
    yield from _quarantine(reading, part.problem, json_text(part.body), "utf-8", part.position)


def _quarantine(
    reading: Reading, problem: str, text: str, encoding: str, position: str
) -> Iterator[Event]:
    workspace = reading.workspaces.of(None) or reading.workspaces.unrouted
    pieces = [text[at : at + PART_CHARACTERS] for at in range(0, len(text), PART_CHARACTERS)] or [
        ""
    ]
    digest = reading.mac(text.encode("utf-8", "surrogatepass"))
    first = derive_id(workspace, "quarantined", digest)
    for number, piece in enumerate(pieces):
        identity = first if number == 0 else derive_id(first, number)
        yield Event.build(
            WebhookQuarantined(
                actor=WHATSAPP,
                problem=problem,
                size=len(reading.body),
                body_mac=reading.body_mac,
                encoding=encoding,
                received_at=reading.received_at,
                position=position,
                part=number + 1,
                parts=len(pieces),
            ),
            workspace=workspace,
            source=SOURCE,
            subject=f"webhook/{first}",
            time=reading.received_at,
            id=identity,
            correlationid=first,
            private={"body": piece},
        )
