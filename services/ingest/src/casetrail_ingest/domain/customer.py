"""Who wrote, from fields that may each be missing.

Source: Meta's documentation of business-scoped user ids (2026): `CC.` and up to 128 letters and
digits, a parent id is `CC.ENT.…`. Some bodies carry one in `from` or `wa_id`, so an id is told by
its form, not by its field.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from casetrail_ingest.domain.webhook import clean

_BUSINESS_SCOPED: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(frozen=True)
class Customer:
    """The person at the other end.

    `key` decides the conversation: the business-scoped user id when there is one, else the `wa_id`
    verbatim.
    """

    key: str
    user_id: str | None = None
    wa_id: str | None = None
    name: str | None = None
    username: str | None = None

    def private_values(self) -> dict[str, str]:
        """The personal values an event keeps, without the unknown ones."""
        values = {
            "phone": self.wa_id,
            "user_id": self.user_id,
            "name": self.name,
            "username": self.username,
        }
        return {key: value for key, value in values.items() if value is not None}


def customer_of(
    item: dict[str, Any], contacts: tuple[dict[str, Any], ...], *, role: str
) -> Customer | None:
    """The customer of a message (`role` "from") or status (`role` "recipient"), None if unnamed."""
    id_key = "from" if role == "from" else "recipient_id"
    candidates = [item.get(f"{role}_user_id"), item.get(id_key)]
    for contact in contacts:
        candidates += [contact.get("user_id"), contact.get("wa_id")]
    names = [clean(c) for c in candidates if isinstance(c, str) and c]
    user_id = next((c for c in names if _BUSINESS_SCOPED.fullmatch(c)), None)
    wa_id = next((c for c in names if not _BUSINESS_SCOPED.fullmatch(c)), None)
    key = wa_id if user_id is None else user_id
    if key is None:
        return None
    name, username = None, None
    for contact in contacts:
        profile = contact.get("profile")
        if isinstance(profile, dict):
            name = _string(profile.get("name"))
            username = _string(profile.get("username"))
    return Customer(key, user_id, wa_id, name, username)


def _string(value: Any) -> str | None:
    return clean(value) if isinstance(value, str) and value else None
