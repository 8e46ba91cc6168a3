"""Places of cases that a courier has: where a workspace says so they count for no capacity."""

from dataclasses import dataclass

from casetrail_routing.domain.custody_policy import CustodyPolicies
from casetrail_routing.ports import ActivityStore, DrainRequests, Key, Slots


@dataclass(frozen=True)
class PlacesOutside:
    """Marks the places of a case while everything open in it is outside, and no longer.

    Who holds the case stays its owner. When it comes back its place counts again, whatever the
    capacity: nobody is given more until they have room. The marks follow from what was heard of the
    tickets and from the policy, so that they can be made anew at any time.
    """

    slots: Slots
    activity: ActivityStore
    policies: CustodyPolicies
    drain: DrainRequests

    async def settle(self, conversation: Key, cause_id: str, correlation_id: str | None) -> None:
        """Something happened to the case or a ticket of it; who waits gets a place that is free."""
        if not self._frees(conversation):
            return
        outside = conversation in await self.activity.outside([conversation])
        if await self.slots.mark(conversation, outside=outside) and outside:
            self.drain.ask(conversation.workspace, cause_id, correlation_id)

    async def settle_all(self) -> int:
        """How many conversations had places that were marked otherwise: a crash, another policy."""
        taken = {slot.conversation for slot in await self.slots.reserved()}
        candidates = [key for key in taken if self._frees(key)]
        outside = await self.activity.outside(candidates) if candidates else set()
        marked = await self.slots.marked()
        changed = 0
        for key in outside ^ marked:
            if await self.slots.mark(key, outside=key in outside):
                changed += 1
                if key in outside:
                    self.drain.ask(key.workspace, None, None)
        return changed

    def _frees(self, conversation: Key) -> bool:
        return self.policies.of(conversation.workspace).outside == "free"
