"""Who people are, what they can do, and whether they are with us."""

from dataclasses import dataclass, replace

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import CreateUser, DeactivateUser, ReactivateUser, UpdateUser

from casetrail_routing.domain.consequences import SHIFT_ENDS
from casetrail_routing.domain.refusals import (
    AlreadyActive,
    AlreadyDeactivated,
    NotPermitted,
    UserExists,
    UserUnchanged,
)
from casetrail_routing.domain.user import User
from casetrail_routing.domain.user_facts import (
    Deactivated,
    Derived,
    Profile,
    Reactivated,
    RoleChanged,
    ShiftEnded,
    UserCreated,
    UserFact,
    UserUpdated,
)
from casetrail_routing.ports import Key
from casetrail_routing.use_cases.hand_over import WhatIsHeld
from casetrail_routing.use_cases.user_desk import Decided, UserDesk, existing, must_reach


@dataclass(frozen=True)
class AddUser:
    """Adds a user; nobody is on shift by being added."""

    desk: UserDesk

    async def __call__(self, command: CreateUser) -> CommandReply:
        """The reply: `user_id`."""
        body = command.user

        def decide(state: User | None) -> Decided:
            if state is not None:
                raise UserExists(f"User {body.id!r} exists already: choose another id.")
            profile = Profile(
                name=body.name,
                capacity=body.capacity,
                skills=_each_once(body.skills),
                languages=_each_once(body.languages),
                teams=_each_once(body.teams),
                time_zone=body.time_zone,
            )
            return [UserCreated(body.id, body.role, profile)], {"user_id": body.id}

        return await self.desk.answer(command, body.id, decide)


@dataclass(frozen=True)
class ChangeUser:
    """Changes a person's profile, role, or both in one write; the cases they hold stay theirs.

    A capacity below what they hold takes nothing away: they get no new case until they are below
    it. A role that works no cases does take them away (`ReturnCases`).
    """

    desk: UserDesk

    async def __call__(self, command: UpdateUser) -> CommandReply:
        """The reply: `user_id`, `changed` (the names of the fields that are otherwise now)."""

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            must_reach(command.actor, user)
            facts: list[UserFact | Derived] = []
            changed = []
            if command.role is not None and command.role != user.role:
                if command.actor.kind == "lead":
                    raise NotPermitted("Only an admin gives somebody another role.")
                facts.append(RoleChanged(command.role))
                changed.append("role")
            profile = _asked(command, user.profile)
            if profile != user.profile:
                facts.append(UserUpdated(profile))
                changed += [
                    name
                    for name in Profile.__slots__
                    if getattr(profile, name) != getattr(user.profile, name)
                ]
            if not facts:
                raise UserUnchanged(f"{user.name} is like that already: nothing was changed.")
            return facts, {"user_id": user.user_id, "changed": sorted(changed)}

        return await self.desk.answer(command, command.user_id, decide, frees=True)


@dataclass(frozen=True)
class TakeUserOut:
    """Deactivates a user: their shift ends, and their cases go back to the queue right after."""

    desk: UserDesk
    held: WhatIsHeld

    async def __call__(self, command: DeactivateUser) -> CommandReply:
        """The reply: `user_id`, `active`."""
        held = await self.held(Key(command.workspace, command.user_id))

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            must_reach(command.actor, user)
            if not user.active:
                raise AlreadyDeactivated(f"{user.name} is deactivated already.")
            facts: list[UserFact | Derived] = [Deactivated()]
            if user.shift_id is not None:
                facts.append(Derived(ShiftEnded(user.shift_id, held), SHIFT_ENDS.ref))
            return facts, {"user_id": user.user_id, "active": False}

        return await self.desk.answer(command, command.user_id, decide, reason=command.reason)


@dataclass(frozen=True)
class TakeUserBack:
    """Reactivates a user; they get cases again once they start a shift."""

    desk: UserDesk

    async def __call__(self, command: ReactivateUser) -> CommandReply:
        """The reply: `user_id`, `active`."""

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            must_reach(command.actor, user)
            if user.active:
                raise AlreadyActive(f"{user.name} is active already.")
            return [Reactivated()], {"user_id": user.user_id, "active": True}

        return await self.desk.answer(command, command.user_id, decide, reason=command.reason)


def _asked(command: UpdateUser, old: Profile) -> Profile:
    """The old profile with what the command names."""
    new = old
    if command.name is not None:
        new = replace(new, name=command.name)
    if command.capacity is not None:
        new = replace(new, capacity=command.capacity)
    if command.skills is not None:
        new = replace(new, skills=_each_once(command.skills))
    if command.languages is not None:
        new = replace(new, languages=_each_once(command.languages))
    if command.teams is not None:
        new = replace(new, teams=_each_once(command.teams))
    if command.time_zone is not None:
        new = replace(new, time_zone=command.time_zone)
    return new


def _each_once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
