"""Single words and short phrases a summary is made of."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST_QUOTE: Final = 160
_STATUSES: Final = {
    "new": "New",
    "in_progress": "In Progress",
    "awaiting_customer": "Awaiting Customer",
    "awaiting_courier": "Awaiting Courier",
    "resolved": "Resolved",
    "closed": "Closed",
    "reopened": "Reopened",
}


def text_of(data: Mapping[str, Any], key: str) -> str | None:
    """The value when it is a text with something in it."""
    value = data.get(key)
    return value.strip() if isinstance(value, str) and value.strip() else None


def count_of(data: Mapping[str, Any], key: str) -> int | None:
    """The value when it is a whole number."""
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def part_of(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def quoted(text: str) -> str:
    """`«text»` in one line, shortened to what one sentence can carry."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_QUOTE:
        line = line[: _LONGEST_QUOTE - 1].rstrip() + "…"
    return f"«{line}»"


def words(slug: str) -> str:
    """`shared-inbox` → `shared inbox`."""
    return re.sub(r"[-_]+", " ", slug).strip()


def status(value: str | None) -> str:
    """`in_progress` → `In Progress`."""
    if value is None:
        return "an unknown state"
    return _STATUSES.get(value, words(value).title())


def person(reference: str | None, name: str | None) -> str:
    """The name, else `agent:a`, else honestly nobody known."""
    return name or reference or "somebody unknown"


def moment(value: str | None) -> datetime | None:
    """A time of a record's data, in UTC."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):  # no time, or one that UTC cannot say
        return None


def day(value: str | None) -> str | None:
    """`23 Nov`, in UTC."""
    at = moment(value)
    return None if at is None else f"{at.day} {at:%b}"


def clock(value: str | None) -> str | None:
    """`23 Nov 18:00 UTC`."""
    at = moment(value)
    return None if at is None else f"{at.day} {at:%b %H:%M} UTC"


def plural(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(seconds: int) -> str:
    """`45 min`, `2 h 5 min`, `3 d 1 h`: the two largest parts."""
    minutes = seconds // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def because(sentence: str, reason: str | None) -> str:
    """The sentence, with the reason after a colon when there is one."""
    return sentence if reason is None else f"{sentence}: {reason}"
