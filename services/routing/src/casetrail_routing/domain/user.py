"""A user and whether they are on shift: the fold of what happened to them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from casetrail_routing.domain.conversation import HistoryBroken
from casetrail_routing.domain.facts import (
    OWNING_ROLES,
    Recorded,
    Role,
    ShiftEnded,
    ShiftStarted,
    UserCreated,
    UserFact,
)


@dataclass(frozen=True, slots=True)
class User:
    """A person who acts. `capacity` is how many open cases they may hold at once."""

    user_id: str
    name: str
    role: Role
    capacity: int
    version: int
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    shift_id: str | None = None

    @property
    def on_shift(self) -> bool:
        """True between the start and the end of a shift."""
        return self.shift_id is not None

    @property
    def can_own(self) -> bool:
        """True for roles that work cases."""
        return self.role in OWNING_ROLES


def apply(state: User | None, recorded: Recorded[UserFact]) -> User:
    """The state after one more fact; raises `HistoryBroken` when it cannot follow."""
    before = 0 if state is None else state.version
    if recorded.version != before + 1:
        raise HistoryBroken(f"version {recorded.version} follows version {before}")
    fact = recorded.fact
    if isinstance(fact, UserCreated):
        return User(
            user_id=fact.user_id,
            name=fact.name,
            role=fact.role,
            capacity=fact.capacity,
            version=recorded.version,
            skills=fact.skills,
            languages=fact.languages,
        )
    if state is None:
        raise HistoryBroken(f"{fact.type_name} before the user was created")
    match fact:
        case ShiftStarted():
            return replace(state, shift_id=fact.shift_id, version=recorded.version)
        case ShiftEnded():
            return replace(state, shift_id=None, version=recorded.version)


def fold(history: Iterable[Recorded[UserFact]]) -> User | None:
    """The state that a whole history gives; None for an empty one."""
    state: User | None = None
    for recorded in history:
        state = apply(state, recorded)
    return state
