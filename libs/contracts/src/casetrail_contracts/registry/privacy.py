"""Erasures and legal holds. Private: reason (what a person typed; it is not erased with the case).

An event of an erasure or hold carries the conversation and the case of its scope, so that it stands
in their timelines.
"""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import Actor, EventData, Open


def _absent(value: object) -> bool:
    return value is None


class PrivacyScope(Open):
    """What an erasure or a hold is about: one case, one customer's conversation, or one record."""

    kind: Literal["case", "customer", "record"]
    conversation_id: str | None = None
    case_id: str | None = None
    seq: int | None = None


class HoldCheck(Open):
    """Whether a legal hold stood in the way, and when that was looked at; `holds` are their ids."""

    checked_at: AwareDatetime
    holds: list[str] = Field(default_factory=list)


class ErasedRecord(Open):
    """One record that lost the personal values `fields`, and what is left of it for ever.

    `leaf_input` is the text whose RFC 6962 leaf hash is `leaf` (hex): public, and what a rebuild
    from the stream needs, because the stream no longer has the message.
    """

    seq: int = Field(ge=1)
    kind: Literal["event", "duplicate", "poison"]
    event_id: str | None
    fields: list[str]
    leaf: str = Field(pattern=r"^[0-9a-f]{64}$")
    leaf_input: str


class ErasureRequested(EventData):
    """An erasure was asked for and nothing forbids it; from now on it is carried out."""

    type_name: ClassVar[str] = "privacy.erasure_requested"

    erasure_id: str
    scope: PrivacyScope
    policy: str
    policy_version: int
    hold_check: HoldCheck
    fields: list[str] | None = Field(default=None, exclude_if=_absent)
    """Which private fields were named; None: all."""


class Erased(EventData):
    """The certificate of an erasure, or a part of it: what is gone, and the leaves that stay.

    `part` of a long certificate; `complete` ends it; `stopped`: a hold was placed meanwhile, what
    is listed up to here is gone and the rest is kept; `later`: copies that arrived afterwards.
    """

    type_name: ClassVar[str] = "privacy.erased"

    erasure_id: str
    stage: Literal["part", "complete", "stopped", "later"]
    scope: PrivacyScope
    policy: str
    policy_version: int
    requested_by: Actor
    requested_at: AwareDatetime
    hold_check: HoldCheck
    records: list[ErasedRecord]
    fields: list[str] | None = Field(default=None, exclude_if=_absent)
    """Which private fields were named; None: all. What each record lost stands in `records`."""


class HoldPlaced(EventData):
    """From now on nothing in the scope is erased."""

    type_name: ClassVar[str] = "privacy.hold_placed"

    hold_id: str
    scope: PrivacyScope


class HoldReleaseRequested(EventData):
    """One person wants the hold released; it stands until another one agrees."""

    type_name: ClassVar[str] = "privacy.hold_release_requested"

    hold_id: str
    scope: PrivacyScope


class HoldReleased(EventData):
    """A second person agreed: the hold no longer stands."""

    type_name: ClassVar[str] = "privacy.hold_released"

    hold_id: str
    scope: PrivacyScope
    requested_by: Actor
