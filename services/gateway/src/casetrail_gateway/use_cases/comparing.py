"""Two cases, one case at two moments, or two shifts, side by side."""

from datetime import datetime
from typing import Any, Final

from casetrail_contracts.api import HandoverAnswer
from casetrail_contracts.figures_api import ComparedSide, ComparisonAnswer, Fact

from casetrail_gateway.domain.comparing import SECONDS, Facts, actors_of, facts_of
from casetrail_gateway.domain.log import Case, Kinds, Page, Record
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, Log
from casetrail_gateway.use_cases.finding import Finder, Found
from casetrail_gateway.use_cases.handover import ReadHandover
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.timelines import plain

_AT_ONCE: Final = 500


class CompareCases:
    """Two cases, or one at two moments, by the facts of their timelines."""

    def __init__(
        self,
        log: Log,
        finder: Finder,
        caller: Caller,
        clock: Clock,
        *,
        left: tuple[str, datetime | None],
        right: tuple[str, datetime | None],
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._clock = clock
        self._sides = (left, right)

    async def look(self) -> Look:
        """Both cases have to be theirs."""
        found = [await self._finder.case(self._caller, case_id) for case_id, _ in self._sides]
        fault = next((each.fault for each in found if each.fault is not None), None)
        return Look(
            what="comparison",
            target=f"case/{self._sides[0][0]}",
            case_id=found[0].case_id,
            conversation_id=found[0].conversation_id,
            fault=fault,
        )

    async def answer(self) -> ComparisonAnswer:
        """Fact by fact."""
        head = await self._log.head()
        told = [await self._side(*side, head.complete_through) for side in self._sides]
        (left, left_facts), (right, right_facts) = told
        return ComparisonAnswer(
            of="cases",
            left=left,
            right=right,
            facts=told_facts(left_facts, right_facts),
            complete_through=head.complete_through,
        )

    async def _side(
        self, case_id: str, as_of: datetime | None, through: int
    ) -> tuple[ComparedSide, Facts]:
        found: Found = await self._finder.case(self._caller, case_id)
        assert found.case is not None
        case = found.case
        records = await self._records(case, as_of, through)
        until = as_of or self._clock.now()
        facts = facts_of(case, records, until)
        closed = case.closed_at if case.closed_at is None or case.closed_at <= until else None
        owner = facts["owner"]
        side = ComparedSide(
            id=case_id,
            whose=owner if isinstance(owner, str) else None,
            begins=case.opened_at,
            ends=closed,
            as_of=as_of,
            people=[_actor(actor) for actor in actors_of(records)],
        )
        return side, facts

    async def _records(self, case: Case, as_of: datetime | None, through: int) -> list[Record]:
        linked = await self._log.tickets_concerning(self._caller.workspace, case.case_id)
        scope = case.scope(linked)
        records: list[Record] = []
        after: int | None = None
        while True:
            page = Page(_AT_ONCE, "asc", after, through, as_of)
            found = await self._log.timeline(self._caller.workspace, scope, Kinds(), page)
            records += found
            if len(found) < _AT_ONCE:
                return records
            after = found[-1].seq


class CompareShifts:
    """Two shifts that ended, by what became of their cases."""

    def __init__(self, log: Log, finder: Finder, caller: Caller, left: str, right: str) -> None:
        self._log = log
        self._reads = [
            ReadHandover(log, finder, caller, shift_id, through=None) for shift_id in (left, right)
        ]

    async def look(self) -> Look:
        """Both shifts have to have ended."""
        looks = [await read.look() for read in self._reads]
        fault = next((look.fault for look in looks if look.fault is not None), None)
        return Look(what="comparison", target=looks[0].target, query=looks[0].query, fault=fault)

    async def answer(self) -> ComparisonAnswer:
        """Fact by fact."""
        left, right = [await read.answer() for read in self._reads]
        return ComparisonAnswer(
            of="shifts",
            left=_shift_side(left),
            right=_shift_side(right),
            facts=told_facts(_shift_facts(left), _shift_facts(right)),
            complete_through=min(left.complete_through, right.complete_through),
        )


def told_facts(left: Facts, right: Facts) -> list[Fact]:
    """Every fact of either side, with whether they differ."""
    return [
        Fact(
            name=name,
            left=left.get(name),
            right=right.get(name),
            unit="seconds" if name in SECONDS else None,
            differs=left.get(name) != right.get(name),
        )
        for name in dict.fromkeys((*left, *right))
    ]


def _shift_facts(shift: HandoverAnswer) -> Facts:
    lasted = None
    if shift.started_at is not None:
        lasted = round((shift.ended_at - shift.started_at).total_seconds(), 3)
    return {
        "open_for": lasted,
        "cases_held": len(shift.cases),
        "escalated": sum(case.escalated for case in shift.cases),
        "without_a_note": sum(not case.noted for case in shift.cases),
        **shift.counts,
        "signatures": len(shift.signatures),
        "complete": shift.complete,
    }


def _shift_side(shift: HandoverAnswer) -> ComparedSide:
    return ComparedSide(
        id=shift.shift_id,
        whose=f"agent:{shift.user_id}",
        begins=shift.started_at,
        ends=shift.ended_at,
        people=[signature.by for signature in shift.signatures if signature.by is not None],
    )


def _actor(actor: dict[str, Any]) -> Any:
    return plain(actor)
