"""Which side of a chat an item comes from, and whose conversation it belongs to."""

import re
from dataclasses import dataclass, field

from casetrail_contracts.envelope import Actor

from casetrail_ingest.domain.customer import Customer
from casetrail_ingest.domain.typed.frame import Frame
from casetrail_ingest.domain.webhook import Json, clean, text_of

PHONE_APP: Actor = Actor(kind="agent", id="whatsapp-phone-app", name="WhatsApp Business app")
"""Somebody of the business, who held the phone: WhatsApp does not say who."""
BUSINESS_AGENT: Actor = Actor(kind="integration", id="whatsapp-business-agent")


@dataclass(slots=True)
class Side:
    """Who did it, to or as which customer, in which conversation."""

    actor: Actor
    conversation: str
    customer: Customer | None
    group: bool | None = None
    standby: bool | None = None
    private: Json = field(default_factory=dict)

    def public(self, *, standby: bool = True) -> Json:
        """The fields that say where it was written, those that say nothing left out."""
        said = {"group": self.group, "standby": self.standby if standby else None}
        return {key: value for key, value in said.items() if value is not None}


def customers_side(frame: Frame) -> Side | None:
    """What a customer did; None when nobody is named."""
    customer = frame.customer("from")
    if customer is None:
        return None
    actor, standby = frame.customer_actor(customer), frame.item.field == "standby" or None
    group_id = text_of(frame.body.get("group_id"))
    where = frame.conversation(customer) if group_id is None else frame.group(group_id)
    if where is None:
        return None
    if group_id is None:
        return Side(actor, where, customer, standby=standby)
    private = {"group_id": clean(group_id)}
    return Side(actor, where, customer, group=True, standby=standby, private=private)


def business_side(frame: Frame) -> Side | None:
    """What the business did towards a customer; None when nobody is named."""
    customer = frame.customer(counterpart(frame))
    where = frame.conversation(customer)
    if where is None:
        return None
    standby = frame.item.field == "standby" or None
    return Side(BUSINESS_AGENT if standby else PHONE_APP, where, customer, standby=standby)


def counterpart(frame: Frame, otherwise: str = "to") -> str:
    """`from` or `to`: whichever is not the business's own number."""
    ours = _digits(frame.item.display_phone_number)
    if ours and _digits(frame.body.get("to")) == ours:
        return "from"
    if ours and _digits(frame.body.get("from")) == ours:
        return "to"
    return otherwise


def _digits(value: object) -> str:
    return re.sub(r"\D", "", text_of(value) or "")
