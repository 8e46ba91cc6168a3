"""One write that may give somebody custody: a slot first, then the write, the slot back if lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from casetrail_routing.domain.conversation import Conversation, apply
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.facts import Assigned, ConversationFact, Recorded, Transferred
from casetrail_routing.domain.strategies import DEFAULT_PLANS, Pick
from casetrail_routing.ports import ConversationStore, Key, Loaded, Slot, Slots, VersionConflict
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.conversation_events import Sealed, custody_event_id, seal

ANYBODY: Final = Holder("anybody", "Anybody")
"""Stands for the holder while only the order of the facts matters."""

Plan = Callable[[Holder | None], Sequence[ConversationFact]]
Picks = Callable[[str, Conversation, datetime], Sequence[Pick]]
"""The choices to try, in order, for a case that waits in a workspace at this time."""


@dataclass(frozen=True)
class Choice:
    """Who may have the case: `user_id` None means whom the plan of its queue chooses."""

    user_id: str | None = None
    off_shift: bool = False


BY_PLAN: Final = Choice()


@dataclass(frozen=True)
class Custody:
    """Writes conversations so that nobody ever holds more cases than they have slots."""

    conversations: ConversationStore
    slots: Slots
    picks: Picks = DEFAULT_PLANS.picks

    async def load(self, key: Key) -> Loaded[Conversation]:
        """The conversation as it stands now; version 0 without state when there is none."""
        found = await self.conversations.load(key.document)
        return Loaded[Conversation](key.document) if found is None else found

    async def reserve(
        self,
        key: Key,
        current: Loaded[Conversation],
        plan: Plan,
        cause: Cause,
        choice: Choice = BY_PLAN,
    ) -> Holder | None:
        """Somebody with a place for the case under the name this plan gives it, or None."""
        facts = plan(ANYBODY)
        name = custody_event_id(key.id, current.state, facts, cause.id)
        if name is None:
            return None
        if choice.user_id is None:
            waiting = _waiting(current.state, facts, cause)
            picks = self.picks(key.workspace, waiting, cause.at)
            return await self.slots.choose(key, name, picks)
        return await self.slots.reserve(
            key, name, user_id=choice.user_id, off_shift=choice.off_shift
        )

    async def commit(  # noqa: PLR0917 - one write and its parts
        self,
        key: Key,
        current: Loaded[Conversation],
        facts: Sequence[ConversationFact],
        cause: Cause,
        result: Mapping[str, Any],
        holder: Holder | None = None,
    ) -> Sealed:
        """Keeps the facts and their events in one write, then frees the slot of custody they end.

        Raises:
            VersionConflict: another write came first; the slot `holder` stands for is given back.
        """
        before = current.state
        sealed = seal(key.id, before, facts, cause)
        try:
            await self.conversations.commit(current, sealed.state, sealed.events, cause.id, result)
        except VersionConflict:
            if holder is not None:
                await self._give_back(key, current, sealed.state, holder)
            raise
        if before is not None and before.slot != sealed.state.slot:
            await self._release(key, before)
        return sealed

    async def _give_back(
        self, key: Key, lost: Loaded[Conversation], planned: Conversation, holder: Holder
    ) -> None:
        """Frees the slot of a lost write, unless the write that won is this one, made elsewhere.

        When the winner cannot be seen yet (majority reads lag a moment) it is left to
        `ReconcileSlots`. Only this reservation is given back: the same cause may be at work
        elsewhere and have taken the slot over since.
        """
        won = await self.load(key)
        slot = slot_of(key, planned)
        if won.revision <= lost.revision or slot is None:
            return
        if won.state is None or slot_of(key, won.state) != slot:
            await self.slots.give_back(slot, holder.claim)

    async def _release(self, key: Key, state: Conversation) -> None:
        slot = slot_of(key, state)
        if slot is not None:
            await self.slots.release(slot)


def _waiting(
    state: Conversation | None, facts: Sequence[ConversationFact], cause: Cause
) -> Conversation:
    """The case as it stands when its owner is chosen: after the facts before the assignment."""
    for fact in takewhile(lambda fact: not isinstance(fact, Assigned | Transferred), facts):
        version = 1 if state is None else state.version + 1
        state = apply(state, Recorded(version, "to come", cause.at, fact))
    if state is None:
        raise ValueError("nobody is chosen for a case that was never opened")
    return state


def slot_of(key: Key, state: Conversation) -> Slot | None:
    """The slot that must be reserved while a conversation is in this state."""
    if state.owner is None or state.slot is None:
        return None
    return Slot(Key(key.workspace, state.owner), state.slot, key.id)
