"""One item on its way to an event, and what every event about it shares."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from casetrail_contracts.envelope import Actor, Event, EventData
from casetrail_contracts.ids import derive_id, message_id
from casetrail_contracts.registry.message import DeliveryError

from casetrail_ingest.domain.customer import Customer, customer_of
from casetrail_ingest.domain.reading import (
    SOURCE,
    WHATSAPP,
    Reading,
    conversation,
    happened_at,
    json_text,
    origin,
    whole,
)
from casetrail_ingest.domain.webhook import Item, Json, clean, text_of


@dataclass(slots=True)
class Frame:
    """An item that is an object, in a workspace; made for each item, never kept."""

    reading: Reading
    item: Item
    workspace: str
    body: Json
    known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was worked out before, so that it is not again."""

    @property
    def happened(self) -> tuple[datetime, Literal["message", "received"]]:
        """When it happened, by the item, else by its entry, else by our clock."""
        found: tuple[datetime, Literal["message", "received"]] | None = self.known.get("happened")
        if found is None:
            stamp = self.body.get("timestamp")
            if stamp is None:
                stamp = self.item.entry_time
            found = self.known["happened"] = happened_at(stamp, self.reading.received_at)
        return found

    @property
    def number(self) -> str:
        """The phone_number_id; empty for an item of no number, which no maker of messages takes."""
        return self.item.phone_number_id or ""

    def customer(self, role: str) -> Customer | None:
        """The customer in this role, with what the item's contacts add."""
        if role not in self.known:
            self.known[role] = customer_of(self.body, self.item.contacts, role=role)
        found: Customer | None = self.known[role]
        return found

    def conversation(self, customer: Customer | None) -> str | None:
        """The customer's conversation with the business number of this item."""
        if customer is None or not self.number:
            return None
        return self.conversation_of(customer.key)

    def conversation_of(self, key: str) -> str:
        """The conversation with this business number of a customer or group with this id."""
        name = f"conversation {key}"
        if name not in self.known:
            self.known[name] = conversation(self.reading, self.number, key)
        found: str = self.known[name]
        return found

    def group(self, group_id: Any) -> str | None:
        """The conversation of a group, whose id takes the place of a customer's."""
        key = text_of(group_id)
        return None if key is None else self.conversation_of(key)

    def customer_actor(self, customer: Customer | None) -> Actor:
        """The customer as who did it; WhatsApp when nobody is named."""
        known = self.conversation(customer)
        return WHATSAPP if known is None else Actor(kind="customer", id=known)

    def message(self, wamid: str) -> str:
        """The public id of a message of this business number."""
        return message_id(self.reading.key, self.number, wamid)

    def shared(self) -> dict[str, Any]:
        """Fields that every typed event about the item has."""
        return {
            "phone_number_id": self.item.phone_number_id,
            "time_source": self.happened[1],
            "origin": origin(self.reading, self.item),
        }

    def digest(self) -> str:
        """What the item says, for items without an id of their own; equal for every delivery."""
        return self.reading.mac(json_text(self.body).encode())

    def event_id(self, identity: Iterable[str]) -> str:
        """The id of the event with this identity."""
        return derive_id(self.workspace, *identity)

    def event(
        self,
        data: EventData,
        *,
        subject: str,
        identity: Iterable[str],
        conversation: str | None = None,
        customer: Customer | None = None,
        private: Json | None = None,
        raw: bool = True,
    ) -> Event:
        """The event, its id made of `identity`, the customer and the raw item in `private`.

        Ids are public: what `identity` says of a customer has to be unguessable or a digest.
        """
        values = {} if customer is None else customer.private_values()
        kept = {"raw": self.reading.write(whole(self.item))} if raw else {}
        return Event.build(
            data,
            workspace=self.workspace,
            source=SOURCE,
            subject=subject,
            time=self.happened[0],
            id=self.event_id(identity),
            conversationid=conversation,
            private={**(private or {}), **values, **kept},
        )


def errors_of(errors: Any) -> list[DeliveryError]:
    """The errors of an item, as far as their code and title can be read."""
    found = []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            title = error.get("title") or error.get("message")
            found.append(
                DeliveryError(
                    code=whole_number(error.get("code")),
                    title=clean(title)[:300] if isinstance(title, str) else None,
                )
            )
    return found


def whole_number(value: Any) -> int | None:
    """A whole number that is written as one or as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:  # noqa: PLR2004 - fits 64 bits
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    return None


def mapping(value: Any) -> Json:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def flag(value: Any) -> bool | None:
    """True and False however they are spelled, None for anything else."""
    if isinstance(value, bool):
        return value
    spelled = {"true": True, "false": False}
    return spelled.get(value.lower()) if isinstance(value, str) else None


def word(value: Any) -> str | None:
    """A short public word of WhatsApp's: an enum value, a type, a code."""
    text = text_of(value)
    return None if text is None else text[:100]
