"""Commands on people, their shifts and their presence; routing answers them."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.fields import (
    Moment,
    ShortText,
    Slug,
    Text,
    TimeZone,
    UserId,
    WallClock,
)
from casetrail_contracts.registry.presence import Presence
from casetrail_contracts.registry.user import Role


class CreateUserBody(Body):
    """A person who acts. `id` is used in `agent:<id>`."""

    id: UserId
    name: ShortText
    role: Role = "agent"
    capacity: int = Field(default=10, ge=0, le=1000)
    skills: list[ShortText] = Field(default_factory=list, max_length=50)
    languages: list[ShortText] = Field(default_factory=list, max_length=20)
    teams: list[Slug] = Field(default_factory=list, max_length=20)
    time_zone: TimeZone | None = None


class CreateUser(Command):
    """Adds a user."""

    service = "routing"
    verb = "user_create"

    user: CreateUserBody


class UpdateUserBody(Body):
    """What is to be otherwise; a field left out stays as it is, a list replaces the whole list."""

    name: ShortText | None = None
    role: Role | None = None
    capacity: int | None = Field(default=None, ge=0, le=1000)
    skills: list[ShortText] | None = Field(default=None, max_length=50)
    languages: list[ShortText] | None = Field(default=None, max_length=20)
    teams: list[Slug] | None = Field(default=None, max_length=20)
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(getattr(self, name) is None for name in UpdateUserBody.model_fields):
            raise ValueError(f"name at least one of {', '.join(UpdateUserBody.model_fields)}")
        return self


class OnUser(Command):
    """A command on one person."""

    user_id: UserId


class UpdateUser(OnUser, UpdateUserBody):
    """Changes what a person is called, does and can take."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "user_update"


class DeactivateUserBody(Body):
    """Say why they can no longer have cases; those they have go back to the queue."""

    reason: ShortText


class DeactivateUser(OnUser, DeactivateUserBody):
    """Takes a person out of the desk; their history stays."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "user_deactivate"


class ReactivateUserBody(Body):
    """Say why they are back."""

    reason: ShortText | None = None


class ReactivateUser(OnUser, ReactivateUserBody):
    """Lets a deactivated person have cases again."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "user_reactivate"


class ChangePresenceBody(Body):
    """Come or go: rules give new cases to those who are available only."""

    presence: Presence


class ChangePresence(OnUser, ChangePresenceBody):
    """Says whether a person is at their desk."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "presence"


class StartShiftBody(Body):
    """Go on duty; the planned end is a moment, or a time of day on the shift's wall clock."""

    ends_at: Moment | None = None
    until: WallClock | None = None
    """The next time it is that late in `time_zone`."""
    time_zone: TimeZone | None = None
    """Unset: the person's own, or UTC when they have none."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.ends_at is not None and self.until is not None:
            raise ValueError("give either ends_at or until")
        return self


class StartShift(OnUser, StartShiftBody):
    """Puts a user on duty."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "shift_start"


class EndShift(OnUser):
    """Takes a user off duty."""

    service = "routing"
    verb = "shift_end"


class OpenHandoverBody(Body):
    """Hand over the cases of a shift that ended; `to` names the lead who takes over."""

    to: UserId | None = None


class OpenHandover(OnUser, OpenHandoverBody):
    """Begins a hand-over; the gateway resolves the shift to whose it was."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "handover_open"

    shift_id: str


class SignHandoverBody(Body):
    """Sign what became of the cases, as you have seen it."""

    through: int = Field(ge=1, lt=2**63)
    """`through` of the answer that was read: what is signed is the log up to there."""
    note: Text | None = None


class SignHandover(OnUser, SignHandoverBody):
    """Signs a hand-over; the second of two leads completes it."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "handover_sign"

    shift_id: str
