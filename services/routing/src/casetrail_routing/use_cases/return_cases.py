"""Cases of somebody who may no longer own any, back into the queue."""

from dataclasses import dataclass
from typing import Final

from casetrail_routing.domain.consequences import CASES_RETURN
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.facts import Unassigned
from casetrail_routing.ports import Clock, DrainRequests, Key, UserStore, VersionConflict
from casetrail_routing.use_cases.causes import Cause, by_rule
from casetrail_routing.use_cases.custody import Custody
from casetrail_routing.use_cases.once import Rivals

WHY: Final = "the owner no longer works cases"


@dataclass(frozen=True)
class ReturnCases:
    """Takes the cases of a barred user; the events name what barred them as their cause.

    Called when that event arrives, and by a sweep: an assignment that was under way at that moment
    may be written after it. A user who may own cases again keeps what they have.
    """

    custody: Custody
    users: UserStore
    drain: DrainRequests
    inbox: Inbox
    clock: Clock

    async def __call__(self, user: Key, correlation_id: str | None = None) -> int:
        """How many cases went back into the queue."""
        found = await self.users.load(user.document)
        if found is None or found.state is None or found.state.barred_by is None:
            return 0
        barred_by = found.state.barred_by
        held = await self.custody.conversations.held_by(user)
        returned = [await self._return(case, user, barred_by, correlation_id) for case in held]
        if any(returned):
            self.drain.ask(user.workspace, None, correlation_id)
        return sum(returned)

    async def sweep(self) -> int:
        """How many cases went back, over all users."""
        barred = await self.custody.slots.barred()
        return sum([await self(user) for user in barred])

    async def _return(
        self, case: Key, user: Key, barred_by: str, correlation_id: str | None
    ) -> bool:
        async for _ in Rivals(case):
            current = await self.custody.load(case)
            state = current.state
            if state is None or not state.is_open or state.owner != user.id:
                return False
            cause = Cause(
                id=barred_by,
                workspace=case.workspace,
                at=self.clock(),
                correlation_id=barred_by if correlation_id is None else correlation_id,
                actor=by_rule(CASES_RETURN.ref),
                rule=CASES_RETURN.ref,
            )
            try:
                queued = self.inbox.queued(case.workspace)
                await self.custody.commit(case, current, [Unassigned(WHY), queued], cause, {})
            except VersionConflict:
                continue
            return True
        raise AssertionError("unreachable: Rivals ends by raising")
