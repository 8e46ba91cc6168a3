"""People who work cases. Private: reason (of a deactivation or reactivation)."""

from typing import ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData

Role = Literal["agent", "lead", "reviewer", "admin", "service"]


def _absent(value: object) -> bool:
    return value is None


class UserCreated(EventData):
    """A person (or integration) can now act."""

    type_name: ClassVar[str] = "user.created"

    user_id: str
    name: str
    role: Role
    capacity: int
    skills: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    teams: list[str] | None = Field(default=None, exclude_if=_absent)
    time_zone: str | None = Field(default=None, exclude_if=_absent)
    """IANA name; where the wall clock of their shifts hangs."""


class UserUpdated(EventData):
    """What a person can do, or how much of it, changed; the fields say how it is from now on."""

    type_name: ClassVar[str] = "user.updated"

    user_id: str
    name: str
    capacity: int
    skills: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    teams: list[str] = Field(default_factory=list)
    time_zone: str | None = None


class UserRoleChanged(EventData):
    """A person has another role from now on."""

    type_name: ClassVar[str] = "user.role_changed"

    user_id: str
    role: Role
    previous_role: Role


class UserDeactivated(EventData):
    """A person can no longer have cases; routing gives theirs back to the queue."""

    type_name: ClassVar[str] = "user.deactivated"

    user_id: str


class UserReactivated(EventData):
    """A deactivated person can have cases again, once on shift."""

    type_name: ClassVar[str] = "user.reactivated"

    user_id: str
