"""The clocks of tickets, recomputed from the log."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casetrail_contracts.api import ClockView
from casetrail_contracts.clocks import MESSAGE_STEPS, ClockFinding, Step, agreement

from casetrail_gateway.domain.log import Case, Kinds, Page, Record, Scope
from casetrail_gateway.ports import Log

_PAGE: Final = 500
_MESSAGES: Final = Kinds(tuple(sorted(MESSAGE_STEPS)))


@dataclass(frozen=True)
class Clocks:
    """The clocks of some tickets, and what of their events belongs to none."""

    clocks: list[ClockView]
    clock_faults: list[str]


class TellClocks:
    """Recomputes clocks from the records up to a sequence, as they stand at a moment."""

    def __init__(self, log: Log, through: int, now: datetime) -> None:
        self._log = log
        self._through = through
        self._now = now

    async def __call__(
        self, workspace: str, case: Case | None, ticket_ids: Iterable[str]
    ) -> Clocks:
        """The clocks of these tickets of one case; tickets without a promise have none."""
        told = Clocks([], [])
        messages: list[Step] | None = None
        for ticket_id in ticket_ids:
            scope = Scope(ticket_id=ticket_id)
            records = [r async for r in self._records(workspace, scope, Kinds(("ticket",)), 0)]
            files = sorted({record.archive for record in records if record.archive is not None})
            if files:
                told.clock_faults.append(
                    f"{ticket_id}: not recomputed, its records are archived in {', '.join(files)}"
                )
                continue
            own = [_step(record) for record in records]
            if all(step.action != "ticket.sla_started" for step in own):
                continue
            if messages is None:
                messages = await self._messages(workspace, case)
            findings, strays = agreement([*own, *messages], self._now)
            told.clocks.extend(_view(ticket_id, finding) for finding in findings)
            told.clock_faults.extend(f"{ticket_id}: {stray}" for stray in strays)
        return told

    async def _messages(self, workspace: str, case: Case | None) -> list[Step]:
        """What was said since the case was opened, which is before any ticket of it was made.

        Also in linked conversations, as far as it counts there (ADR 30).
        """
        if case is None or case.conversation_id is None:
            return []
        mine, after = case.conversation_id, max(case.opened_seq - 1, 0)
        group = await self._log.linked(workspace, mine)
        steps: list[Step] = []
        for said_in in group.of(mine):
            scope = Scope(conversation_id=said_in)
            found = await self._steps(workspace, scope, _MESSAGES, after)
            steps += [one for one in found if group.hears(mine, said_in, one.at, one.event_id)]
        return steps

    async def _steps(self, workspace: str, scope: Scope, kinds: Kinds, after: int) -> list[Step]:
        return [_step(each) async for each in self._records(workspace, scope, kinds, after)]

    async def _records(
        self, workspace: str, scope: Scope, kinds: Kinds, after: int
    ) -> AsyncIterator[Record]:
        place: int | None = after
        while place is not None:
            page = Page(_PAGE, "asc", place, self._through)
            found = await self._log.timeline(workspace, scope, kinds, page)
            for record in found:
                yield record
            place = found[-1].seq if len(found) == _PAGE else None


def _step(record: Record) -> Step:
    kind = None if record.actor is None else record.actor.get("kind")
    return Step(
        action=record.action or "",
        event_id=record.event_id or "",
        at=record.at,
        actor_kind=kind if isinstance(kind, str) else None,
        version=record.version,
        data=record.data,
        changes=record.changes,
        seq=record.seq,
    )


def _view(ticket_id: str, finding: ClockFinding) -> ClockView:
    reading = finding.reading
    run, policy = reading.run, reading.promise.policy
    return ClockView(
        ticket_id=ticket_id,
        clock=run.clock,
        policy=policy.name,
        policy_version=finding.policy_version,
        state=reading.state,
        begun_by=run.begun_by,
        started_at=run.began_at,
        target_seconds=int(policy.targets[run.clock].total_seconds()),
        used_seconds=int(reading.used.total_seconds()),
        due_at=reading.due_at,
        breached_at=reading.breached_at,
        noticed_at=finding.noticed_at,
        stopped_at=run.stopped_at,
        stopped_by=run.stopped_by,
        started_seq=finding.started_seq,
        breached_seq=finding.breached_seq,
        agrees=finding.agrees,
        differences=list(finding.differences),
    )
