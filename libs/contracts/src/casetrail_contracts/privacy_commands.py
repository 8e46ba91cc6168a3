"""Commands of erasure and legal holds: `command.audit.erase`, `.hold_place`, `.hold_release`."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from casetrail_contracts.commands import Body, Command, ShortText, Text

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A private field of an event: `phone`, `text`, `note` …"""


class ScopeBody(Body):
    """What it is about: exactly one of a case, a customer's conversation, or a record."""

    case: str | None = Field(default=None, pattern=r"^CASE-[1-9][0-9]{0,17}$")
    customer: str | None = Field(default=None, pattern=r"^cv_[a-z0-9]{1,64}$")
    record: int | None = Field(default=None, ge=1, lt=2**63)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.case, self.customer, self.record)) != 1:
            raise ValueError("name exactly one of case, customer, record")
        return self


class ErasureBody(Body):
    """Erase what is personal in the scope, as the policy says. The reason is kept in the log.

    With `fields` only these, and what repeats them (the item as WhatsApp sent it); the others stay.
    """

    scope: ScopeBody
    policy: ShortText
    reason: Text
    fields: list[FieldName] | None = Field(default=None, min_length=1, max_length=20)


class HoldBody(Body):
    """Let nothing in the scope be erased until two people release it."""

    scope: ScopeBody
    reason: Text


class HoldReleaseBody(Body):
    """Release the hold: the first person asks for it, a second one agrees."""

    reason: Text


class Erase(Command, ErasureBody):
    """Erases what is personal in a scope."""

    model_config = ConfigDict(extra="ignore")
    service = "audit"
    verb = "erase"


class PlaceHold(Command, HoldBody):
    """Places a legal hold."""

    model_config = ConfigDict(extra="ignore")
    service = "audit"
    verb = "hold_place"


class ReleaseHold(Command, HoldReleaseBody):
    """Asks for the release of a legal hold, or agrees to it."""

    model_config = ConfigDict(extra="ignore")
    service = "audit"
    verb = "hold_release"

    hold_id: str = Field(pattern=r"^ho_[a-z0-9]{1,40}$")
