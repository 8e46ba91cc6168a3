"""What a message says: one row per message `type`, so that a type is found by its name.

Each reader gets the part of the message that its type names and tells what is public about it
(fields of `MessageContent`) and what is private; the words somebody wrote are always `text`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from casetrail_contracts.registry.message import MediaFacts, Referral

from casetrail_ingest.domain.reading import filled
from casetrail_ingest.domain.typed.frame import Frame, errors_of, flag, mapping, word
from casetrail_ingest.domain.webhook import Json, clean


@dataclass(slots=True)
class Content:
    """The public fields and the private values of what a message says."""

    public: Json = field(default_factory=dict)
    private: Json = field(default_factory=dict)


def content_of(frame: Frame) -> Content | None:
    """The content of a message, None when no row reads its type."""
    kind = message_type(frame.body)
    read = None if kind is None else CONTENTS.get(kind)
    if kind is None or read is None:
        return None
    said = read(frame.body.get(kind), frame.body)
    about = _about(frame)
    errors = errors_of(frame.body.get("errors"))
    public = {"message_type": kind, **about.public, **said.public}
    return Content({**public, "errors": errors} if errors else public, about.private | said.private)


def message_type(body: Json) -> str | None:
    """The `type`; without one, the type whose part is the only one there."""
    kind = word(body.get("type"))
    if kind is not None:
        return kind
    present = [key for key in CONTENTS if isinstance(body.get(key), dict | list)]
    return present[0] if len(present) == 1 else None


def _about(frame: Frame) -> Content:
    """What stands beside the content: the answered message, forwarding, an advertisement."""
    context, referral = mapping(frame.body.get("context")), mapping(frame.body.get("referral"))
    public: Json = {}
    private: Json = {}
    if filled(answered := context.get("id")):
        public["in_reply_to"] = frame.message(answered)
    if flag(context.get("frequently_forwarded")):
        public["forwarded"] = "often"
    elif flag(context.get("forwarded")):
        public["forwarded"] = "once"
    if product := mapping(context.get("referred_product")):
        public["about_product"] = True
        private["product"] = product
    if referral:
        source_type, source_id = word(referral.get("source_type")), word(referral.get("source_id"))
        public["referral"] = Referral(source_type=source_type, source_id=source_id)
        private["referral"] = referral
    return Content(public, private)


def _words(text: Any, **private: Any) -> Json:
    """Private values, with the words under `text` when there are any."""
    values = {key: value for key, value in private.items() if value}
    return {**values, "text": clean(text)} if filled(text) else values


def _text(part: Any, _: Json) -> Content:
    return Content(private=_words(mapping(part).get("body")))


def _media(part: Any, _: Json) -> Content:
    file = mapping(part)
    facts = MediaFacts(
        mime_type=word(file.get("mime_type")),
        voice=flag(file.get("voice")),
        animated=flag(file.get("animated")),
    )
    kept = {key: file[key] for key in ("id", "sha256", "filename", "url") if file.get(key)}
    return Content({"media": facts}, _words(file.get("caption"), media=kept))


def _location(part: Any, _: Json) -> Content:
    place = mapping(part)
    named = [clean(value) for key in ("name", "address") if filled(value := place.get(key))]
    return Content(private=_words(", ".join(named), location=place))


def _contacts(part: Any, _: Json) -> Content:
    cards = part if isinstance(part, list) else []
    names = [mapping(mapping(card).get("name")).get("formatted_name") for card in cards]
    said = ", ".join(clean(name) for name in names if filled(name))
    return Content({"things": len(cards)}, _words(said))


def _interactive(part: Any, _: Json) -> Content:
    reply = mapping(part)
    kind = word(reply.get("type"))
    if kind is None:  # the only part that is an object names the kind
        kind = next((word(key) for key, value in reply.items() if isinstance(value, dict)), None)
    chosen = mapping(reply.get(kind)) if kind is not None else {}
    answer = chosen if "response_json" not in chosen else {**chosen, **_form(chosen)}
    return Content({"subtype": kind}, _words(chosen.get("title"), reply=answer))


def _form(chosen: Json) -> Json:
    """The fields of a form: `response_json` is JSON in a string, and sometimes is not."""
    written = chosen["response_json"]
    try:
        return {"response": json.loads(written) if isinstance(written, str) else written}
    except (ValueError, RecursionError):
        return {}


def _button(part: Any, _: Json) -> Content:
    button = mapping(part)
    return Content(private=_words(button.get("text"), reply=button))


def _order(part: Any, _: Json) -> Content:
    order = mapping(part)
    products = order.get("product_items")
    count = len(products) if isinstance(products, list) else None
    return Content({"things": count}, _words(order.get("text"), order=order))


def _nothing(_: Any, __: Json) -> Content:
    return Content()


def _unsupported(_: Any, body: Json) -> Content:
    """What it was, if WhatsApp says so; why it is not handed on stands in the errors."""
    return Content({"subtype": word(mapping(body.get("unsupported")).get("type"))})


CONTENTS: Final[dict[str, Callable[[Any, Json], Content]]] = {
    "text": _text,
    "image": _media,
    "video": _media,
    "document": _media,
    "audio": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "request_welcome": _nothing,
    "unsupported": _unsupported,
    "unknown": _unsupported,
}
"""Message `type` → how its part is read; a type that is not here stays unrecognised."""
