"""How a customer is named by who looks for them, and what the log knows of them."""

from dataclasses import dataclass
from typing import Literal

KeyKind = Literal["phone", "user_id", "username"]


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
