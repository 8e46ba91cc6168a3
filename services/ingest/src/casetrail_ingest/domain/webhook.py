"""A webhook body taken apart into items, each on its own.

Source: Meta's webhook reference (object → entry[] → changes[] → value). Nothing here is strict:
what has no known place becomes an item of its own, so that one odd part never costs another, and
every part of an authentic body ends up in exactly one item.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

SHARED_KEYS: Final = frozenset({"messaging_product", "metadata"})
"""Keys of a `value` that say what it belongs to; repeated in no item."""

LISTS: Final = (
    "calls",
    "messages",
    "statuses",
    "errors",
    "message_echoes",
    "history",
    "groups",
    "user_preferences",
    "state_sync",
    "automatic_events",
)
"""Keys of a `value` that hold a list of independent things."""

_PEOPLE: Final = (
    *("from", "from_user_id", "to", "to_user_id", "recipient_id", "recipient_user_id"),
    *("recipient_participant_id", "recipient_participant_user_id", "wa_id", "user_id"),
)


@dataclass(slots=True)
class Item:
    """One thing a webhook tells: a message, a status, or whatever else.

    `kind` is the list it stood in (`messages`, `statuses`, …), `history_messages` for a message of
    a chat's history, `value` for a change that is one thing, or `rest` for what stood beside the
    known lists. `contacts` are the people of this item; `beside` is a contact that came with it
    alone and has another id: kept with it, and not taken for the same person. `thread` is the chat
    of a history message.
    """

    kind: str
    body: Any
    position: str
    field: str | None = None
    entry_id: str | None = None
    entry_time: str | None = None
    phone_number_id: str | None = None
    display_phone_number: str | None = None
    contacts: tuple[Json, ...] = ()
    beside: tuple[Json, ...] = ()
    thread: Json | None = None


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


def unpack(body: bytes, parse: Callable[[bytes], Any] = json.loads) -> Unpacked:
    """Every item of a body, in order of appearance; never raises."""
    unpacked = Unpacked()
    try:
        document = parse(body)
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
        _keep_others(document, {"object", "entry"}, "the envelope", "envelope", unpacked)
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
            _keep_others(change, {"field", "value"}, "a change", where, unpacked)
    _keep_others(entry, {"id", "uid", "time", "changes"}, "an entry", position, unpacked)


def _keep_others(part: Json, known: set[str], what: str, where: str, unpacked: Unpacked) -> None:
    if not part.keys() <= known:
        others = {key: value for key, value in part.items() if key not in known}
        problem = f"keys in {what} that a webhook has not"
        unpacked.odd_parts.append(OddPart(problem, others, f"{where}.others"))


def _items(entry: Json, change: Json, where: str) -> Iterator[Item]:
    value = change["value"]
    shared: dict[str, Any] = {
        "field": text_of(change.get("field")),
        "entry_id": text_of(entry.get("id")),
        "entry_time": text_of(entry.get("time")),
    }
    if not isinstance(value, dict):
        yield Item("value", value, f"{where}.value", **shared)
        return
    shared.update(_number(value))
    lists = [key for key in LISTS if key in value and isinstance(value[key], list) and value[key]]
    if not lists:
        yield Item("value", value, f"{where}.value", **shared)
        return
    contacts = [c for c in _list(value.get("contacts")) if isinstance(c, dict)]
    alone = sum(len(value[key]) for key in lists if key != "errors") == 1 and len(contacts) == 1
    used: set[int] = set()
    for key in lists:
        for number, element in enumerate(value[key]):
            mine, beside = _people(element, contacts, alone=alone and key != "errors")
            used.update(id(contact) for contact in (*mine, *beside))
            place = f"{where}.{key}.{number}"
            if key == "history":
                yield from _history(element, place, shared)
            else:
                yield Item(key, element, place, contacts=mine, beside=beside, **shared)
    told = {*SHARED_KEYS, *lists, "contacts"}
    rest = {key: part for key, part in value.items() if key not in told and part != []}
    unclaimed = [each for each in _list(value.get("contacts")) if id(each) not in used]
    if unclaimed:
        rest["contacts"] = unclaimed
    if rest:
        yield Item("rest", rest, f"{where}.rest", **shared)


def _number(value: Json) -> Json:
    """The business number a value is about."""
    about = value.get("metadata")
    if not isinstance(about, dict):
        about = value.get("phone_number_settings")
    about = about if isinstance(about, dict) else {}
    return {
        "phone_number_id": text_of(about.get("phone_number_id")),
        "display_phone_number": text_of(about.get("display_phone_number")),
    }


def _history(chunk: Any, place: str, shared: Json) -> Iterator[Item]:
    """The messages of a chunk one by one, and the chunk with their number in their place."""
    threads = _list(chunk.get("threads")) if isinstance(chunk, dict) else []
    if not all(isinstance(t, dict) and isinstance(t.get("messages"), list) for t in threads):
        yield Item("history", chunk, place, **shared)
        return
    if isinstance(chunk, dict):
        counted = [{**thread, "messages": len(thread["messages"])} for thread in threads]
        chunk = {**chunk, "threads": counted} if "threads" in chunk else chunk
    yield Item("history", chunk, place, **shared)
    for t, thread in enumerate(threads):
        about = {key: value for key, value in thread.items() if key != "messages"}
        for n, message in enumerate(thread["messages"]):
            where = f"{place}.{t}.{n}"
            yield Item("history_messages", message, where, thread=about, **shared)


def _people(
    element: Any, contacts: list[Json], *, alone: bool
) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
    """The contacts that are the people of an element, matched by id, never by place; the others.

    A single contact that came with a single element belongs to it: it is its person when the
    element names nobody.
    """
    if not contacts or not isinstance(element, dict):
        return (), ()
    named = {text_of(element[key]) for key in _PEOPLE if key in element} - {None}
    mine = tuple(
        c for c in contacts if named & {text_of(c.get("wa_id")), text_of(c.get("user_id"))}
    )
    if mine or not alone:
        return mine, ()
    return ((), tuple(contacts)) if named else (tuple(contacts), ())


def text_of(value: Any) -> str | None:
    """A string or number as text, anything else as None: WhatsApp sends ids either way."""
    if isinstance(value, str):
        return clean(value) or None
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
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
