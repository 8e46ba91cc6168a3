"""Which personal values of a record go when an erasure names single fields."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from casetrail_evidence.leaves import SALT_KEY

WHOLE: Final = "raw"
"""The item as WhatsApp sent it: it repeats every value of the customer."""
TYPED_HERE: Final = frozenset(
    {"title", "note", "resolution_note", "reason", "context", "query"}
)  # by our own people, so it stands in no item
REMEMBERED: Final = ("text", "caption")
"""What tickets quote of a message, in their private field `context`."""
CONTEXT: Final = "context"
SHORTEST: Final = 4
"""A shorter value is looked for as a whole only: it stands in half of all sentences."""


def wanted(named: Collection[str] | None) -> frozenset[str] | None:
    """The fields to look for; None is all of them."""
    if named is None:
        return None
    fields = frozenset(named)
    return fields if fields <= TYPED_HERE else fields | {WHOLE}


def going(private: Mapping[str, Any], fields: Collection[str]) -> tuple[str, ...]:
    """The named fields that are there, and every other one in which a value of them stands."""
    gone = {name for name in private if name in fields}
    values = {private[name] for name in gone if isinstance(private[name], str)} - {""}
    others = private.keys() - gone - {SALT_KEY}
    return tuple(sorted(gone | {name for name in others if _repeats(private[name], values)}))


def _repeats(value: Any, erased: Collection[str]) -> bool:
    return any(
        gone == text or (len(gone) >= SHORTEST and gone in text)
        for text in _texts(value)
        for gone in erased
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
