"""`messages`: what customers write, change, take back and react to; `standby` is told alike."""

from collections.abc import Callable
from typing import Final

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.message import (
    MessageEdited,
    MessageReacted,
    MessageReceived,
    MessageRevoked,
)

from casetrail_ingest.domain.reading import content_mac, filled
from casetrail_ingest.domain.typed.content import content_of, message_type
from casetrail_ingest.domain.typed.frame import Frame, mapping
from casetrail_ingest.domain.typed.identity import identity_changed
from casetrail_ingest.domain.typed.side import Side, customers_side
from casetrail_ingest.domain.webhook import clean


def message(frame: Frame) -> Event | None:
    """The event of one element of `messages`."""
    kind = message_type(frame.body)
    if kind == "system":
        return identity_changed(frame)
    side = customers_side(frame)
    if side is None or not frame.number:
        return None
    return ON_A_MESSAGE.get(kind or "", _received)(frame, side)


def _received(frame: Frame, side: Side) -> Event | None:
    wamid, content = frame.body.get("id"), content_of(frame)
    if content is None or not filled(wamid):
        return None
    public_id = frame.message(wamid)
    said = MessageReceived(
        actor=side.actor,
        message_id=public_id,
        **side.public(),
        **content.public,
        **frame.shared(),
    )
    return frame.event(
        said,
        subject=f"message/{public_id}",
        identity=("message", frame.number, wamid, content_mac(frame.reading, frame.body)),
        conversation=side.conversation,
        customer=side.customer,
        private={"wamid": clean(wamid), **content.private, **side.private},
    )


def edited(frame: Frame, side: Side) -> Event | None:
    """A change of an earlier message, by whoever wrote it."""
    edit, wamid = mapping(frame.body.get("edit")), frame.body.get("id")
    original = edit.get("original_message_id")
    if not filled(original) or not filled(wamid):
        return None
    content = content_of(
        Frame(frame.reading, frame.item, frame.workspace, mapping(edit.get("message")))
    )
    public_id = frame.message(original)
    return frame.event(
        MessageEdited(
            actor=side.actor,
            message_id=public_id,
            edit_id=frame.message(wamid),
            message_type=None if content is None else content.public["message_type"],
            **frame.shared(),
        ),
        subject=f"message/{public_id}",
        identity=("edit", frame.number, wamid, content_mac(frame.reading, frame.body)),
        conversation=side.conversation,
        customer=side.customer,
        private={
            "wamid": clean(wamid),
            **({} if content is None else content.private),
            **side.private,
        },
    )


def revoked(frame: Frame, side: Side) -> Event | None:
    """An earlier message deleted for everyone, by whoever wrote it."""
    original = mapping(frame.body.get("revoke")).get("original_message_id")
    wamid = frame.body.get("id")
    if not filled(original) or not filled(wamid):
        return None
    public_id = frame.message(original)
    return frame.event(
        MessageRevoked(
            actor=side.actor,
            message_id=public_id,
            revocation_id=frame.message(wamid),
            **frame.shared(),
        ),
        subject=f"message/{public_id}",
        identity=("revoke", frame.number, wamid, original),
        conversation=side.conversation,
        customer=side.customer,
        private={"wamid": clean(wamid), **side.private},
    )


def reacted(frame: Frame, side: Side) -> Event | None:
    """An emoji on a message; none, or an empty one, takes the reaction back."""
    reaction, wamid = mapping(frame.body.get("reaction")), frame.body.get("id")
    target, emoji = reaction.get("message_id"), reaction.get("emoji")
    if not filled(target) or not filled(wamid):
        return None
    public_id = frame.message(target)
    return frame.event(
        MessageReacted(
            actor=side.actor,
            message_id=public_id,
            reaction_id=frame.message(wamid),
            removed=not filled(emoji),
            **side.public(standby=False),
            **frame.shared(),
        ),
        subject=f"message/{public_id}",
        identity=("reaction", frame.number, wamid, content_mac(frame.reading, frame.body)),
        conversation=side.conversation,
        customer=side.customer,
        private={
            "wamid": clean(wamid),
            **({"emoji": clean(emoji)} if filled(emoji) else {}),
            **side.private,
        },
    )


ON_A_MESSAGE: Final[dict[str, Callable[[Frame, Side], Event | None]]] = {
    "edit": edited,
    "revoke": revoked,
    "reaction": reacted,
}
"""Types that say something about an earlier message, from either side of the chat."""
