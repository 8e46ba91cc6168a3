"""Giving a case to an owner, and ending it."""

from dataclasses import dataclass

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import AssignConversation, CloseConversation

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.facts import Assigned, Closed
from casetrail_routing.domain.refusals import AlreadyOwner
from casetrail_routing.ports import Loaded
from casetrail_routing.use_cases.case_desk import CaseDesk, Change
from casetrail_routing.use_cases.case_handing import Giving
from casetrail_routing.use_cases.causes import Cause


@dataclass(frozen=True)
class AssignCase:
    """Gives a case to somebody by hand: also off shift, never over capacity."""

    giving: Giving

    async def __call__(self, command: AssignConversation) -> CommandReply:
        """The reply: `case_id`, `owner`, `owner_on_shift`."""

        async def decide(
            current: Loaded[Conversation], state: Conversation, cause: Cause
        ) -> Change:
            owner = await self.giving.owner(command.workspace, command.owner)
            if state.owner == owner.user_id:
                raise AlreadyOwner(f"{state.case_id} belongs to {owner.name} already.")
            fact = Assigned(owner.user_id, owner.name)
            return await self.giving.give(command, current, cause, owner, fact)

        return await self.giving.desk.answer(command, decide, reason=command.reason)


@dataclass(frozen=True)
class CloseCase:
    """Ends a case; its owner has a place free again."""

    desk: CaseDesk

    async def __call__(self, command: CloseConversation) -> CommandReply:
        """The reply: `case_id`, `status`."""

        async def decide(_: Loaded[Conversation], __: Conversation, ___: Cause) -> Change:
            return Change([Closed()], {"status": "closed"})

        return await self.desk.answer(command, decide, reason=command.reason, note=command.note)
