"""Offers that nobody answered in time: back into the queue."""

from dataclasses import dataclass
from typing import Final

from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.facts import Unassigned
from casetrail_routing.ports import Clock, DrainRequests, Key, VersionConflict
from casetrail_routing.use_cases.causes import Cause, by_rule
from casetrail_routing.use_cases.custody import Custody

BATCH: Final = 200
WHY: Final = "the offer was not answered in time"


@dataclass(frozen=True)
class ExpireOffers:
    """Ends overdue offers; the time to accept stands in the case, so a restart forgets none.

    The event names the offer as its cause. An answer that is faster wins, and so does the other
    replica: whoever loses finds nothing left to do.
    """

    custody: Custody
    inbox: Inbox
    drain: DrainRequests
    clock: Clock

    async def __call__(self) -> int:
        """How many offers came to their end."""
        overdue = await self.custody.conversations.overdue_offers(self.clock(), BATCH)
        return sum([await self._expire(key) for key in overdue])

    async def _expire(self, key: Key) -> bool:
        current = await self.custody.load(key)
        state, now = current.state, self.clock()
        if state is None or state.slot is None or state.accept_by is None:
            return False
        if not state.is_offered or now < state.accept_by:
            return False
        policy = self.inbox.policies.of(key.workspace)
        rule = policy.accept_timer.ref
        cause = Cause(
            id=state.slot, workspace=key.workspace, at=now, actor=by_rule(rule), rule=rule
        )
        left = Unassigned(WHY, expired=True, not_again_before=now + policy.accept_within)
        queued = policy.enters(self.inbox.name, offered=policy.shift_end == "offer")
        try:
            sealed = await self.custody.commit(key, current, [left, queued], cause, {})
        except VersionConflict:
            return False
        self.drain.ask(key.workspace, sealed.events[-1].id, sealed.events[-1].correlationid)
        return True
