"""Cases that are offered: accepted or declined by whom they are offered to."""

from dataclasses import dataclass

from casetrail_contracts import Actor, CommandReply
from casetrail_contracts.commands import AcceptConversation, DeclineConversation

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.facts import Accepted, Declined
from casetrail_routing.domain.refusals import NotOffered
from casetrail_routing.ports import Loaded
from casetrail_routing.use_cases.case_desk import CaseDesk, Change
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.conversation_events import owner_ref


@dataclass(frozen=True)
class AcceptCase:
    """Makes an offer custody: the case is theirs, its place stays taken."""

    desk: CaseDesk

    async def __call__(self, command: AcceptConversation) -> CommandReply:
        """The reply: `case_id`, `owner`."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            must_be_offered_to(command.actor, state)
            return Change([Accepted()], {"owner": owner_ref(state.owner)})

        return await self.desk.answer(command, decide, reason=None)


@dataclass(frozen=True)
class DeclineCase:
    """Puts an offered case back into the queue; no rule offers it to the same person next."""

    desk: CaseDesk
    inbox: Inbox

    async def __call__(self, command: DeclineConversation) -> CommandReply:
        """The reply: `case_id`, `owner` (null), `queue`."""

        async def decide(_: Loaded[Conversation], state: Conversation, __: Cause) -> Change:
            must_be_offered_to(command.actor, state)
            queued = self.inbox.queued(command.workspace)
            return Change([Declined(), queued], {"owner": None, "queue": queued.queue})

        return await self.desk.answer(command, decide, reason=command.reason)


def must_be_offered_to(actor: Actor, state: Conversation) -> None:
    """Nothing, when the case is offered to the actor and waits for their answer."""
    if not state.is_offered or state.owner != actor.id:
        whose = "nobody" if state.owner_name is None else state.owner_name
        how = "is offered to" if state.is_offered else "belongs to"
        raise NotOffered(
            f"{state.case_id} {how} {whose}: an offer is answered by the one it is made to, "
            "before it expires."
        )
