"""Slots and custody brought together again after a crash between the two."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from casetrail_routing.ports import Slot, VersionConflict
from casetrail_routing.use_cases.custody import Custody, slot_of
from casetrail_routing.use_cases.places_outside import PlacesOutside

GRACE: Final = timedelta(seconds=5)
"""Younger reservations are left alone; only work is saved by that, safety does not rest on it."""


@dataclass(frozen=True)
class Healed:
    """How many slots of nobody were freed, how many that were missing were taken.

    And for how many conversations it was wrong whether a courier has what is open.
    """

    freed: int
    restored: int
    marked: int = 0


@dataclass(frozen=True)
class ReconcileSlots:
    """Frees slots whose custody never came to be, takes those that custody lacks."""

    custody: Custody
    places: PlacesOutside
    grace: timedelta = GRACE

    async def __call__(self) -> Healed:
        """What was healed; nothing on a day without crashes."""
        old = await self.custody.slots.reserved(self.grace)
        wanted = set(await self.custody.conversations.held())
        freed = [await self._free(slot) for slot in old if slot not in wanted]
        present = set(await self.custody.slots.reserved())
        restored = [await self._restore(slot) for slot in wanted if slot not in present]
        return Healed(sum(freed), sum(restored), await self.places.settle_all())

    async def _free(self, slot: Slot) -> bool:
        """Whether the slot was an orphan and is free now.

        A write without events comes first: it moves the conversation's revision on, so a process
        that reserved this slot, slept, and wakes only now can no longer make its write. One that
        takes the reservation over after that makes it young again, and it is not released.
        """
        conversations = self.custody.conversations
        current = await self.custody.load(slot.conversation)
        try:
            await conversations.commit(current, None, [], f"slot-freed:{slot.name}", {})
        except VersionConflict:
            return False  # somebody is at work on it; the next round looks again
        if current.state is not None and slot_of(slot.conversation, current.state) == slot:
            return False
        await self.custody.slots.release(slot, self.grace)
        return True

    async def _restore(self, slot: Slot) -> bool:
        """Whether the case is still held without a slot, and has one now."""
        state = (await self.custody.load(slot.conversation)).state
        if state is None or slot_of(slot.conversation, state) != slot:
            return False
        await self.custody.slots.restore(slot)
        return True
