"""What routing hears of each conversation: which cases lie idle, and which are outside."""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.registry.ticket import TicketStatusChanged

from casetrail_routing.ports import ActivityStore, Key, Standing
from casetrail_routing.use_cases.linking import Carrying, Roots
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

    In a linked conversation that counts for the case in which it is led. What is heard of while
    two conversations are being linked is carried over after the link, whoever was faster.
    """

    activity: ActivityStore
    roots: Roots
    carry: Carrying
    places: PlacesOutside

    async def __call__(self, event: Event) -> None:
        """Returns when it is noted; the same event again changes nothing."""
        if event.conversationid is None:
            return
        key = Key(event.workspace, event.conversationid)
        noun = event.noun_verb.partition(".")[0]
        if noun == "conversation":
            await self.activity.heard(key, event.id, event.time, _standing(event))
            if event.noun_verb == "conversation.linked":
                key = await self._carry(key)
        elif noun == "ticket" and event.noun_verb not in _CLOCKS:
            key = await self._hear_of_ticket(key, event)
        else:
            if event.noun_verb in _MESSAGES:
                await self.activity.heard(await self.roots.of(key), event.id, event.time, None)
            return
        await self.places.settle(key, event.id, event.correlationid)

    async def _carry(self, key: Key) -> Key:
        """Where it is led, and has what was heard of between the link and what it had carried."""
        root = await self.roots.of(key)
        await self.carry(key, root)
        return root

    async def _hear_of_ticket(self, key: Key, event: Event) -> Key:
        """Where it was heard of: looked up again, for a link that was carried before that."""
        led = await self.roots.of(key)
        await self.activity.heard(led, event.id, event.time, _standing(event))
        while (now := await self.roots.of(led)) != led:
            led = now
            await self.activity.heard(led, event.id, event.time, _standing(event))
        return led


def _standing(event: Event) -> Standing | None:
    verb = event.noun_verb
    if event.version is None:
        return None
    opens = verb in _OPENS if verb in _OPENS | _CLOSES else None
    ticket_id = event.ticketid if verb.startswith("ticket.") else None
    return Standing(ticket_id, event.version, opens, _outside(event))


def _outside(event: Event) -> bool | None:
    """Whether somebody outside has the ticket now; None when the event does not say."""
    if isinstance(event.data, TicketStatusChanged):
        return bool(event.data.outside)
    if event.noun_verb == "ticket.handed_off":
        return True
    return False if event.noun_verb in _INSIDE else None
