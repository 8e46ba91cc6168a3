"""The named policies an erasure follows. A change of one is a new version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Policy:
    """Which records of a scope lose their personal values; always all values of a record.

    `nouns` empty means every record. What quotes an erased message is always erased with it.
    """

    name: str
    version: int
    nouns: tuple[str, ...]
    meaning: str


CUSTOMER_REQUEST: Final = Policy(
    "customer-request", 1, (), "Everything personal in the scope, at the customer's request."
)
MESSAGES: Final = Policy(
    "message-content",
    1,
    ("message", "webhook"),
    "What the customer wrote and sent; notes, titles and resolutions of the staff stay.",
)
POLICIES: Final[Mapping[str, Policy]] = {p.name: p for p in (CUSTOMER_REQUEST, MESSAGES)}

NEVER: Final = "privacy"
"""Events of erasures and holds keep their reasons, unless the record itself is named."""
