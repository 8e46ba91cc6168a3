"""The cases of a shift that ended: passed on as the workspace's policy says."""

from dataclasses import dataclass
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.registry.shift import ShiftEnded

from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.facts import Unassigned
from casetrail_routing.ports import (
    Clock,
    DrainRequests,
    Key,
    ProcessedStore,
    UserStore,
    VersionConflict,
)
from casetrail_routing.use_cases.causes import Cause, by_rule
from casetrail_routing.use_cases.custody import Custody
from casetrail_routing.use_cases.once import Rivals, once_key

WHY: Final = "the owner's shift ended"


@dataclass(frozen=True)
class PassOnShift:
    """Puts them into the queue, to be given out or offered to the next shift; or leaves them.

    The events name the end of the shift as their cause and the policy as the rule that acted: who
    ended the shift moved no case. Somebody who is on shift again by now keeps what they have.
    """

    custody: Custody
    users: UserStore
    processed: ProcessedStore
    inbox: Inbox
    drain: DrainRequests
    clock: Clock

    async def __call__(self, event: Event, shift: ShiftEnded) -> int:
        """How many cases were passed on; none when the same event comes again."""
        user = Key(event.workspace, shift.user_id)
        once = once_key(event.id, self.users.name, user)
        policy = self.inbox.policies.of(event.workspace)
        if policy.shift_end == "keep" or await self.processed.seen(once) is not None:
            return 0
        found = await self.users.load(user.document)
        passed = 0
        if found is not None and found.state is not None and not found.state.on_shift:
            held = await self.custody.conversations.held_by(user)
            passed = sum([await self._pass_on(case, user, event) for case in held])
        await self.processed.mark(once, {})
        if passed:
            self.drain.ask(user.workspace, None, event.correlationid)
        return passed

    async def _pass_on(self, case: Key, user: Key, event: Event) -> bool:
        policy = self.inbox.policies.of(case.workspace)
        rule = policy.end_of_shift.ref
        queued = self.inbox.queued(case.workspace, offered=policy.shift_end == "offer")
        async for _ in Rivals(case):
            current = await self.custody.load(case)
            state = current.state
            if state is None or not state.is_open or state.owner != user.id:
                return False
            cause = Cause(
                id=event.id,
                workspace=case.workspace,
                at=self.clock(),
                correlation_id=event.id if event.correlationid is None else event.correlationid,
                actor=by_rule(rule),
                rule=rule,
            )
            try:
                await self.custody.commit(case, current, [Unassigned(WHY), queued], cause, {})
            except VersionConflict:
                continue
            return True
        raise AssertionError("unreachable: Rivals ends by raising")
