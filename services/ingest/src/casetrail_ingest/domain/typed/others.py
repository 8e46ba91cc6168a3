"""The small fields: preferences, groups, handovers, the address book, errors, signals."""

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.channel import (
    ContactChanged,
    ControlChanged,
    ErrorReported,
    GroupChanged,
    PreferenceChanged,
    SignalDetected,
)

from casetrail_ingest.domain.customer import Customer, customer_with, plain_username
from casetrail_ingest.domain.reading import WHATSAPP
from casetrail_ingest.domain.typed.frame import Frame, errors_of, mapping, word
from casetrail_ingest.domain.typed.notices import facts_of
from casetrail_ingest.domain.webhook import clean, text_of


def preference(frame: Frame) -> Event | None:
    """`user_preferences`: a customer stops or resumes marketing messages."""
    customer = frame.customer("self")
    where = frame.conversation(customer)
    if customer is None or where is None:
        return None
    data = PreferenceChanged(
        actor=frame.customer_actor(customer),
        category=word(frame.body.get("category")),
        value=word(frame.body.get("value")),
        **frame.shared(),
    )
    detail = text_of(frame.body.get("detail"))
    return frame.event(
        data,
        subject=f"customer/{where}",
        identity=("preference", frame.number, frame.digest()),
        conversation=where,
        customer=customer,
        private={} if detail is None else {"detail": detail},
    )


def group(frame: Frame) -> Event | None:
    """The `group_*` fields: what happened to a group, each element on its own."""
    group_id = text_of(frame.body.get("group_id"))
    what = word(frame.body.get("type")) or frame.item.field
    if not frame.number or what is None:
        return None
    counts = {
        key.removesuffix("_participants"): len(value)
        for key, value in frame.body.items()
        if key.endswith("_participants") and isinstance(value, list)
    }
    failed = [
        part.get("errors")
        for key, part in ((k, mapping(v)) for k, v in frame.body.items())
        if key.startswith("group_") and part.get("errors")
    ]
    plain = {"reason": "reason", "join_approval": "join_approval_mode"}
    data = GroupChanged(
        actor=WHATSAPP,
        notice=what,
        facts={**facts_of(frame.body, plain), **counts},
        errors=errors_of(frame.body.get("errors") or (failed[0] if failed else None)),
        **frame.shared(),
    )
    where = frame.group(group_id)
    return frame.event(
        data,
        subject=f"group/{where or frame.number}",
        identity=("group", frame.item.field or "", frame.number, frame.digest()),
        conversation=where,
        private={} if group_id is None else {"group_id": clean(group_id)},
    )


def control(frame: Frame) -> Event | None:
    """`messaging_handovers`: who answers a chat; no sample is published, so all is optional."""
    named = ("event", "type", "action", "status")
    what = next((w for key in named if (w := word(frame.body.get(key))) is not None), None)
    if what is None:  # the name of the part that tells it
        parts = (key for key, value in frame.body.items() if isinstance(value, dict))
        what = next((word(key) for key in parts if key.startswith("control_")), None)
    customer = handed_over(frame)
    where = frame.conversation(customer)
    return frame.event(
        ControlChanged(actor=WHATSAPP, notice=what, **frame.shared()),
        subject=f"channel/{frame.number or frame.item.entry_id or 'whatsapp'}",
        identity=("control", frame.item.entry_id or "", frame.number, frame.digest()),
        conversation=where,
        customer=customer,
    )


def handed_over(frame: Frame) -> Customer | None:
    """The customer whose chat changed hands, wherever the notice names them."""
    roles = (frame.customer(role) for role in ("self", "recipient", "from", "to"))
    return next((customer for customer in roles if customer is not None), None)


def contact(frame: Frame) -> Event | None:
    """`smb_app_state_sync`: a contact of the phone app's address book was added or removed."""
    person, about = mapping(frame.body.get("contact")), mapping(frame.body.get("metadata"))
    phone = text_of(person.get("phone_number"))
    if not frame.number or not person:
        return None
    ids = [] if phone is None else [("wa_id", phone.removeprefix("+"))]
    name = text_of(person.get("full_name")) or text_of(person.get("first_name"))
    customer = customer_with(ids, name, plain_username(person.get("username")))  # type: ignore[arg-type]
    where = frame.conversation(customer)
    stamped = {**frame.body, "timestamp": about.get("timestamp")}
    dated = Frame(frame.reading, frame.item, frame.workspace, stamped)
    return dated.event(
        ContactChanged(actor=WHATSAPP, notice=word(frame.body.get("action")), **dated.shared()),
        subject=f"channel/{frame.number}",
        identity=("contact", frame.number, frame.digest()),
        conversation=where,
        customer=customer,
    )


def error(frame: Frame) -> Event | None:
    """`errors` of a value: trouble that belongs to no single message."""
    errors = errors_of([frame.body])
    identity = (frame.item.field or "", frame.item.entry_id or "", frame.number, frame.digest())
    return frame.event(
        ErrorReported(actor=WHATSAPP, errors=errors, **frame.shared()),
        subject=f"channel/{frame.number or frame.item.entry_id or 'whatsapp'}",
        identity=("error", *identity),
    )


def signal(frame: Frame) -> Event | None:
    """`automatic_events`: WhatsApp took a chat for a lead or a sale."""
    what = word(frame.body.get("event_name")) or word(frame.body.get("event"))
    if what is None:
        return None
    paths = {"currency": "custom_data.currency", "value": "custom_data.value"}
    data = SignalDetected(
        actor=WHATSAPP, notice=what, facts=facts_of(frame.body, paths), **frame.shared()
    )
    entry, time = frame.item.entry_id or "", frame.item.entry_time or ""
    return frame.event(
        data,
        subject=f"channel/{frame.number or frame.item.entry_id or 'whatsapp'}",
        identity=("signal", entry, time, frame.number, frame.digest()),
    )
