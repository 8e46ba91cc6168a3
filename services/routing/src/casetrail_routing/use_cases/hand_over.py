"""The hand-over of a shift that ended: what was left, opened by a lead, signed by two."""

from dataclasses import dataclass

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import OpenHandover, SignHandover

from casetrail_routing.domain.handover import HeldCase, found
from casetrail_routing.domain.refusals import LeadNotFound
from casetrail_routing.domain.user import User
from casetrail_routing.domain.user_facts import LEADING_ROLES, HandoverOpened, HandoverSigned
from casetrail_routing.ports import ConversationStore, Key
from casetrail_routing.use_cases.user_desk import Decided, UserDesk, existing


@dataclass(frozen=True)
class WhatIsHeld:
    """The cases a person holds at this moment; what was only offered to them is not theirs.

    They are read before the shift ends in its own write. Each names the version it was seen at, so
    what happens in between is told as what became of it.
    """

    conversations: ConversationStore

    async def __call__(self, user: Key) -> tuple[HeldCase, ...]:
        """The cases, in order of their conversations."""
        held = []
        for key in await self.conversations.held_by(user):
            loaded = await self.conversations.load(key.document)
            state = None if loaded is None else loaded.state
            if state is None or not state.is_open or state.owner != user.id or state.is_offered:
                continue
            held.append(HeldCase(state.case_id, key.id, state.version, state.escalated))
        return tuple(held)


@dataclass(frozen=True)
class BeginHandover:
    """Begins the hand-over of an ended shift; who takes over can be named."""

    desk: UserDesk

    async def __call__(self, command: OpenHandover) -> CommandReply:
        """The reply: `shift_id`, `user_id`, `to`."""
        lead = None
        if command.to is not None:
            lead = await self.desk.users.load(Key(command.workspace, command.to).document)

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            found(user.shifts, command.shift_id, current=user.shift_id).must_open()
            if command.to is not None:
                _must_lead(None if lead is None else lead.state, command.to)
            fact = HandoverOpened(command.shift_id, command.to)
            result = {"shift_id": command.shift_id, "user_id": user.user_id, "to": command.to}
            return [fact], result

        return await self.desk.answer(command, command.user_id, decide)


@dataclass(frozen=True)
class PutSignature:
    """Signs the hand-over of a shift; the second of two people completes it."""

    desk: UserDesk

    async def __call__(self, command: SignHandover) -> CommandReply:
        """The reply: `shift_id`, `user_id`, `through`, `complete`."""

        def decide(state: User | None) -> Decided:
            user = existing(state, command.user_id)
            shift = found(user.shifts, command.shift_id, current=user.shift_id)
            complete = shift.must_sign(command.actor.id)
            fact = HandoverSigned(
                command.shift_id, command.actor.id, command.through, complete=complete
            )
            result = {
                "shift_id": command.shift_id,
                "user_id": user.user_id,
                "through": command.through,
                "complete": complete,
            }
            return [fact], result

        return await self.desk.answer(command, command.user_id, decide, note=command.note)


def _must_lead(user: User | None, user_id: str) -> None:
    if user is None or not user.active or user.role not in LEADING_ROLES:
        raise LeadNotFound(
            f"There is no active lead {user_id!r} to take over: name another, or nobody."
        )
