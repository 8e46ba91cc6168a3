"""Every look at the log. Private: query, purpose."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData


def _absent(value: object) -> bool:
    """True for a field that older events do not have: they are written again as they were."""
    return value is None


class AccessViewed(EventData):
    """Somebody read something, or was refused to; written before the answer is given."""

    type_name: ClassVar[str] = "access.viewed"

    what: str
    """`case`, `case_timeline`, `ticket`, `ticket_timeline`, `record`, `records`, …"""
    target: str
    outcome: Literal["answered", "refused"] = "answered"
    purpose: str | None = None


class AccessSearched(EventData):
    """Somebody searched; filters that may name a customer stand in `private.query`."""

    type_name: ClassVar[str] = "access.searched"

    what: str
    filters: dict[str, Any] = Field(default_factory=dict)
    outcome: Literal["answered", "refused"] = "answered"


class AccessExported(EventData):
    """Somebody took data out as a file, or was refused to; written before it is given."""

    type_name: ClassVar[str] = "access.exported"

    what: str
    """`evidence`: the bundle of a case. `cases`, `records`: a list, by its filters."""
    target: str
    disclosure: Literal["public", "full", "chosen"]
    """`full` when personal values are in the file; `chosen`: those of `fields` only."""
    fields: list[str] | None = Field(default=None, exclude_if=_absent)
    outcome: Literal["answered", "refused"] = "answered"
    purpose: str | None = None
    format: str | None = Field(default=None, exclude_if=_absent)
    """`csv`, `jsonl`, `ocsf`; None for a bundle."""
    filters: dict[str, Any] | None = Field(default=None, exclude_if=_absent)


class AccessRevealed(EventData):
    """Somebody was shown a customer's number or name unmasked; why stands in `private.purpose`."""

    type_name: ClassVar[str] = "access.revealed"

    what: str
    """`customer`."""
    target: str
    fields: list[str] = Field(default_factory=list)
    """Which values: `phone`, `name`, `user_id`, `username`."""
    outcome: Literal["answered", "refused"] = "answered"
