"""What is said in the linked conversations of one customer."""

from collections.abc import Sequence
from dataclasses import dataclass

from casetrail_contracts.clocks import Group, Step

from casetrail_tickets.ports import ContextMessage, Contexts, Links


@dataclass(frozen=True)
class Conversations:
    """The newest messages of a conversation and of those linked with it."""

    contexts: Contexts
    links: Links
    keep: int
    """How many messages a ticket is made with."""

    async def newest(self, workspace: str, conversation_id: str) -> Sequence[ContextMessage]:
        """As many as a ticket is made with, oldest first."""
        group = await self.links.around(workspace, conversation_id)
        each = [await self.contexts.newest(workspace, id_) for id_ in group.of(conversation_id)]
        together = sorted((said for part in each for said in part), key=lambda said: said.time)
        return together[-self.keep :]

    async def heard(self, workspace: str, conversation_id: str) -> list[Step]:
        """Those of the newest messages that count for a ticket of this conversation."""
        group = await self.links.around(workspace, conversation_id)
        return [
            _step(said)
            for id_ in group.of(conversation_id)
            for said in await self.contexts.newest(workspace, id_)
            if group.hears(conversation_id, id_, said.time, said.event_id)
        ]

    async def group(self, workspace: str, conversation_id: str) -> Group:
        """The conversations of the same customer."""
        return await self.links.around(workspace, conversation_id)


def _step(said: ContextMessage) -> Step:
    action = "message.received" if said.sender == "customer" else "message.sent"
    return Step(action, said.event_id, said.time, said.sender)
