"""How a customer is named by who looks for them, and the forms one number may have."""

import re
from dataclasses import dataclass
from typing import Final, Literal

KeyKind = Literal["phone", "user_id", "username"]

_FORMS: Final = (
    # Brazil's ninth digit
    (re.compile(r"55([1-9]{2})9?([6-9][0-9]{7})"), ("55{0}{1}", "55{0}9{1}")),
    (re.compile(r"521?([0-9]{10})"), ("52{0}", "521{0}")),  # Mexico, before and after 2019
    (re.compile(r"549?([0-9]{10})"), ("54{0}", "549{0}")),  # Argentina, mobile or not
)


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """What a customer is looked up by; `value` is personal."""

    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True)
class Contact:
    """What the log knows of a customer, unmasked."""

    phone: str | None = None
    name: str | None = None
    user_id: str | None = None
    username: str | None = None


def number_forms(digits: str) -> tuple[str, ...]:
    """The forms in which WhatsApp may know this number, the given one first."""
    for pattern, forms in _FORMS:
        match = pattern.fullmatch(digits)
        if match is not None:
            return tuple(dict.fromkeys([digits, *(form.format(*match.groups()) for form in forms)]))
    return (digits,)
