"""Sentences about messages, and about who wrote them."""

from collections.abc import Mapping
from typing import Final

from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import (
    because,
    count_of,
    part_of,
    plural,
    quoted,
    text_of,
    words,
)

_REPORTED: Final = {"sent", "delivered", "read", "played"}
_REPLIES: Final = {
    "button_reply": "button pressed",
    "list_reply": "choice from a list",
    "nfm_reply": "form filled in",
    "call_permission_reply": "answer about being called",
    "payment_method": "way to pay chosen",
}
_IDENTITY: Final = {
    "identified": "The customer is known by several ids",
    "number_changed": "The customer changed their phone number",
    "user_id_changed": "The customer has a new user id",
    "security_code_changed": "The customer's security code changed",
}


def _message_received(told: Told) -> str:
    return _said(told, "Message received")


def _message_sent(told: Told) -> str:
    via = {"phone_app": " from the phone app", "business_agent": " by WhatsApp's business agent"}
    return _said(told, f"Message sent{via.get(text_of(told.data, 'via') or '', '')}")


def _message_send_failed(told: Told) -> str:
    begin = {
        "refused": "WhatsApp refused our message",
        "unreachable": "Our message was not sent: WhatsApp could not be reached",
        "unknown": "Nobody knows whether our message was sent",
    }.get(text_of(told.data, "outcome") or "", "Our message was not sent")
    code = told.data.get("code")
    title = text_of(told.data, "title") if text_of(told.data, "outcome") == "refused" else None
    reason = f"{title} ({code})" if title and code is not None else title
    return _said(told, because(begin, reason))


def _message_imported(told: Told) -> str:
    outbound = text_of(told.data, "direction") == "out"
    return _said(told, f"Earlier message {'of ours ' if outbound else ''}taken over")


def _said(told: Told, begin: str) -> str:
    kind = text_of(told.data, "message_type") or "text"
    begin += " in a group" if told.data.get("group") is True else ""
    if kind == "text":
        return begin + told.quote("text", empty="its text is not kept")
    begin = f"{begin} ({_kind(told, kind)})"
    said = text_of(told.record.private, "text") or text_of(told.record.private, "caption")
    return f"{begin}: {quoted(said)}" if said and told.reads_text else begin


def _kind(told: Told, kind: str) -> str:
    subtype, things = text_of(told.data, "subtype"), count_of(told.data, "things")
    if kind == "interactive":
        return _REPLIES.get(subtype or "", words(subtype or kind))
    if kind == "audio" and part_of(told.data, "media").get("voice") is True:
        return "voice note"
    if kind == "order" and things is not None:
        return f"order of {plural(things, 'product')}"
    if kind in {"unsupported", "unknown"}:
        return f"{words(subtype or 'a kind')} that WhatsApp does not hand on"
    return words(kind)


def _message_edited(told: Told) -> str:
    return f"{_whose(told)} changed" + told.quote("text", empty="its text is not kept")


def _message_revoked(told: Told) -> str:
    return f"{_whose(told)} deleted for everyone by who wrote it"


def _whose(told: Told) -> str:
    actor = told.record.actor or {}
    return "Message" if actor.get("kind") == "customer" else "Our message"


def _message_reacted(told: Told) -> str:
    if told.data.get("removed") is True:
        return "Reaction to a message taken back"
    emoji = text_of(told.record.private, "emoji") if told.reads_text else None
    return "Reacted to a message" if emoji is None else f"Reacted to a message: {quoted(emoji)}"


def _message_status_changed(told: Told) -> str:
    state = text_of(told.data, "status")
    if text_of(told.data, "about") == "payment":
        return because("Payment reported", None if state is None else words(state))
    if state == "failed":
        return because("Our message could not be delivered", first_error(told))
    if state in _REPORTED:
        by_one = " by one of a group" if told.data.get("group") is True else ""
        return f"Our message was {state}{by_one}"
    return because("WhatsApp reported on our message", state)


def first_error(told: Told) -> str | None:
    """The title of the first error WhatsApp named."""
    errors = told.data.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return text_of(first, "title") if isinstance(first, Mapping) else None


def _customer_identified(told: Told) -> str:
    kind = text_of(told.data, "kind") or "identified"
    return _IDENTITY.get(kind, f"WhatsApp told who the customer is: {words(kind)}")


MESSAGE_SENTENCES: Final[dict[str, Sentence]] = {
    "message.received": _message_received,
    "message.sent": _message_sent,
    "message.send_failed": _message_send_failed,
    "message.imported": _message_imported,
    "message.edited": _message_edited,
    "message.revoked": _message_revoked,
    "message.reacted": _message_reacted,
    "message.status_changed": _message_status_changed,
    "customer.identified": _customer_identified,
}
