"""Facts of a user as events of the contract, and back."""

from typing import Any

from casetrail_contracts import Change, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry import shift as shift_contract
from casetrail_contracts.registry import user as user_contract

from casetrail_routing.domain.facts import (
    Recorded,
    ShiftEnded,
    ShiftStarted,
    UserCreated,
    UserFact,
)
from casetrail_routing.domain.user import User, apply
from casetrail_routing.use_cases.causes import SERVICE, Cause


def seal(user_id: str, state: User | None, fact: UserFact, cause: Cause) -> tuple[User, Event]:
    """The next state and the event of this fact."""
    version = 1 if state is None else state.version + 1
    id_ = derive_id(cause.id, user_id, fact.type_name, version)
    event = Event.build(
        _data(user_id, fact, cause),
        workspace=cause.workspace,
        source=SERVICE,
        subject=f"user/{user_id}",
        time=cause.at,
        id=id_,
        correlationid=cause.correlation_id,
        causationid=cause.id,
        sequence=version,
        private=cause.private,
    )
    return apply(state, Recorded(version, id_, cause.at, fact)), event


def _data(user_id: str, fact: UserFact, cause: Cause) -> EventData:
    who: dict[str, Any] = {"actor": cause.actor, "on_behalf_of": cause.on_behalf_of}
    match fact:
        case UserCreated():
            changes = [
                Change(field="role", old=None, new=fact.role),
                Change(field="capacity", old=None, new=fact.capacity),
            ]
            return user_contract.UserCreated(
                **who,
                changes=changes,
                user_id=fact.user_id,
                name=fact.name,
                role=fact.role,
                capacity=fact.capacity,
                skills=list(fact.skills),
                languages=list(fact.languages),
            )
        case ShiftStarted():
            return shift_contract.ShiftStarted(
                **who,
                changes=[Change(field="on_shift", old=False, new=True)],
                shift_id=fact.shift_id,
                user_id=user_id,
                ends_at=fact.ends_at,
            )
        case ShiftEnded():
            return shift_contract.ShiftEnded(
                **who,
                changes=[Change(field="on_shift", old=True, new=False)],
                shift_id=fact.shift_id,
                user_id=user_id,
            )


def recorded(event: Event) -> Recorded[UserFact] | None:
    """What a published event says, for folding the log; None for events of other nouns."""
    fact = _fact(event.data)
    if fact is None or event.version is None:
        return None
    return Recorded(event.version, event.id, event.time, fact)


def _fact(data: EventData) -> UserFact | None:
    match data:
        case user_contract.UserCreated():
            return UserCreated(
                data.user_id,
                data.name,
                data.role,
                data.capacity,
                tuple(data.skills),
                tuple(data.languages),
            )
        case shift_contract.ShiftStarted():
            return ShiftStarted(data.shift_id, data.ends_at)
        case shift_contract.ShiftEnded():
            return ShiftEnded(data.shift_id)
    return None
