"""Values of keys: each reader gives the filter's value, or says what would be one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

CASE: Final = re.compile(r"CASE-[1-9][0-9]{0,17}", re.IGNORECASE)
TICKET: Final = re.compile(r"T-[1-9][0-9]{0,17}", re.IGNORECASE)
CONVERSATION: Final = re.compile(r"cv_[a-z0-9]{1,64}")
PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{5,30}")
KINDS: Final = ("agent", "lead", "reviewer", "admin", "service", "rule", "integration", "unknown")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOUN_VERB: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}(\.[a-z][a-z0-9_-]{0,40})?")
_TARGET: Final = re.compile(r"[a-z]{1,40}/[A-Za-z0-9_-]{1,80}")
_TAG: Final = re.compile(r"[^\x00-\x1f]{1,80}")
_DIGITS: Final = (7, 15)


class NotAValue(ValueError):
    """The value cannot be one of this key; the text says what can."""


def case_id(text: str) -> str:
    """`CASE-1001`."""
    return _matched(CASE, text, "a case, like CASE-1001").upper()


def ticket_id(text: str) -> str:
    """`T-1001`."""
    return _matched(TICKET, text, "a ticket, like T-1001").upper()


def agent(text: str) -> str:
    """`agent:a` of `a` or of `agent:a`."""
    return "agent:" + _matched(_ID, text.removeprefix("agent:"), "a person's id, like a")


def actor(text: str) -> tuple[str, str]:
    """Kind and id of `agent:a`."""
    kind, _, name = text.partition(":")
    if kind == "customer" and CONVERSATION.fullmatch(name):
        return kind, name
    if kind not in KINDS or _ID.fullmatch(name) is None:
        raise NotAValue("is no actor: write kind:id, like agent:a or service:routing")
    return kind, name


def status(text: str) -> str:
    """`open` or `closed`."""
    if text.lower() not in {"open", "closed"}:
        raise NotAValue("is no status of a case: it is open or closed")
    return text.lower()


def yes_or_no(text: str) -> bool:
    """True for yes."""
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in answers:
        raise NotAValue("is neither yes nor no")
    return answers[text.lower()]


def tag(text: str) -> str:
    """A tag as it is."""
    return _matched(_TAG, text.strip(), "a tag")


def action(text: str) -> str:
    """`ticket` or `ticket.closed`."""
    return _matched(_NOUN_VERB, text, "an action like ticket.closed, or a noun like ticket")


def target(text: str) -> str:
    """`ticket/T-1001`."""
    return _matched(_TARGET, text, "something acted on, like ticket/T-1001")


def conversation(text: str) -> str:
    """`cv_…`."""
    return _matched(CONVERSATION, text, "a conversation's id (cv_…), or a number with +")


def phone(text: str) -> str:
    """The digits of a number with its country's code."""
    digits = re.sub(r"\D", "", text)
    if PHONE.fullmatch(text.strip()) is None or not _DIGITS[0] <= len(digits) <= _DIGITS[1]:
        raise NotAValue("is no number: write it with its country's code, like +923001234567")
    return digits


def since(text: str) -> datetime:
    """The moment, or the beginning of the day in UTC."""
    return _moment(text, timedelta())


def until(text: str) -> datetime:
    """The moment, or the end of the day in UTC: `to:2026-11-20` has the whole of the 20th."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, later: timedelta) -> datetime:
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + later
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise NotAValue(
        "is no time: write a day like 2026-11-20, or a moment with its zone like "
        "2026-11-20T10:00:00Z"
    )


def _matched(pattern: re.Pattern[str], text: str, what: str) -> str:
    if pattern.fullmatch(text) is None:
        raise NotAValue(f"is not {what}")
    return text


Reader = Callable[[str], Any]
