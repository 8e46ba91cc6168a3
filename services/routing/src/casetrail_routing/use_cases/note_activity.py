"""What routing hears of each conversation, kept for telling which cases lie idle."""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Event

from casetrail_routing.ports import ActivityStore, Key, Standing
from casetrail_routing.use_cases.linking import Roots

_OPENS: Final = frozenset(
    {"conversation.opened", "conversation.reopened", "ticket.created", "ticket.reopened"}
)
_CLOSES: Final = frozenset({"conversation.closed", "ticket.closed"})
_MESSAGES: Final = frozenset({"message.received", "message.sent"})
_CLOCKS: Final = frozenset({"ticket.sla_started", "ticket.sla_breached"})
"""What a clock says of a ticket is nothing that anybody did."""


@dataclass(frozen=True)
class NoteActivity:
    """Notes messages of either side and whatever happens to the case or its tickets.

    In a linked conversation that counts for the case in which it is led.
    """

    activity: ActivityStore
    roots: Roots

    async def __call__(self, event: Event) -> None:
        """Returns when it is noted; the same event again changes nothing."""
        verb = event.noun_verb
        noun = verb.partition(".")[0]
        happens = noun in {"conversation", "ticket"} and verb not in _CLOCKS
        if event.conversationid is None or not (happens or verb in _MESSAGES):
            return
        standing = None
        if happens and event.version is not None:
            opens = verb in _OPENS if verb in _OPENS | _CLOSES else None
            ticket_id = event.ticketid if noun == "ticket" else None
            standing = Standing(ticket_id, event.version, opens)
        key = Key(event.workspace, event.conversationid)
        if noun != "conversation":
            key = await self.roots.of(key)
        await self.activity.heard(key, event.id, event.time, standing)
