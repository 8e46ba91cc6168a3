"""What of the personal values a bundle shows: none (`public`), all (`full`), or chosen fields."""

import re
from collections.abc import Collection
from typing import Final

from casetrail_evidence.errors import Malformed

Disclosure = str
"""`public`, `full`, or the names of the fields that are shown, sorted: `phone,text`."""

PUBLIC: Final = "public"
FULL: Final = "full"
PUBLIC_POLICY: Final = "public-disclosure"
"""The policy under which a public bundle withholds every private value."""
CHOSEN_POLICY: Final = "chosen-disclosure"
"""The policy under which the fields that were not chosen are withheld."""
OWN_POLICIES: Final = frozenset({PUBLIC_POLICY, CHOSEN_POLICY})
"""What a bundle withholds by itself; every other policy is one of an erasure."""
MOST_FIELDS: Final = 20
PATTERN: Final = rf"^[A-Za-z0-9_-]{{1,64}}(,[A-Za-z0-9_-]{{1,64}}){{0,{MOST_FIELDS - 1}}}$"
_DISCLOSURE: Final = re.compile(PATTERN.strip("^$"))


def disclosure_of(text: str) -> Disclosure:
    """The disclosure as a bundle spells it: names sorted, each once; `Malformed` for others."""
    if _DISCLOSURE.fullmatch(text) is None:
        raise Malformed(
            "A disclosure is public, full, or up to 20 names of fields with commas: phone,text."
        )
    names = sorted(set(text.split(",")))
    if len(names) > 1 and not {PUBLIC, FULL}.isdisjoint(names):
        raise Malformed("public and full stand alone: they are not names of fields.")
    return ",".join(names)


def is_disclosure(text: str) -> bool:
    """Whether it is one in its one spelling."""
    try:
        return disclosure_of(text) == text
    except Malformed:
        return False


def chosen_fields(disclosure: Disclosure) -> frozenset[str] | None:
    """The fields that were chosen; None of a public or full disclosure."""
    return None if disclosure in (PUBLIC, FULL) else frozenset(disclosure.split(","))


def shows(disclosure: Disclosure, name: str) -> bool:
    """Whether the value of this field is shown, if it is still kept."""
    fields = chosen_fields(disclosure)
    return disclosure == FULL if fields is None else name in fields


def withheld_by(disclosure: Disclosure, names: Collection[str]) -> dict[str, str]:
    """The policy under which each of these fields is not shown; nothing for those that are."""
    policy = PUBLIC_POLICY if disclosure == PUBLIC else CHOSEN_POLICY
    return {name: policy for name in sorted(names) if not shows(disclosure, name)}


def sentence(disclosure: Disclosure) -> str:
    """The disclosure in words, for the pages."""
    if disclosure == PUBLIC:
        return "public: no personal value is in this bundle; each is withheld."
    if disclosure == FULL:
        return "full: PERSONAL VALUES ARE IN THIS BUNDLE, as far as they are still kept."
    fields = disclosure.replace(",", ", ")
    return f"chosen fields: THE PERSONAL VALUES {fields} ARE IN THIS BUNDLE; all others withheld."
