"""What can happen to a user, as the domain sees it; each fact has the `noun.verb` of its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.presence import PresenceChanged

Role = Literal["agent", "lead", "reviewer", "admin", "service"]
OWNING_ROLES: frozenset[str] = frozenset({"agent", "lead"})


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person is called, can do, and how much of it; lists in the order they were given."""

    name: str
    capacity: int
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class UserCreated:
    """A person can now act."""

    type_name: ClassVar[str] = "user.created"

    user_id: str
    role: Role
    profile: Profile


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """The person's profile is this from now on."""

    type_name: ClassVar[str] = "user.updated"

    profile: Profile


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """The person has another role from now on."""

    type_name: ClassVar[str] = "user.role_changed"

    role: Role


@dataclass(frozen=True, slots=True)
class Deactivated:
    """The person can no longer have cases."""

    type_name: ClassVar[str] = "user.deactivated"


@dataclass(frozen=True, slots=True)
class Reactivated:
    """The person can have cases again."""

    type_name: ClassVar[str] = "user.reactivated"


@dataclass(frozen=True, slots=True)
class ShiftStarted:
    """The user takes cases from now on; `time_zone` is the wall clock it was planned by."""

    type_name: ClassVar[str] = "shift.started"

    shift_id: str
    ends_at: datetime | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class ShiftEnded:
    """The user takes no new cases."""

    type_name: ClassVar[str] = "shift.ended"

    shift_id: str


UserFact = (
    UserCreated
    | UserUpdated
    | RoleChanged
    | Deactivated
    | Reactivated
    | ShiftStarted
    | ShiftEnded
    | PresenceChanged
)


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact that follows from the one before it, by a rule of routing and nobody's command."""

    fact: UserFact
    rule: RuleRef
