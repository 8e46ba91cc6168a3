"""Cases in which nothing happens any more: closed by the workspace's rule."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from casetrail_routing.domain.custody_policy import CustodyPolicies
from casetrail_routing.domain.facts import Closed
from casetrail_routing.ports import ActivityStore, Clock, DrainRequests, Quiet, VersionConflict
from casetrail_routing.use_cases.causes import Cause, by_rule
from casetrail_routing.use_cases.custody import Custody

BATCH: Final = 200


@dataclass(frozen=True)
class CloseIdle:
    """Closes them, naming the rule and the last thing that happened as the cause.

    Escalated cases and those with an open ticket are left to people. What routing has not heard of
    yet counts as well: a case whose version is further on than what was heard is not idle.
    """

    custody: Custody
    activity: ActivityStore
    policies: CustodyPolicies
    drain: DrainRequests
    clock: Clock

    async def __call__(self) -> int:
        """How many cases were closed."""
        shortest = self.policies.closes_idle_after
        if shortest is None:
            return 0
        quiet = await self.activity.quiet_since(self.clock() - shortest, BATCH)
        return sum([await self._close(case) for case in quiet])

    async def _close(self, quiet: Quiet) -> bool:
        key, now = quiet.conversation, self.clock()
        policy = self.policies.of(key.workspace)
        idle_after, rule = policy.close_idle_after, policy.idle_close.ref
        if idle_after is None or now - quiet.last_at < idle_after:
            return False
        current = await self.custody.load(key)
        state = current.state
        if state is None or not state.is_open or state.escalated or state.version != quiet.version:
            return False
        cause = Cause(
            id=quiet.last_event_id, workspace=key.workspace, at=now, actor=by_rule(rule), rule=rule
        )
        try:
            sealed = await self.custody.commit(
                key, current, [Closed(f"nothing happened for {words(idle_after)}")], cause, {}
            )
        except VersionConflict:
            return False
        self.drain.ask(key.workspace, sealed.events[-1].id, None)
        return True


def words(time: timedelta) -> str:
    """`3 days`, `36 hours`, `90 seconds`: in the largest unit that is exact."""
    seconds = int(time.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
