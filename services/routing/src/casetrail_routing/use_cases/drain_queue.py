"""The queue served: waiting cases get owners, longest waiting first, while somebody is free."""

from dataclasses import dataclass
from typing import Final

from casetrail_routing.domain.decisions import Holder, assign_from_queue
from casetrail_routing.domain.facts import ConversationFact, Queued
from casetrail_routing.domain.strategies import serves_anybody
from casetrail_routing.ports import Clock, Key, VersionConflict
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.custody import Custody

BATCH: Final = 200


@dataclass(frozen=True)
class DrainQueue:
    """Assigns waiting cases of a workspace; the events name why somebody is free."""

    custody: Custody
    clock: Clock

    async def __call__(
        self, workspace: str, cause_id: str | None = None, correlation_id: str | None = None
    ) -> int:
        """How many cases got an owner.

        Without a cause (a sweep after a crash) an assignment names the event that queued the case.
        """
        assigned = 0
        while True:
            waiting = await self.custody.conversations.waiting(workspace, BATCH)
            took = 0
            for key in waiting:
                outcome = await self._assign(key, cause_id, correlation_id)
                if outcome is None:
                    return assigned
                took += outcome
            assigned += took
            if took == 0:
                return assigned

    async def sweep(self) -> int:
        """How many cases got an owner, over all workspaces; for what a crash left undone."""
        workspaces = await self.custody.conversations.workspaces_waiting()
        return sum([await self(workspace) for workspace in workspaces])

    async def _assign(
        self, key: Key, cause_id: str | None, correlation_id: str | None
    ) -> int | None:
        """1 when the case got an owner, 0 when it no longer waits, None when nobody is free."""
        current = await self.custody.load(key)
        state = current.state
        if state is None or not state.is_waiting or state.queued_by is None:
            return 0
        cause = Cause(
            id=state.queued_by if cause_id is None else cause_id,
            workspace=key.workspace,
            at=self.clock(),
            correlation_id=correlation_id,
        )
        queued = Queued(state.queue or "", state.accept_within)

        def plan(holder: Holder | None) -> list[ConversationFact]:
            return [] if holder is None else assign_from_queue(holder, queued.accept_by(cause.at))

        holder = await self.custody.reserve(key, current, plan, cause)
        if holder is None:
            picks = self.custody.picks(key.workspace, state, cause.at)
            return None if serves_anybody(picks) else 0  # others may still be served
        try:
            await self.custody.commit(key, current, plan(holder), cause, {}, holder)
        except VersionConflict:
            return 0
        return 1
