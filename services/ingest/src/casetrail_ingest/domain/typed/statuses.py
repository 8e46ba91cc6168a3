"""`statuses`: what became of a message, of the payment it asked for, of a participant's copy."""

from typing import Any

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.message import MessageStatusChanged, Pricing

from casetrail_ingest.domain.customer import Customer
from casetrail_ingest.domain.reading import WHATSAPP, filled
from casetrail_ingest.domain.typed.frame import Frame, errors_of, flag, mapping, word
from casetrail_ingest.domain.webhook import Json, clean, text_of


def status(frame: Frame) -> Event | None:
    """The event of one element of `statuses`; statuses of calls stand in `calls.py`."""
    wamid, state, kind = (frame.body.get(key) for key in ("id", "status", "type"))
    if not filled(wamid) or not filled(state) or kind == "call" or not frame.number:
        return None
    group_id = group_of(frame.body)
    customer = recipient(frame)
    where = frame.conversation(customer) if group_id is None else frame.group(group_id)
    who = customer.key if customer is not None else ""
    participant = frame.body.get("recipient_participant_id") or frame.body.get(
        "recipient_participant_user_id"
    )
    public_id = frame.message(wamid)
    return frame.event(
        MessageStatusChanged(
            actor=WHATSAPP,
            message_id=public_id,
            status=clean(state),
            errors=errors_of(frame.body.get("errors")),
            **_told(frame.body, in_group=group_id is not None),
            **frame.shared(),
        ),
        subject=f"message/{public_id}",
        identity=(
            *("status", frame.number, wamid, state),
            *(str(participant or who), str(frame.body.get("timestamp", ""))),
        ),
        conversation=where,
        customer=customer,
        private={
            "wamid": clean(wamid),
            **({} if group_id is None else {"group_id": group_id}),
            **_kept(frame.body),
        },
    )


def group_of(body: Json) -> str | None:
    """The id of the group a status is about; None for one person's."""
    if body.get("recipient_type") == "group":
        return text_of(body.get("recipient_id"))
    return text_of(body.get("group_id"))


def recipient(frame: Frame) -> Customer | None:
    """Whose copy of the message a status is about."""
    return frame.customer("recipient" if group_of(frame.body) is None else "participant")


def _told(body: Json, *, in_group: bool) -> Json:
    said: Json = {}
    if body.get("type") == "payment":
        said["about"] = "payment"
    if in_group:
        said["group"] = True
    if pricing := mapping(body.get("pricing")):
        said["pricing"] = Pricing(
            billable=flag(pricing.get("billable")),
            model=word(pricing.get("pricing_model")),
            type=word(pricing.get("type")),
            category=word(pricing.get("category")),
        )
    origin = mapping(mapping(body.get("conversation")).get("origin"))
    if (kind := word(origin.get("type"))) is not None:
        said["conversation_origin"] = kind
    return said


def _kept(body: Json) -> dict[str, Any]:
    kept = {"callback_data": body.get("biz_opaque_callback_data"), "payment": body.get("payment")}
    return {key: value for key, value in kept.items() if value}
