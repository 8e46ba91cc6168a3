"""Items whose meaning is known: text messages and message statuses."""

from typing import Any

from casetrail_contracts.envelope import Actor, Event
from casetrail_contracts.ids import derive_id, message_id
from casetrail_contracts.registry.message import (
    DeliveryError,
    MessageReceived,
    MessageStatusChanged,
)

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
from casetrail_ingest.domain.webhook import Item, clean


def typed(reading: Reading, item: Item, workspace: str) -> Event | None:
    """The typed event of an item, None for a kind that has no type here yet."""
    if not isinstance(item.body, dict) or item.phone_number_id is None:
        return None
    if item.field == "messages" and item.kind == "messages":
        return _text_message(reading, item, item.body, workspace)
    if item.field == "messages" and item.kind == "statuses":
        return _status(reading, item, item.body, workspace)
    return None


def _text_message(reading: Reading, item: Item, body: Any, workspace: str) -> Event | None:
    number = str(item.phone_number_id)
    wamid = body.get("id")
    text = body.get("text")
    customer = customer_of(body, item.contacts, role="from")
    if body.get("type") != "text" or not filled(wamid) or customer is None:
        return None
    if not isinstance(text, dict) or not isinstance(text.get("body"), str):
        return None
    context = body.get("context")
    answered = context.get("id") if isinstance(context, dict) else None
    public_id = message_id(reading.key, number, wamid)
    happened, source = happened_at(body.get("timestamp"), reading.received_at)
    return Event.build(
        MessageReceived(
            actor=Actor(kind="customer", id=conversation(reading, number, customer)),
            message_id=public_id,
            message_type="text",
            phone_number_id=number,
            time_source=source,
            in_reply_to=message_id(reading.key, number, answered) if filled(answered) else None,
            origin=origin(reading, item),
        ),
        workspace=workspace,
        source=SOURCE,
        subject=f"message/{public_id}",
        time=happened,
        id=derive_id(workspace, "message", number, wamid, content_mac(reading, body)),
        conversationid=conversation(reading, number, customer),
        private={
            "wamid": clean(wamid),
            "text": clean(text["body"]),
            **customer.private_values(),
            "raw": json_text(whole(item)),
        },
    )


def _status(reading: Reading, item: Item, body: Any, workspace: str) -> Event | None:
    number = str(item.phone_number_id)
    wamid, status = body.get("id"), body.get("status")
    if not filled(wamid) or not filled(status) or body.get("type") == "call":
        return None
    customer = customer_of(body, item.contacts, role="recipient")
    recipient = body.get("recipient_participant_id") or body.get("recipient_participant_user_id")
    public_id = message_id(reading.key, number, wamid)
    happened, source = happened_at(body.get("timestamp"), reading.received_at)
    return Event.build(
        MessageStatusChanged(
            actor=WHATSAPP,
            message_id=public_id,
            status=clean(status),
            phone_number_id=number,
            time_source=source,
            errors=_errors(body.get("errors")),
            origin=origin(reading, item),
        ),
        workspace=workspace,
        source=SOURCE,
        subject=f"message/{public_id}",
        time=happened,
        id=derive_id(
            workspace,
            "status",
            number,
            wamid,
            status,
            str(recipient or (customer.key if customer else "")),
            str(body.get("timestamp", "")),
        ),
        conversationid=None if customer is None else conversation(reading, number, customer),
        private={
            "wamid": clean(wamid),
            **({} if customer is None else customer.private_values()),
            "raw": json_text(whole(item)),
        },
    )


def _errors(errors: Any) -> list[DeliveryError]:
    found = []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            code, title = error.get("code"), error.get("title")
            found.append(
                DeliveryError(
                    code=code if isinstance(code, int) else None,
                    title=clean(title) if isinstance(title, str) else None,
                )
            )
    return found
