"""A user and whether they are on shift: the fold of what happened to them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from casetrail_routing.domain import handover
from casetrail_routing.domain.conversation import HistoryBroken
from casetrail_routing.domain.facts import Recorded
from casetrail_routing.domain.handover import EndedShift
from casetrail_routing.domain.presence import AVAILABLE, Presence, PresenceChanged
from casetrail_routing.domain.user_facts import (
    OWNING_ROLES,
    Deactivated,
    HandoverOpened,
    HandoverSigned,
    Profile,
    Reactivated,
    Role,
    RoleChanged,
    ShiftEnded,
    ShiftStarted,
    UserCreated,
    UserFact,
    UserUpdated,
)


@dataclass(frozen=True, slots=True)
class User:
    """A person who acts. `capacity` is how many open cases they may hold at once.

    `barred_by` is the event since which they may not own cases; None while they may, and for roles
    that never could.
    """

    user_id: str
    name: str
    role: Role
    capacity: int
    version: int
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    time_zone: str | None = None
    shift_id: str | None = None
    active: bool = True
    presence: Presence = AVAILABLE
    barred_by: str | None = None
    shifts: tuple[EndedShift, ...] = ()
    """The last shifts that ended, the newest last."""

    @property
    def on_shift(self) -> bool:
        """True between the start and the end of a shift."""
        return self.shift_id is not None

    @property
    def can_own(self) -> bool:
        """True for active people in roles that work cases."""
        return self.active and self.role in OWNING_ROLES

    @property
    def takes_cases(self) -> bool:
        """True while rules may give them cases, as far as their capacity goes."""
        return self.can_own and self.on_shift and self.presence == AVAILABLE

    @property
    def profile(self) -> Profile:
        """What can be changed by `user.updated`."""
        return Profile(
            self.name, self.capacity, self.skills, self.languages, self.teams, self.time_zone
        )


def apply(state: User | None, recorded: Recorded[UserFact]) -> User:
    """The state after one more fact; raises `HistoryBroken` when it cannot follow."""
    before = 0 if state is None else state.version
    if recorded.version != before + 1:
        raise HistoryBroken(f"version {recorded.version} follows version {before}")
    fact = recorded.fact
    if isinstance(fact, UserCreated):
        return _with_profile(
            User(fact.user_id, "", fact.role, 0, version=recorded.version), fact.profile
        )
    if state is None:
        raise HistoryBroken(f"{fact.type_name} before the user was created")
    after = replace(_changed(state, fact), version=recorded.version)
    if after.can_own:
        return replace(after, barred_by=None)
    return replace(after, barred_by=recorded.event_id) if state.can_own else after


def _changed(state: User, fact: UserFact) -> User:
    match fact:
        case UserUpdated():
            return _with_profile(state, fact.profile)
        case RoleChanged():
            return replace(state, role=fact.role)
        case Deactivated() | Reactivated():
            return replace(state, active=isinstance(fact, Reactivated))
        case PresenceChanged():
            return replace(state, presence=fact.presence)
        case ShiftStarted() | ShiftEnded() | HandoverOpened() | HandoverSigned():
            return _with_shifts(state, fact)
        case UserCreated():  # handled by `apply`
            raise HistoryBroken("a user was created twice")


def _with_shifts(
    state: User, fact: ShiftStarted | ShiftEnded | HandoverOpened | HandoverSigned
) -> User:
    match fact:
        case ShiftStarted():
            return replace(state, shift_id=fact.shift_id)
        case ShiftEnded():
            shifts = handover.ended(state.shifts, fact.shift_id)
            return replace(state, shift_id=None, shifts=shifts)
        case HandoverOpened():
            shifts = handover.opened(state.shifts, fact.shift_id, fact.to)
            return replace(state, shifts=shifts)
        case HandoverSigned():
            return replace(state, shifts=handover.signed(state.shifts, fact.shift_id, fact.by))


def _with_profile(state: User, profile: Profile) -> User:
    return replace(
        state,
        name=profile.name,
        capacity=profile.capacity,
        skills=profile.skills,
        languages=profile.languages,
        teams=profile.teams,
        time_zone=profile.time_zone,
    )


def fold(history: Iterable[Recorded[UserFact]]) -> User | None:
    """The state that a whole history gives; None for an empty one."""
    state: User | None = None
    for recorded in history:
        state = apply(state, recorded)
    return state
