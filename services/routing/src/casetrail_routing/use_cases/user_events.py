"""Facts of a user as events of the contract, and back."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from casetrail_contracts import Change, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry import presence as presence_contract
from casetrail_contracts.registry import shift as shift_contract
from casetrail_contracts.registry import user as user_contract

from casetrail_routing.domain.facts import Recorded
from casetrail_routing.domain.handover import HeldCase
from casetrail_routing.domain.presence import PresenceChanged
from casetrail_routing.domain.user import User, apply
from casetrail_routing.domain.user_facts import (
    Deactivated,
    Derived,
    HandoverOpened,
    HandoverSigned,
    Profile,
    Reactivated,
    RoleChanged,
    ShiftEnded,
    ShiftStarted,
    UserCreated,
    UserFact,
    UserUpdated,
)
from casetrail_routing.use_cases.causes import SERVICE, Cause, by_rule


def seal(
    user_id: str, state: User | None, facts: Sequence[UserFact | Derived], cause: Cause
) -> tuple[User, list[Event]]:
    """The next state and the events of these facts, in order, one version each; needs a fact.

    A derived fact is routing's own, by its rule; the event before it is its cause.
    """
    events: list[Event] = []
    for each in facts:
        fact = each.fact if isinstance(each, Derived) else each
        version = 1 if state is None else state.version + 1
        id_ = derive_id(cause.id, user_id, fact.type_name, version)
        events.append(
            Event.build(
                _data(user_id, fact, state, _who(each, cause)),
                workspace=cause.workspace,
                source=SERVICE,
                subject=f"user/{user_id}",
                time=cause.at,
                id=id_,
                correlationid=cause.correlation_id,
                causationid=events[-1].id if isinstance(each, Derived) else cause.id,
                sequence=version,
                private=None if events else cause.private,
            )
        )
        state = apply(state, Recorded(version, id_, cause.at, fact))
    if state is None:
        raise ValueError("there is no fact to seal")
    return state, events


def _who(each: UserFact | Derived, cause: Cause) -> dict[str, Any]:
    if isinstance(each, Derived):
        return {"actor": by_rule(each.rule), "rule_text": each.rule.text}
    return {"actor": cause.actor, "on_behalf_of": cause.on_behalf_of}


def _data(user_id: str, fact: UserFact, before: User | None, who: dict[str, Any]) -> EventData:
    if isinstance(fact, UserCreated):
        return _created(fact, who)
    if before is None:
        raise ValueError(f"{fact.type_name} needs a user")
    match fact:
        case UserUpdated():
            return _updated(user_id, before.profile, fact.profile, who)
        case RoleChanged():
            return user_contract.UserRoleChanged(
                **who,
                changes=[Change(field="role", old=before.role, new=fact.role)],
                user_id=user_id,
                role=fact.role,
                previous_role=before.role,
            )
        case Deactivated():
            changes = [Change(field="active", old=True, new=False)]
            return user_contract.UserDeactivated(**who, changes=changes, user_id=user_id)
        case Reactivated():
            changes = [Change(field="active", old=False, new=True)]
            return user_contract.UserReactivated(**who, changes=changes, user_id=user_id)
        case _:
            return _at_desk(user_id, fact, before, who)


def _at_desk(
    user_id: str,
    fact: PresenceChanged | ShiftStarted | ShiftEnded | HandoverOpened | HandoverSigned,
    before: User,
    who: dict[str, Any],
) -> EventData:
    match fact:
        case PresenceChanged():
            return presence_contract.PresenceChanged(
                **who,
                changes=[Change(field="presence", old=before.presence, new=fact.presence)],
                user_id=user_id,
                presence=fact.presence,
                previous_presence=before.presence,
            )
        case ShiftStarted():
            return shift_contract.ShiftStarted(
                **who,
                changes=[Change(field="on_shift", old=False, new=True)],
                shift_id=fact.shift_id,
                user_id=user_id,
                ends_at=fact.ends_at,
                time_zone=fact.time_zone,
            )
        case ShiftEnded():
            return shift_contract.ShiftEnded(
                **who,
                changes=[Change(field="on_shift", old=True, new=False)],
                shift_id=fact.shift_id,
                user_id=user_id,
                cases=None if fact.held is None else [_held(case) for case in fact.held],
            )
        case HandoverOpened():
            return shift_contract.HandoverOpened(
                **who, shift_id=fact.shift_id, user_id=user_id, to=fact.to
            )
        case HandoverSigned():
            return shift_contract.HandoverSigned(
                **who,
                shift_id=fact.shift_id,
                user_id=user_id,
                through=fact.through,
                complete=fact.complete,
            )


def _held(case: HeldCase) -> shift_contract.HeldCase:
    return shift_contract.HeldCase(
        case_id=case.case_id,
        conversation_id=case.conversation_id,
        version=case.version,
        escalated=case.escalated,
    )


def _created(fact: UserCreated, who: dict[str, Any]) -> EventData:
    profile = fact.profile
    changes = [
        Change(field="role", old=None, new=fact.role),
        Change(field="capacity", old=None, new=profile.capacity),
    ]
    return user_contract.UserCreated(
        **who,
        changes=changes,
        user_id=fact.user_id,
        name=profile.name,
        role=fact.role,
        capacity=profile.capacity,
        skills=list(profile.skills),
        languages=list(profile.languages),
        teams=list(profile.teams) or None,
        time_zone=profile.time_zone,
    )


def _updated(user_id: str, old: Profile, new: Profile, who: dict[str, Any]) -> EventData:
    """Every field as it is from now on; `changes` has those that were otherwise."""
    fields = {name: _plain(getattr(new, name)) for name in PROFILE}
    changes = [
        Change(field=name, old=_plain(getattr(old, name)), new=fields[name])
        for name in PROFILE
        if getattr(old, name) != getattr(new, name)
    ]
    return user_contract.UserUpdated(**who, changes=changes, user_id=user_id, **fields)


PROFILE: Final = ("name", "capacity", "skills", "languages", "teams", "time_zone")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def recorded(event: Event) -> Recorded[UserFact] | None:
    """What a published event says, for folding the log; None for events of other nouns."""
    read = _FACTS.get(type(event.data))
    if read is None or event.version is None:
        return None
    return Recorded(event.version, event.id, event.time, read(event.data))


def _profile(data: user_contract.UserCreated | user_contract.UserUpdated) -> Profile:
    return Profile(
        data.name,
        data.capacity,
        tuple(data.skills),
        tuple(data.languages),
        tuple(data.teams or ()),
        data.time_zone,
    )


def _left(data: shift_contract.ShiftEnded) -> tuple[HeldCase, ...] | None:
    if data.cases is None:
        return None
    return tuple(
        HeldCase(case.case_id, case.conversation_id, case.version, case.escalated)
        for case in data.cases
    )


_FACTS: Final[dict[type[EventData], Callable[[Any], UserFact]]] = {
    user_contract.UserCreated: lambda data: UserCreated(data.user_id, data.role, _profile(data)),
    user_contract.UserUpdated: lambda data: UserUpdated(_profile(data)),
    user_contract.UserRoleChanged: lambda data: RoleChanged(data.role),
    user_contract.UserDeactivated: lambda _: Deactivated(),
    user_contract.UserReactivated: lambda _: Reactivated(),
    presence_contract.PresenceChanged: lambda data: PresenceChanged(data.presence),
    shift_contract.ShiftStarted: lambda data: ShiftStarted(
        data.shift_id, data.ends_at, data.time_zone
    ),
    shift_contract.ShiftEnded: lambda data: ShiftEnded(data.shift_id, _left(data)),
    shift_contract.HandoverOpened: lambda data: HandoverOpened(data.shift_id, data.to),
    shift_contract.HandoverSigned: lambda data: HandoverSigned(
        data.shift_id, data.actor.id, data.through, data.complete
    ),
}
