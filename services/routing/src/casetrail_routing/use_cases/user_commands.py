"""Shifts and presence: who takes cases now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import ChangePresence, EndShift, StartShift
from casetrail_contracts.ids import derive_id

from casetrail_routing.domain.consequences import AT_DESK
from casetrail_routing.domain.presence import AVAILABLE, PresenceChanged
from casetrail_routing.domain.refusals import (
    ShiftAlreadyStarted,
    ShiftEndsInThePast,
    ShiftNotStarted,
    UserDeactivated,
    UserUnchanged,
)
from casetrail_routing.domain.shifts import planned_end
from casetrail_routing.domain.user import User
from casetrail_routing.domain.user_facts import Derived, ShiftEnded, ShiftStarted, UserFact
from casetrail_routing.ports import Key
from casetrail_routing.use_cases.hand_over import WhatIsHeld
from casetrail_routing.use_cases.user_desk import Decided, UserDesk, existing


@dataclass(frozen=True)
class BeginShift:
    """Puts a user on duty: waiting cases are given out, this user counts from now on.

    The end is noted as planned; a shift ends by `shift_end` only, or with a deactivation.
    """

    desk: UserDesk

    async def __call__(self, command: StartShift) -> CommandReply:
        """The reply: `user_id`, `shift_id`, and `ends_at` and `time_zone` where there are any."""
        shift_id = derive_id(command.id, "shift")

        def decide(state: User | None) -> Decided:
            user = _active(state, command.user_id)
            if user.on_shift:
                raise ShiftAlreadyStarted(f"{user.name} is on shift already.")
            zone = user.time_zone if command.time_zone is None else command.time_zone
            ends_at = _planned(command, zone, self.desk.clock())
            facts: list[UserFact | Derived] = [ShiftStarted(shift_id, ends_at, zone)]
            if user.presence != AVAILABLE:
                facts.append(Derived(PresenceChanged(AVAILABLE), AT_DESK.ref))
            result: Mapping[str, Any] = {
                "user_id": command.user_id,
                "shift_id": shift_id,
                "ends_at": None if ends_at is None else ends_at.isoformat(),
                "time_zone": zone,
            }
            return facts, {name: value for name, value in result.items() if value is not None}

        return await self.desk.answer(command, command.user_id, decide, frees=True)


@dataclass(frozen=True)
class FinishShift:
    """Takes a user off duty: no new cases; the event says which ones they hold."""

    desk: UserDesk
    held: WhatIsHeld

    async def __call__(self, command: EndShift) -> CommandReply:
        """The reply: `user_id`, `shift_id`."""
        held = await self.held(Key(command.workspace, command.user_id))

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            if user.shift_id is None:
                raise ShiftNotStarted(f"{user.name} is not on shift.")
            result = {"user_id": command.user_id, "shift_id": user.shift_id}
            return [ShiftEnded(user.shift_id, held)], result

        return await self.desk.answer(command, command.user_id, decide)


@dataclass(frozen=True)
class NotePresence:
    """Notes whether somebody is at their desk; while they are not, rules give them no case."""

    desk: UserDesk

    async def __call__(self, command: ChangePresence) -> CommandReply:
        """The reply: `user_id`, `presence`, `on_shift`."""

        def decide(state: User | None) -> Decided:
            user = _active(state, command.user_id)
            if user.presence == command.presence:
                raise UserUnchanged(f"{user.name} is {user.presence} already.")
            result = {
                "user_id": user.user_id,
                "presence": command.presence,
                "on_shift": user.on_shift,
            }
            return [PresenceChanged(command.presence)], result

        back = command.presence == AVAILABLE
        return await self.desk.answer(command, command.user_id, decide, frees=back)


def _planned(command: StartShift, zone: str | None, now: datetime) -> datetime | None:
    if command.until is not None:
        return planned_end(now, command.until, "UTC" if zone is None else zone)
    if command.ends_at is not None and command.ends_at <= now:
        raise ShiftEndsInThePast("The planned end has passed: give a later one, or none.")
    return command.ends_at


def _active(state: User | None, user_id: str) -> User:
    user = existing(state, user_id)
    if not user.active:
        raise UserDeactivated(f"{user.name} is deactivated: reactivate them first.")
    return user
