"""Who a customer is: `system` messages about changes, and ids seen together on any item."""

from typing import Final

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.customer import CustomerIdentified

from casetrail_ingest.domain.customer import (
    Customer,
    Kind,
    classified,
    customer_of,
    customer_with,
)
from casetrail_ingest.domain.reading import WHATSAPP, conversation, filled
from casetrail_ingest.domain.typed.frame import Frame, flag, mapping, word
from casetrail_ingest.domain.webhook import clean

CHANGES: Final[dict[str, str]] = {
    "user_changed_number": "number_changed",
    "customer_changed_number": "number_changed",
    "user_changed_user_id": "user_id_changed",
    "customer_identity_changed": "security_code_changed",
}
"""`system.type` → the kind of the event; another type stays unrecognised."""

_NEW: Final[tuple[tuple[Kind, str], ...]] = (
    ("user_id", "user_id"),
    ("wa_id", "new_wa_id"),
    ("wa_id", "wa_id"),
    ("parent_user_id", "parent_user_id"),
)
_OLD: Final[tuple[tuple[Kind, str], ...]] = (
    ("user_id", "previous_user_id"),
    ("wa_id", "previous_wa_id"),
    ("wa_id", "customer"),
    ("parent_user_id", "previous_parent_user_id"),
)


def identity_changed(frame: Frame) -> Event | None:
    """The event of a `system` message, None when it says of nobody that they changed."""
    system, wamid = mapping(frame.body.get("system")), frame.body.get("id")
    kind = CHANGES.get(word(system.get("type")) or "")
    if kind is None or not filled(wamid) or not frame.number:
        return None
    sender = customer_of(frame.body, frame.item.contacts, role="from")
    changed = kind != "security_code_changed"
    now, before = _now_and_before(frame, sender) if changed else (sender, [])
    if now is None:
        return None
    identity = mapping(frame.body.get("identity"))
    acknowledged = flag(identity.get("acknowledged"))
    return _identified(
        frame,
        now,
        before,
        kind=kind,
        identity=("identity", frame.number, wamid, kind),
        private={
            "wamid": clean(wamid),
            **({"text": clean(said)} if filled(said := system.get("body")) else {}),
        },
        acknowledged=acknowledged,
    )


def _now_and_before(frame: Frame, sender: Customer | None) -> tuple[Customer | None, list[str]]:
    """The customer by the ids that count from now on, and the ids until now, the best first."""
    system = mapping(frame.body.get("system"))
    new = [found for kind, key in _NEW if (found := classified(system.get(key), kind))]
    mine = () if sender is None else (sender.name, sender.username)
    now = customer_with(new, *mine)
    fresh = {value for _, value in new}
    told = [found[1] for kind, key in _OLD if (found := classified(system.get(key), kind))]
    known = [] if sender is None else [sender.key, *sender.aliases]
    before = [i for i in dict.fromkeys([*told[:1], *known, *told[1:]]) if i not in fresh]
    return (now, before) if now is not None and before else (None, [])


def known_together(frame: Frame, customer: Customer) -> Event | None:
    """The event that says which ids are one customer; None when one id says it all, or it was told.

    Its id hangs on the ids alone, so that telling it again has no effect; it is asked for first,
    because a customer with several ids names them in every message.
    """
    if customer.user_id is None and not customer.others:
        return None
    ids = [customer.key, *customer.aliases]
    if customer.username is not None:
        ids.append(f"@{customer.username}")
    if len(ids) == 1 or not frame.number:
        return None
    identity = ("identified", frame.number, frame.reading.mac(" ".join(ids).encode()))
    if frame.event_id(identity) in frame.reading.told:
        return None
    return _identified(frame, customer, [], kind="identified", identity=identity, private={})


def _identified(
    frame: Frame,
    now: Customer,
    before: list[str],
    *,
    kind: str,
    identity: tuple[str, ...],
    private: dict[str, str],
    acknowledged: bool | None = None,
) -> Event:
    """The event; `before` are the customer's ids until now, the one that counted first.

    For ids seen together the number's own conversation is the previous one: it is where a customer
    wrote before WhatsApp sent user ids.
    """
    ids = [*before, *now.aliases]
    if not before and now.wa_id is not None and now.wa_id != now.key:
        ids = [now.wa_id, *(i for i in ids if i != now.wa_id)]
    others = list(dict.fromkeys(conversation(frame.reading, frame.number, i) for i in ids))
    where = conversation(frame.reading, frame.number, now.key)
    data = CustomerIdentified(
        actor=WHATSAPP,
        kind=kind,
        conversation_id=where,
        previous_conversation_id=others[0] if others else None,
        alias_conversation_ids=others[1:],
        acknowledged=acknowledged,
        **frame.shared(),
    )
    values = {**private, **({"ids": [now.key, *ids]} if ids else {})}
    return frame.event(
        data,
        subject=f"customer/{where}",
        identity=identity,
        conversation=where,
        customer=now,
        private=values,
        raw=kind != "identified",  # the item has an event of its own
    )
