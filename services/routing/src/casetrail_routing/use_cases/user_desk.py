"""What the commands on a user share: finding them, keeping the change, answering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casetrail_contracts import Actor, Command, CommandReply

from casetrail_routing.domain.refusals import NotPermitted, UserNotFound
from casetrail_routing.domain.user import User
from casetrail_routing.domain.user_facts import Derived, UserFact
from casetrail_routing.ports import Clock, DrainRequests, Key, Loaded, UserStore
from casetrail_routing.use_cases import causes
from casetrail_routing.use_cases.answering import Answering, Target, check_version
from casetrail_routing.use_cases.user_events import seal

Decided = tuple[Sequence[UserFact | Derived], Mapping[str, Any]]
Decide = Callable[[User | None], Decided]
"""The facts to record for a user and what the reply says; raises `Refused`."""


@dataclass(frozen=True)
class UserDesk:
    """What the commands on a user share."""

    users: UserStore
    answering: Answering
    drain: DrainRequests
    clock: Clock

    async def answer(
        self,
        command: Command,
        user_id: str,
        decide: Decide,
        *,
        frees: bool = False,
        reason: str | None = None,
        note: str | None = None,
    ) -> CommandReply:
        """The reply, after the write; `frees` says that waiting cases may be served then."""
        key = Key(command.workspace, user_id)
        target = Target("user", self.users.name, key)
        return await self.answering(
            command,
            target,
            lambda: self._attempt(command, target, decide, frees=frees, words=(reason, note)),
        )

    async def _attempt(
        self,
        command: Command,
        target: Target,
        decide: Decide,
        *,
        frees: bool,
        words: tuple[str | None, str | None],
    ) -> CommandReply:
        key = target.key
        found = await self.users.load(key.document)
        current = Loaded[User](key.document) if found is None else found
        known = await self.answering.before(command, target, current)
        if known is not None:
            return known
        facts, result = decide(current.state)
        check_version(command, current.version)
        reason, note = words
        cause = causes.of_command(command, self.clock(), reason=reason, note=note)
        state, events = seal(key.id, current.state, facts, cause)
        reply = CommandReply.ok(state.version, **result)
        await self.users.commit(current, state, events, command.id, reply.model_dump(mode="json"))
        if frees:
            self.drain.ask(key.workspace, events[-1].id, cause.correlation_id)
        return reply


def existing(state: User | None, user_id: str) -> User:
    """The user, or raises `UserNotFound`."""
    if state is None:
        raise UserNotFound(f"There is no user {user_id!r}: check the id.")
    return state


def must_reach(actor: Actor, user: User) -> None:
    """Nothing, when the actor may change this person; raises `NotPermitted`."""
    if actor.kind == "lead" and user.role != "agent":
        raise NotPermitted(
            f"{user.name} has the role {user.role}: a lead changes agents only, ask an admin."
        )
