"""Cases that change hands by people: claimed, transferred, given back, reopened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Actor, CommandReply
from casetrail_contracts.commands import (
    ClaimConversation,
    OnCase,
    ReleaseConversation,
    ReopenConversation,
    TransferConversation,
)

from casetrail_routing.domain.assignment import PREVIOUS_OWNER
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.decisions import Holder, assign_from_queue
from casetrail_routing.domain.facts import (
    Assigned,
    ConversationFact,
    CustodyFact,
    Queued,
    Reopened,
    Transferred,
    Unassigned,
)
from casetrail_routing.domain.refusals import (
    AlreadyOwner,
    CaseHasNoOwner,
    CaseHasOwner,
    NotYours,
    OwnerAtCapacity,
    OwnerCannotOwn,
    OwnerDeactivated,
    OwnerNotFound,
)
from casetrail_routing.domain.user import User
from casetrail_routing.ports import Key, Loaded, UserStore
from casetrail_routing.use_cases.case_desk import CaseDesk, Change
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.conversation_events import owner_ref
from casetrail_routing.use_cases.custody import Choice

LEADING: Final = frozenset({"lead", "admin", "service"})
"""Who may move a case that is somebody else's."""


@dataclass(frozen=True)
class Giving:
    """Gives a case to one person, who must exist, may own cases, and has room for one more."""

    desk: CaseDesk
    users: UserStore

    async def owner(self, workspace: str, user_id: str) -> User:
        """The person; raises `OwnerNotFound` or `OwnerCannotOwn`."""
        found = await self.users.load(Key(workspace, user_id).document)
        if found is None or found.state is None:
            raise OwnerNotFound(f"There is no user {user_id!r}: check the id.")
        if not found.state.active:
            raise OwnerDeactivated(f"{found.state.name} is deactivated: choose somebody else.")
        if not found.state.can_own:
            raise OwnerCannotOwn(
                f"{found.state.name} has the role {found.state.role}: "
                "cases belong to agents and leads."
            )
        return found.state

    async def give(
        self,
        command: OnCase,
        current: Loaded[Conversation],
        cause: Cause,
        owner: User,
        fact: CustodyFact,
    ) -> Change:
        """The change that gives them the case, also off shift; raises `OwnerAtCapacity`.

        A person who gives knows who stays late; the shift is no hindrance then. Capacity is: it is
        the promise that nobody is given more than they can do, and raising it is a decision of its
        own.
        """
        facts: list[ConversationFact] = [fact]
        key = Key(command.workspace, command.conversation_id)
        choice = Choice(owner.user_id, off_shift=True)
        holder = await self.desk.custody.reserve(key, current, lambda _: facts, cause, choice)
        if holder is None:
            raise OwnerAtCapacity(
                f"{owner.name} holds {owner.capacity} of {owner.capacity} cases: "
                "close or move one of them first, or choose somebody else."
            )
        result = {"owner": owner_ref(owner.user_id), "owner_on_shift": owner.on_shift}
        return Change(facts, result, holder)


@dataclass(frozen=True)
class ClaimCase:
    """Gives a case that nobody owns to whoever asks first."""

    giving: Giving

    async def __call__(self, command: ClaimConversation) -> CommandReply:
        """The reply: `case_id`, `owner`, `owner_on_shift`."""

        async def decide(
            current: Loaded[Conversation], state: Conversation, cause: Cause
        ) -> Change:
            owner = await self.giving.owner(command.workspace, command.actor.id)
            if state.owner == owner.user_id:
                offered = "offered to you: accept it" if state.is_offered else "yours already"
                raise AlreadyOwner(f"{state.case_id} is {offered}.")
            if state.owner is not None:
                raise CaseHasOwner(
                    f"{state.case_id} belongs to {state.owner_name}: ask them to transfer it, or a "
                    "lead to assign it."
                )
            fact = Assigned(owner.user_id, owner.name)
            return await self.giving.give(command, current, cause, owner, fact)

        return await self.giving.desk.answer(command, decide, reason=None)


@dataclass(frozen=True)
class TransferCase:
    """Hands a case on, by its owner or a lead."""

    giving: Giving

    async def __call__(self, command: TransferConversation) -> CommandReply:
        """The reply: `case_id`, `owner`, `owner_on_shift`."""

        async def decide(
            current: Loaded[Conversation], state: Conversation, cause: Cause
        ) -> Change:
            must_be_theirs(command.actor, state, "transfer")
            owner = await self.giving.owner(command.workspace, command.owner)
            if state.owner == owner.user_id:
                raise AlreadyOwner(f"{state.case_id} belongs to {owner.name} already.")
            fact = Transferred(owner.user_id, owner.name)
            return await self.giving.give(command, current, cause, owner, fact)

        return await self.giving.desk.answer(
            command, decide, reason=command.reason, note=command.note
        )


@dataclass(frozen=True)
class ReleaseCase:
    """Puts a case back into the queue; no rule gives it to the same person again."""

    desk: CaseDesk
    inbox: Inbox

    async def __call__(self, command: ReleaseConversation) -> CommandReply:
        """The reply: `case_id`, `owner` (null), `queue`."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            must_be_theirs(command.actor, state, "release")
            queued = self.inbox.queued(command.workspace)
            facts: list[ConversationFact] = [Unassigned(None, released=True), queued]
            return Change(facts, {"owner": None, "queue": queued.queue})

        return await self.desk.answer(command, decide, reason=command.reason)


@dataclass(frozen=True)
class ReopenCase:
    """Goes on with a closed case: with the owner it had if they are free, else from the queue."""

    desk: CaseDesk
    inbox: Inbox

    async def __call__(self, command: ReopenConversation) -> CommandReply:
        """The reply: `case_id`, `status`, `owner` (null when it waits)."""
        key = Key(command.workspace, command.conversation_id)
        queued = self.inbox.queued(command.workspace)

        async def decide(
            current: Loaded[Conversation], state: Conversation, cause: Cause
        ) -> Change:
            def plan(holder: Holder | None) -> Sequence[ConversationFact]:
                return _reopened(state, queued, cause, holder)

            holder = None
            if state.owner is not None:
                choice = Choice(state.owner)
                holder = await self.desk.custody.reserve(key, current, plan, cause, choice)
            if holder is None:
                holder = await self.desk.custody.reserve(key, current, plan, cause)
            owner = None if holder is None else owner_ref(holder.user_id)
            return Change(plan(holder), {"status": "open", "owner": owner}, holder)

        return await self.desk.answer(command, decide, reason=command.reason, wanted="closed")


def must_be_theirs(actor: Actor, state: Conversation, verb: str) -> None:
    """Nothing, when the actor owns the case or leads; raises `CaseHasNoOwner` or `NotYours`."""
    if state.owner is None:
        raise CaseHasNoOwner(f"{state.case_id} belongs to nobody: there is nothing to {verb}.")
    if actor.kind not in LEADING and actor.id != state.owner:
        raise NotYours(
            f"{state.case_id} belongs to {state.owner_name}: they or a lead can {verb} it."
        )


def _reopened(
    state: Conversation, queued: Queued, cause: Cause, holder: Holder | None
) -> Sequence[ConversationFact]:
    facts: list[ConversationFact] = [Reopened(None)]
    if state.owner is not None:
        facts.append(Unassigned("a case reopened by hand passes through the queue"))
    facts.append(queued)
    if holder is None:
        return facts
    if holder.user_id == state.owner:
        return [*facts, Assigned(holder.user_id, holder.name, PREVIOUS_OWNER.ref)]
    return [*facts, *assign_from_queue(holder, queued.accept_by(cause.at))]
