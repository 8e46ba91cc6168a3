"""What of a record's personal values a reader sees."""

import re
from collections.abc import Mapping
from typing import Any, Final

DOTS: Final = "····"
_PHONES: Final = frozenset({"phone", "wa_id", "customer_phone"})
_NAMES: Final = frozenset({"name", "username", "user_id", "profile_name", "contact_name"})
_TEXTS: Final = frozenset(
    {
        "text",
        "caption",
        "title",
        "note",
        "resolution_note",
        "context",
        "reason",
        "purpose",
        "comments",
    }
)
_TAIL: Final = 4
_LEAST_DIGITS: Final = 8  # below this, four shown digits would be half of the number


def masked_phone(value: str) -> str:
    """`····4291`: the last four digits, or none of a number too short to hide the rest."""
    digits = re.sub(r"\D", "", value)
    return DOTS + digits[-_TAIL:] if len(digits) >= _LEAST_DIGITS else DOTS


def masked_name(value: str) -> str:
    """`S····`: the first letter."""
    stripped = value.strip()
    return stripped[:1] + DOTS if len(stripped) > 1 else DOTS


def masked_private(private: Mapping[str, Any], *, reads_text: bool) -> dict[str, Any]:
    """The personal values of a record as they may be shown.

    Phones and names are masked, message text and notes are shown to who reads text, everything
    else (raw items, WhatsApp's ids, searches) is hidden. The salt never leaves: with it a masked
    number could be guessed against its commitment.
    """
    return {
        key: _shown(key, value, reads_text=reads_text)
        for key, value in private.items()
        if key != "salt"
    }


def _shown(key: str, value: Any, *, reads_text: bool) -> Any:
    if value is None:
        return None
    if key in _TEXTS and reads_text:
        return value
    if key in _PHONES and isinstance(value, str):
        return masked_phone(value)
    if key in _NAMES and isinstance(value, str):
        return masked_name(value)
    return DOTS
