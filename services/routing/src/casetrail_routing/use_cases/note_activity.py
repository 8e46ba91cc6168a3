"""What routing hears of each conversation: which cases lie idle, and which are outside."""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.registry.ticket import TicketStatusChanged

from casetrail_routing.ports import ActivityStore, Key, Standing
from casetrail_routing.use_cases.linking import Roots
from casetrail_routing.use_cases.places_outside import PlacesOutside

_OPENS: Final = frozenset(
    {"conversation.opened", "conversation.reopened", "ticket.created", "ticket.reopened"}
)
_CLOSES: Final = frozenset({"conversation.closed", "ticket.closed"})
_INSIDE: Final = frozenset({"ticket.resolved", "ticket.closed", "ticket.reopened"})
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
    places: PlacesOutside

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
            standing = Standing(ticket_id, event.version, opens, _outside(event))
        key = Key(event.workspace, event.conversationid)
        if noun != "conversation":
            key = await self.roots.of(key)
        await self.activity.heard(key, event.id, event.time, standing)
        if happens:
            await self.places.settle(key, event.id, event.correlationid)


def _outside(event: Event) -> bool | None:
    """Whether somebody outside has the ticket now; None when the event does not say."""
    if isinstance(event.data, TicketStatusChanged):
        return bool(event.data.outside)
    if event.noun_verb == "ticket.handed_off":
        return True
    return False if event.noun_verb in _INSIDE else None
