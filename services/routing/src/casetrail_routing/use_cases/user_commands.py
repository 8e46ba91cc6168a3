"""Users and their shifts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casetrail_contracts import Command, CommandReply
from casetrail_contracts.commands import CreateUser, EndShift, StartShift
from casetrail_contracts.ids import derive_id

from casetrail_routing.domain.facts import ShiftEnded, ShiftStarted, UserCreated, UserFact
from casetrail_routing.domain.refusals import (
    ShiftAlreadyStarted,
    ShiftEndsInThePast,
    ShiftNotStarted,
    UserExists,
    UserNotFound,
)
from casetrail_routing.domain.user import User
from casetrail_routing.ports import Clock, DrainRequests, Key, Loaded, UserStore
from casetrail_routing.use_cases import causes
from casetrail_routing.use_cases.answering import Answering, Target, check_version, known_reply
from casetrail_routing.use_cases.user_events import seal

Decide = Callable[[User | None], tuple[UserFact, Mapping[str, Any]]]
"""The fact to record for a user and what the reply says; raises `Refused`."""


@dataclass(frozen=True)
class UserDesk:
    """What the commands on a user share."""

    users: UserStore
    answering: Answering
    drain: DrainRequests
    clock: Clock

    async def answer(
        self, command: Command, user_id: str, decide: Decide, *, frees: bool = False
    ) -> CommandReply:
        """The reply, after the write; `frees` says that waiting cases may be served then."""
        key = Key(command.workspace, user_id)
        target = Target("user", self.users.name, key)
        return await self.answering(
            command, target, lambda: self._attempt(command, key, decide, frees=frees)
        )

    async def _attempt(
        self, command: Command, key: Key, decide: Decide, *, frees: bool
    ) -> CommandReply:
        found = await self.users.load(key.document)
        current = Loaded[User](key.document) if found is None else found
        known = known_reply(current, command.id)
        if known is not None:
            return known
        fact, result = decide(current.state)
        check_version(command, current.version)
        cause = causes.of_command(command, self.clock())
        state, event = seal(key.id, current.state, fact, cause)
        reply = CommandReply.ok(state.version, **result)
        await self.users.commit(current, state, [event], command.id, reply.model_dump(mode="json"))
        if frees:
            self.drain.ask(key.workspace, event.id, cause.correlation_id)
        return reply


@dataclass(frozen=True)
class AddUser:
    """Adds a user; nobody is on shift by being added."""

    desk: UserDesk

    async def __call__(self, command: CreateUser) -> CommandReply:
        """The reply: `user_id`."""
        body = command.user

        def decide(state: User | None) -> tuple[UserFact, Mapping[str, Any]]:
            if state is not None:
                raise UserExists(f"User {body.id!r} exists already: choose another id.")
            created = UserCreated(
                user_id=body.id,
                name=body.name,
                role=body.role,
                capacity=body.capacity,
                skills=tuple(body.skills),
                languages=tuple(body.languages),
            )
            return created, {"user_id": body.id}

        return await self.desk.answer(command, body.id, decide)


@dataclass(frozen=True)
class BeginShift:
    """Puts a user on duty: waiting cases are given out, this user counts from now on.

    `ends_at` is noted as planned; a shift ends by `shift_end` only.
    """

    desk: UserDesk

    async def __call__(self, command: StartShift) -> CommandReply:
        """The reply: `user_id`, `shift_id`."""
        shift_id = derive_id(command.id, "shift")

        def decide(state: User | None) -> tuple[UserFact, Mapping[str, Any]]:
            user = _existing(state, command.user_id)
            if user.on_shift:
                raise ShiftAlreadyStarted(f"{user.name} is on shift already.")
            if command.ends_at is not None and command.ends_at <= self.desk.clock():
                raise ShiftEndsInThePast("The planned end has passed: give a later one, or none.")
            result = {"user_id": command.user_id, "shift_id": shift_id}
            return ShiftStarted(shift_id, command.ends_at), result

        return await self.desk.answer(command, command.user_id, decide, frees=True)


@dataclass(frozen=True)
class FinishShift:
    """Takes a user off duty: no new cases; the ones they hold stay theirs."""

    desk: UserDesk

    async def __call__(self, command: EndShift) -> CommandReply:
        """The reply: `user_id`, `shift_id`."""

        def decide(state: User | None) -> tuple[UserFact, Mapping[str, Any]]:
            user = _existing(state, command.user_id)
            if user.shift_id is None:
                raise ShiftNotStarted(f"{user.name} is not on shift.")
            result = {"user_id": command.user_id, "shift_id": user.shift_id}
            return ShiftEnded(user.shift_id), result

        return await self.desk.answer(command, command.user_id, decide)


def _existing(state: User | None, user_id: str) -> User:
    if state is None:
        raise UserNotFound(f"There is no user {user_id!r}: check the id.")
    return state
