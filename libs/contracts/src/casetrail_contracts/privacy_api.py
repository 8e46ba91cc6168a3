"""What the API says of an erasure."""

from typing import Literal

from pydantic import AwareDatetime

from casetrail_contracts.api import Answer
from casetrail_contracts.envelope import Actor
from casetrail_contracts.registry.privacy import ErasedRecord, HoldCheck, PrivacyScope


class ErasureAnswer(Answer):
    """An erasure as the log tells it: who asked and why, what is gone, what stays.

    `stopped`: a hold was placed while it was carried out; what `records` lists is gone, the rest is
    kept. `events` are the sequences of the request and of its certificates.
    """

    erasure_id: str
    status: Literal["requested", "complete", "stopped"]
    scope: PrivacyScope
    policy: str
    policy_version: int
    fields: list[str] | None = None
    """Which private fields were named; null: all."""
    requested_by: Actor
    requested_at: AwareDatetime
    reason: str | None
    hold_check: HoldCheck
    records: list[ErasedRecord]
    events: list[int]
    complete_through: int
