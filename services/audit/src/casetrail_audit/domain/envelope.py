"""Reading the attributes of a message that may or may not be one of our envelopes.

Nothing is validated, defaulted or dropped: an attribute of an unexpected type is simply not there
for searching, and stays as it is in the leaf.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

Envelope = Mapping[str, Any]

_TOKEN: Final = re.compile(r"[a-z0-9_-]{1,200}")
_OUR_TYPE: Final = re.compile(r"casetrail\.([a-z0-9_-]+)\.([a-z0-9_-]+)\.v[0-9]+")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,15}")
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_MILLISECONDS: Final = len("2026-11-22T10:14:03.120Z")
OURS: Final = "support."
"""What our own services publish on; only such events move the views."""


def text(envelope: Envelope, name: str) -> str | None:
    """The attribute when it is a text, else None."""
    value = envelope.get(name)
    return value if isinstance(value, str) else None


def texts(envelope: Envelope, names: Sequence[str]) -> list[str | None]:
    """`text` of each of these."""
    return [v if isinstance(v, str) else None for v in map(envelope.get, names)]


def is_cloud_event(envelope: Envelope) -> bool:
    """Whether it says of itself that it is a CloudEvent."""
    return text(envelope, "specversion") is not None and text(envelope, "type") is not None


def data_of(envelope: Envelope) -> dict[str, Any]:
    """The public data: the attribute `data`, or the whole message when it is no CloudEvent."""
    if not is_cloud_event(envelope):
        return {name: value for name, value in envelope.items() if name != "private"}
    data = envelope.get("data")
    if isinstance(data, dict):
        return data
    return {} if data is None else {"value": data}


def type_of(envelope: Envelope, subject: str) -> str:
    """The event's type, or `foreign.<subject>` when it has none."""
    return text(envelope, "type") or f"foreign.{subject}"


@lru_cache(maxsize=1024)
def noun_verb(type_: str) -> tuple[str, str] | None:
    """`("conversation", "assigned")` of one of our types; None of any other."""
    match = _OUR_TYPE.fullmatch(type_)
    return None if match is None else (match[1], match[2])


def is_ours(type_: str, subject: str) -> bool:
    """Whether one of our services published it: our type, on our subjects."""
    return subject.startswith(OURS) and noun_verb(type_) is not None


def action_of(type_: str) -> str:
    """`conversation.assigned` of one of our types, any other type as it is."""
    parts = noun_verb(type_)
    return type_ if parts is None else ".".join(parts)


def is_look(action: str) -> bool:
    """Whether somebody only looked: about a case, and nothing that happened in it (ADR 11)."""
    return action.startswith("access.")


def workspace_of(envelope: Envelope | None, subject: str) -> str | None:
    """The workspace the message names, else the one its subject stands in, else None."""
    named = None if envelope is None else text(envelope, "workspace")
    if named is not None and _TOKEN.fullmatch(named) is not None:
        return named
    tokens = subject.split(".")
    if subject.startswith(OURS) and len(tokens) > 1 and _TOKEN.fullmatch(tokens[1]) is not None:
        return tokens[1]
    return None


def version_of(envelope: Envelope) -> int | None:
    """The version of the aggregate, a positive integer, else None."""
    value = text(envelope, "sequence")
    return int(value) if value is not None and _VERSION.fullmatch(value) is not None else None


def time_of(value: Any) -> datetime | None:
    """The moment of an RFC 3339 text in UTC, cut to milliseconds as MongoDB keeps it, else None.

    Cut here, not by the database: what is computed from it must not depend on whether it was
    stored in between.
    """
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        return None
    if len(value) == _MILLISECONDS and value[-1] == "Z" and value[10] == "T":  # as we write it
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    try:
        return milliseconds(datetime.fromisoformat(value.upper()).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def milliseconds(moment: datetime) -> datetime:
    """The moment without what is finer than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def actor_ref(actor: Any) -> str | None:
    """`agent:a`, when the actor says both."""
    if not isinstance(actor, dict):
        return None
    kind, id_ = actor.get("kind"), actor.get("id")
    return f"{kind}:{id_}" if isinstance(kind, str) and isinstance(id_, str) else None
