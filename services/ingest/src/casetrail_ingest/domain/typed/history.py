"""`history`: chats of a phone from before it was connected, in chunks that come in any order."""

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.channel import HistorySynced
from casetrail_contracts.registry.message import MessageImported

from casetrail_ingest.domain.customer import Customer, classified, customer_with
from casetrail_ingest.domain.reading import WHATSAPP, content_mac, filled
from casetrail_ingest.domain.typed.content import content_of
from casetrail_ingest.domain.typed.frame import Frame, errors_of, mapping, whole_number, word
from casetrail_ingest.domain.typed.side import PHONE_APP, counterpart
from casetrail_ingest.domain.webhook import clean, text_of


def chunk(frame: Frame) -> Event | None:
    """The event of a chunk itself: how far the history is; its messages are events of their own."""
    about, threads = mapping(frame.body.get("metadata")), frame.body.get("threads")
    chats = [mapping(each) for each in threads] if isinstance(threads, list) else []
    counts = [whole_number(each.get("messages")) or 0 for each in chats]
    data = HistorySynced(
        actor=WHATSAPP,
        phase=whole_number(about.get("phase")),
        chunk=whole_number(about.get("chunk_order")),
        progress=whole_number(about.get("progress")),
        threads=len(chats),
        messages=sum(counts),
        errors=errors_of(frame.body.get("errors")),
        **frame.shared(),
    )
    identity = ("history", frame.item.entry_id or "", frame.number, frame.digest())
    subject = f"channel/{frame.number or frame.item.entry_id or 'whatsapp'}"
    return frame.event(data, subject=subject, identity=identity)


def imported(frame: Frame) -> Event | None:
    """The event of one message of the history, from either side."""
    wamid, content, customer = frame.body.get("id"), content_of(frame), chat_partner(frame)
    where = frame.conversation(customer)
    if content is None or not filled(wamid) or where is None:
        return None
    outbound = _is_ours(frame, customer)
    public_id = frame.message(wamid)
    status = word(mapping(frame.body.get("history_context")).get("status"))
    data = MessageImported(
        actor=PHONE_APP if outbound else frame.customer_actor(customer),
        message_id=public_id,
        direction="out" if outbound else "in",
        status=None if status is None else status.lower(),
        **content.public,
        **frame.shared(),
    )
    said = content_mac(frame.reading, frame.body)
    return frame.event(
        data,
        subject=f"message/{public_id}",
        identity=("history", frame.number, wamid, said),
        conversation=where,
        customer=customer,
        private={"wamid": clean(wamid), **content.private},
    )


def chat_partner(frame: Frame) -> Customer | None:
    """The customer of the chat: its thread names them, else whoever is not the business."""
    thread = mapping(frame.item.thread)
    told = [frame.body, mapping(thread.get("context")), thread]
    ids = [
        found
        for body, kind, key in (
            (told[1], "user_id", "user_id"),
            (told[1], "wa_id", "wa_id"),
            (told[2], "wa_id", "id"),
        )
        if (found := classified(body.get(key), kind))  # type: ignore[arg-type]
    ]
    if ids:
        return customer_with(ids, None, text_of(told[1].get("username")))
    echoed = frame.item.kind == "message_echoes" or "to" in frame.body
    return frame.customer(counterpart(frame, "to" if echoed else "from"))


def _is_ours(frame: Frame, customer: Customer | None) -> bool:
    if frame.item.kind == "message_echoes":
        return True
    ids = () if customer is None else (customer.key, *customer.aliases)
    sender = [text_of(frame.body.get(key)) for key in ("from", "from_user_id")]
    return any(sender) and not any(each in ids for each in sender)
