"""What one record is found by: the words people wrote in it, and keyed aliases of its customer."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from casetrail_contracts.ids import alias_id
from casetrail_contracts.words import indexed_terms

Document = dict[str, Any]

TEXTS: Final = ("text", "caption", "title", "note", "resolution_note", "reason")
"""Private fields that hold what a person wrote. What a ticket quotes is found where it was said."""
ALIASES: Final = ("phone", "user_id", "username")
_FILTERS: Final = (
    *("workspace", "conversation_id", "case_id", "ticket_id"),
    *("actor_ref", "action", "target", "occurred_at"),
)
FIELDS: Final = dict.fromkeys(
    (*_FILTERS, "kind", "erased", *(f"private.{name}" for name in (*TEXTS, *ALIASES))), 1
)
"""What of a record its entry is made of."""
_UNSEARCHED: Final = frozenset({"access", "privacy", "command", "review"})
"""Nouns whose words are about looking and judging, not about the customer's case."""


def entry_of(record: Mapping[str, Any], key: bytes) -> Document | None:
    """The entry of a record, `_id` its sequence; None when there is nothing to find it by."""
    private = record.get("private")
    noun = (record.get("action") or "").partition(".")[0]
    if record["kind"] != "event" or not isinstance(private, dict) or noun in _UNSEARCHED:
        return None
    workspace = record.get("workspace")
    if workspace is None:
        return None
    terms = indexed_terms(_texts(private, TEXTS))
    aliases = sorted(
        alias_id(key, workspace, kind, value)
        for kind in ALIASES
        if isinstance(value := private.get(kind), str) and value
    )
    if record.get("conversation_id") is None:
        aliases = []
    if not terms and not aliases:
        return None
    filters = {name: record.get(name) for name in _FILTERS}
    return {"_id": record["_id"], **filters, "terms": terms, "aliases": aliases}


def entry_change(left: Any, gone: Iterable[str]) -> Document | None:
    """What an entry becomes when fields of its record are erased; None when it goes as well.

    Without the key nobody can tell which alias is whose: all go with the first.
    """
    if not isinstance(left, Mapping):
        return None
    terms = {"terms": indexed_terms(_texts(left, TEXTS))}
    return {**terms, "aliases": []} if {*gone} & {*ALIASES} else terms


def _texts(private: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [value for name in names if isinstance(value := private.get(name), str)]
