"""Who wrote, from fields that may each be missing.

Source: Meta's documentation of business-scoped user ids (2026): `CC.` and up to 128 letters and
digits, a parent id is `CC.ENT.…`. Some bodies carry one in `from` or `wa_id`, so an id is told by
its form; only a form that is neither a user id nor a number is taken for what its field says.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from casetrail_ingest.domain.webhook import Json, text_of

Kind = Literal["user_id", "parent_user_id", "wa_id"]

_FORMS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("parent_user_id", re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")),
    ("user_id", re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")),
)
_LEAST_DIGITS: Final = 5
ROLES: Final[dict[str, tuple[tuple[Kind, str], ...]]] = {
    "from": (
        ("user_id", "from_user_id"),
        ("wa_id", "from"),
        ("parent_user_id", "from_parent_user_id"),
    ),
    "to": (("user_id", "to_user_id"), ("wa_id", "to"), ("parent_user_id", "to_parent_user_id")),
    "recipient": (
        ("user_id", "recipient_user_id"),
        ("wa_id", "recipient_id"),
        ("parent_user_id", "parent_recipient_user_id"),
    ),
    "participant": (
        ("user_id", "recipient_participant_user_id"),
        ("wa_id", "recipient_participant_id"),
        ("parent_user_id", "recipient_participant_parent_user_id"),
    ),
    "self": (("user_id", "user_id"), ("wa_id", "wa_id"), ("parent_user_id", "parent_user_id")),
}
"""Where an item names its customer, by what part the customer plays in it."""


@dataclass(slots=True)
class Customer:
    """The person at the other end.

    `key` decides the conversation: the business-scoped user id when there is one, else the `wa_id`
    verbatim, else the parent id. `others` are further ids of the same person.
    """

    key: str
    user_id: str | None = None
    wa_id: str | None = None
    name: str | None = None
    username: str | None = None
    parent_user_id: str | None = None
    others: tuple[str, ...] = ()

    def private_values(self) -> dict[str, str]:
        """The personal values an event keeps, without the unknown ones."""
        values = {
            "phone": self.wa_id,
            "user_id": self.user_id,
            "parent_user_id": self.parent_user_id,
            "name": self.name,
            "username": self.username,
        }
        return {key: value for key, value in values.items() if value is not None}

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every id but the key, each once."""
        ids = (self.wa_id, self.user_id, self.parent_user_id, *self.others)
        return tuple(dict.fromkeys(i for i in ids if i is not None and i != self.key))


def customer_of(item: Json, contacts: Iterable[Json], *, role: str) -> Customer | None:
    """The customer of an item in this role (a key of `ROLES`), None if nobody is named."""
    contacts = tuple(contacts)
    ids = [*_ids(item, role), *(found for contact in contacts for found in _ids(contact, "self"))]
    name, username = None, None
    for contact in contacts:
        profile = contact.get("profile")
        if isinstance(profile, dict):
            name = text_of(profile.get("name")) or name
            username = plain_username(profile.get("username")) or username
    return customer_with(ids, name, username)


def customer_with(
    ids: Iterable[tuple[Kind, str]], name: str | None = None, username: str | None = None
) -> Customer | None:
    """The customer with these ids, the first of each kind first; None without any."""
    first: dict[Kind, str] = {}
    others: list[str] = []
    for kind, value in ids:
        if first.setdefault(kind, value) != value:
            others.append(value)
    user_id, wa_id = first.get("user_id"), first.get("wa_id")
    key = user_id or wa_id or first.get("parent_user_id")
    if key is None:
        return None
    parent = first.get("parent_user_id")
    return Customer(key, user_id, wa_id, name, username, parent, tuple(dict.fromkeys(others)))


def classified(value: Any, otherwise: Kind) -> tuple[Kind, str] | None:
    """An id and what kind it is, by its form, else as its field says; None for no id."""
    text = None if value is None else text_of(value)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return ("wa_id" if len(text) >= _LEAST_DIGITS else otherwise), text
    return next((kind for kind, form in _FORMS if form.fullmatch(text)), otherwise), text


def plain_username(value: Any) -> str | None:
    """A username without the `@` that some bodies put before it."""
    text = text_of(value)
    return None if text is None else text.removeprefix("@") or None


def _ids(body: Json, role: str) -> Iterator[tuple[Kind, str]]:
    for kind, key in ROLES[role]:
        found = classified(body.get(key), kind)
        if found is not None:
            yield found
