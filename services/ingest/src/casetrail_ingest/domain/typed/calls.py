"""`calls`: a call begins, ends, or something becomes of it."""

from casetrail_contracts.envelope import Event
from casetrail_contracts.ids import call_id
from casetrail_contracts.registry.channel import (
    CallConnected,
    CallStatusChanged,
    CallTerminated,
)
from casetrail_contracts.registry.message import MediaFacts

from casetrail_ingest.domain.customer import Customer
from casetrail_ingest.domain.reading import WHATSAPP, filled
from casetrail_ingest.domain.typed.frame import Frame, errors_of, mapping, whole_number, word
from casetrail_ingest.domain.typed.side import counterpart
from casetrail_ingest.domain.webhook import Json, clean, text_of


def call(frame: Frame) -> Event | None:
    """The event of one element of `calls`; an `event` of an unknown name is news of the call."""
    wacid, what = frame.body.get("id"), word(frame.body.get("event"))
    if not filled(wacid) or what is None or not frame.number:
        return None
    customer = caller(frame)
    shared = _shared(frame, wacid, what)
    data: CallConnected | CallTerminated | CallStatusChanged
    if what == "connect":
        actor = frame.customer_actor(customer) if shared["direction"] == "user" else WHATSAPP
        data = CallConnected(actor=actor, **shared)
    elif what == "terminate":
        data = CallTerminated(
            actor=WHATSAPP,
            status=word(frame.body.get("status")),
            duration=whole_number(frame.body.get("duration")),
            **shared,
        )
    else:
        data = CallStatusChanged(actor=WHATSAPP, status=what, media=_recording(frame), **shared)
    identity = ("call", frame.number, wacid, what, str(frame.body.get("timestamp", "")))
    return _event(frame, data, wacid, identity, customer)


def call_status(frame: Frame) -> Event | None:
    """The event of a status of type `call`: it rings, was accepted or rejected."""
    wacid, state = frame.body.get("id"), word(frame.body.get("status"))
    if not filled(wacid) or state is None or not frame.number:
        return None
    shared = {**_shared(frame, wacid, "status"), "direction": "business"}
    data = CallStatusChanged(actor=WHATSAPP, status=state, **shared)
    identity = ("call", frame.number, wacid, f"status {state}", str(frame.body.get("timestamp")))
    return _event(frame, data, wacid, identity, frame.customer("recipient"))


def caller(frame: Frame) -> Customer | None:
    """The customer of a call, whoever of the two called."""
    outbound = text_of(frame.body.get("direction")) == "BUSINESS_INITIATED"
    return frame.customer(counterpart(frame, "to" if outbound else "from"))


def _shared(frame: Frame, wacid: str, what: str) -> Json:
    direction = text_of(frame.body.get("direction"))
    sides = {"USER_INITIATED": "user", "BUSINESS_INITIATED": "business"}
    return {
        "call_id": call_id(frame.reading.key, frame.number, wacid),
        "notice": what,
        "direction": None if direction is None else sides.get(direction, direction[:100]),
        "errors": errors_of(frame.body.get("errors")),
        **frame.shared(),
    }


def _recording(frame: Frame) -> MediaFacts | None:
    """What kind of file a recording or a transcript is."""
    parts = [mapping(frame.body.get(key)) for key in ("call_recording", "call_transcript")]
    files = [mapping(part.get(key)) for part in parts for key in ("audio", "document")]
    kinds = [kind for file in files if (kind := word(file.get("mime_type"))) is not None]
    return MediaFacts(mime_type=kinds[0]) if kinds else None


def _event(
    frame: Frame,
    data: CallConnected | CallTerminated | CallStatusChanged,
    wacid: str,
    identity: tuple[str, ...],
    customer: Customer | None,
) -> Event:
    return frame.event(
        data,
        subject=f"call/{data.call_id}",
        identity=identity,
        conversation=frame.conversation(customer),
        customer=customer,
        private={"wacid": clean(wacid)},
    )
