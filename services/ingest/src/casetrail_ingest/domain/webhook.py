"""A webhook body taken apart into items, each on its own.

Source: Meta's webhook reference (object → entry[] → changes[] → value). Nothing here is strict:
what has no known place becomes an item of its own, so that one odd part never costs another, and
every part of an authentic body ends up in exactly one item.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

SHARED_KEYS: Final = frozenset({"messaging_product", "metadata"})
"""Keys of a `value` that say what it belongs to; repeated in no item."""

LISTS: Final = (
    "messages",
    "statuses",
    "errors",
    "message_echoes",
    "calls",
    "history",
    "groups",
    "user_preferences",
    "state_sync",
)
"""Keys of a `value` that hold a list of independent things."""


@dataclass(frozen=True)
class Item:
    """One thing a webhook tells: a message, a status, or whatever else.

    `kind` is the list it stood in (`messages`, `statuses`, …), or `value` for a change that is one
    thing, or `rest` for what stood beside the known lists.
    """

    kind: str
    body: Any
    position: str
    field: str | None = None
    entry_id: str | None = None
    entry_time: str | None = None
    phone_number_id: str | None = None
    contacts: tuple[Json, ...] = ()


@dataclass(frozen=True)
class OddPart:
    """A part of an authentic body that has not the shape of a webhook; kept as it is."""

    problem: str
    body: Any
    position: str


@dataclass
class Unpacked:
    """What a body holds; `odd_body` says why the whole body is no webhook, if it is none."""

    items: list[Item] = field(default_factory=list)
    odd_parts: list[OddPart] = field(default_factory=list)
    odd_body: str | None = None


def unpack(body: bytes) -> Unpacked:
    """Every item of a body, in order of appearance; never raises."""
    unpacked = Unpacked()
    try:
        document = json.loads(body)
    except RecursionError:
        unpacked.odd_body = "the JSON is nested too deeply to be read"
        return unpacked
    except ValueError as error:
        unpacked.odd_body = f"not JSON ({type(error).__name__})"
        return unpacked
    if not isinstance(document, dict):
        unpacked.odd_body = f"a JSON {_json_type(document)} where an object is expected"
    elif not isinstance(document.get("entry"), list):
        unpacked.odd_body = "no `entry` list: not the envelope of a webhook"
    else:
        for number, entry in enumerate(document["entry"]):
            _unpack_entry(entry, str(number), unpacked)
    return unpacked


def _unpack_entry(entry: Any, position: str, unpacked: Unpacked) -> None:
    changes = entry.get("changes") if isinstance(entry, dict) else None
    if not isinstance(changes, list) or not changes:
        unpacked.odd_parts.append(OddPart("an entry without `changes`", entry, position))
        return
    for number, change in enumerate(changes):
        where = f"{position}.{number}"
        if not isinstance(change, dict) or "value" not in change:
            unpacked.odd_parts.append(OddPart("a change without `value`", change, where))
        else:
            unpacked.items.extend(_items(entry, change, where))


def _items(entry: Json, change: Json, where: str) -> Iterator[Item]:
    value = change["value"]
    shared: dict[str, Any] = {
        "field": _text(change.get("field")),
        "entry_id": _text(entry.get("id")),
        "entry_time": _text(entry.get("time")),
    }
    if not isinstance(value, dict):
        yield Item("value", value, f"{where}.value", **shared)
        return
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        shared["phone_number_id"] = _text(metadata.get("phone_number_id"))
    lists = [key for key in LISTS if isinstance(value.get(key), list) and value[key]]
    contacts = [c for c in _list(value.get("contacts")) if isinstance(c, dict)]
    if not lists:
        yield Item("value", value, f"{where}.value", **shared)
        return
    used: set[int] = set()
    for key in lists:
        for number, element in enumerate(value[key]):
            mine = tuple(c for c in contacts if _belongs(c, element))
            used.update(id(contact) for contact in mine)
            yield Item(key, element, f"{where}.{key}.{number}", contacts=mine, **shared)
    rest = {
        k: v for k, v in value.items() if k not in {*SHARED_KEYS, *lists, "contacts"} and v != []
    }
    unclaimed = [c for c in _list(value.get("contacts")) if id(c) not in used]
    if unclaimed:
        rest["contacts"] = unclaimed
    if rest:
        yield Item("rest", rest, f"{where}.rest", **shared)


def _belongs(contact: Json, element: Any) -> bool:
    """True when a contact is the person of a message or status: matched by id, never by place."""
    if not isinstance(element, dict):
        return False
    people = {
        _text(element.get(key))
        for key in ("from", "from_user_id", "recipient_id", "recipient_user_id")
    } - {None}
    return bool(people & {_text(contact.get("wa_id")), _text(contact.get("user_id"))})


def _text(value: Any) -> str | None:
    """A string or number as text, anything else as None: WhatsApp sends ids either way."""
    if isinstance(value, str) and value:
        return clean(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "value")


def clean(value: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, replaced; the raw item keeps them."""
    return value.encode("utf-8", "replace").decode()
