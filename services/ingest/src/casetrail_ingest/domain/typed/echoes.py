"""`message_echoes`: what the business wrote from the phone app, told after the fact."""

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.message import MessageSent

from casetrail_ingest.domain.reading import content_mac, filled
from casetrail_ingest.domain.typed.content import content_of, message_type
from casetrail_ingest.domain.typed.frame import Frame
from casetrail_ingest.domain.typed.messages import ON_A_MESSAGE
from casetrail_ingest.domain.typed.side import Side, business_side
from casetrail_ingest.domain.webhook import clean


def echo(frame: Frame) -> Event | None:
    """The event of one element of `message_echoes`."""
    side = business_side(frame)
    if side is None:
        return None
    return ON_A_MESSAGE.get(message_type(frame.body) or "", _sent)(frame, side)


def _sent(frame: Frame, side: Side) -> Event | None:
    wamid, content = frame.body.get("id"), content_of(frame)
    if content is None or not filled(wamid):
        return None
    public_id = frame.message(wamid)
    return frame.event(
        MessageSent(
            actor=side.actor,
            message_id=public_id,
            via="business_agent" if side.standby else "phone_app",
            **side.public(),
            **content.public,
            **frame.shared(),
        ),
        subject=f"message/{public_id}",
        identity=("echo", frame.number, wamid, content_mac(frame.reading, frame.body)),
        conversation=side.conversation,
        customer=side.customer,
        private={"wamid": clean(wamid), **content.private},
    )
