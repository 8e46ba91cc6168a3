"""What can happen to a user, as the domain sees it; each fact has the `noun.verb` of its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from casetrail_routing.domain.facts import RuleRef
from casetrail_routing.domain.handover import HeldCase
from casetrail_routing.domain.presence import PresenceChanged

Role = Literal["agent", "lead", "reviewer", "admin", "service"]
OWNING_ROLES: frozenset[str] = frozenset({"agent", "lead"})
LEADING_ROLES: frozenset[str] = frozenset({"lead", "admin"})


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
    """The user takes no new cases; None: what they held is not known."""

    type_name: ClassVar[str] = "shift.ended"

    shift_id: str
    held: tuple[HeldCase, ...] | None = None


@dataclass(frozen=True, slots=True)
class HandoverOpened:
    """A lead began to hand over what an ended shift left."""

    type_name: ClassVar[str] = "shift.handover_opened"

    shift_id: str
    to: str | None = None


@dataclass(frozen=True, slots=True)
class HandoverSigned:
    """Somebody has seen what became of it, by the log through a sequence."""

    type_name: ClassVar[str] = "shift.handover_signed"

    shift_id: str
    by: str
    through: int
    complete: bool


UserFact = (
    UserCreated
    | UserUpdated
    | RoleChanged
    | Deactivated
    | Reactivated
    | ShiftStarted
    | ShiftEnded
    | HandoverOpened
    | HandoverSigned
    | PresenceChanged
)


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact that follows from the one before it, by a rule of routing and nobody's command."""

    fact: UserFact
    rule: RuleRef
