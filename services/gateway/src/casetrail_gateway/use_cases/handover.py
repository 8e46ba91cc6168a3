"""The hand-over of a shift: what became of its cases, recomputed from the log."""

from collections.abc import Mapping
from typing import Any, Final

from casetrail_contracts.api import (
    HandoverAnswer,
    HandoverCase,
    HandoverOpening,
    HandoverSignature,
)
from casetrail_contracts.handover import OUTCOMES, Became, Left, Step, became

from casetrail_gateway.domain.log import Kinds, Page, Record, Scope
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.shift import Shift
from casetrail_gateway.ports import Log
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.timelines import plain

_PAGE: Final = 500
_KINDS: Final = Kinds(("conversation", "ticket", "message.sent"))


class ReadHandover:
    """What became of the cases somebody held when their shift ended, up to a record of the log."""

    def __init__(
        self, log: Log, finder: Finder, caller: Caller, shift_id: str, *, through: int | None
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._shift_id = shift_id
        self._through = through
        self._shift: Shift | None = None

    async def look(self) -> Look:
        """The shift; an id that no shift has is not put into the public part of the look."""
        found = await self._finder.shift(self._caller, self._shift_id)
        self._shift = found.shift
        if found.shift is None:
            query = {"shift": self._shift_id}
            return Look(what="handover", target="shift/unknown", query=query, fault=found.fault)
        return Look(what="handover", target=f"shift/{self._shift_id}", fault=found.fault)

    async def answer(self) -> HandoverAnswer:
        """The cases as they were left and as they stand."""
        shift = self._shift
        assert shift is not None
        assert shift.ended is not None
        complete_through = (await self._log.head()).complete_through
        through = complete_through if self._through is None else self._through
        shift.must_cover(through, complete_through)
        rows = [await self._became(shift, case, through) for case in shift.held or ()]
        signatures = [_signature(record) for record in shift.signatures]
        return HandoverAnswer(
            shift_id=shift.shift_id,
            user_id=shift.user_id,
            started_at=None if shift.started is None else shift.started.at,
            ended_at=shift.ended.at,
            ended_seq=shift.ended.seq,
            snapshot=shift.held is not None,
            opened=None if shift.opened is None else _opening(shift.opened),
            signatures=signatures,
            complete=any(record.data.get("complete") is True for record in shift.signatures),
            counts=_counted(rows),
            cases=[HandoverCase.model_validate({**vars(row)}) for row in rows],
            through=through,
            complete_through=complete_through,
        )

    async def _became(self, shift: Shift, case: Mapping[str, Any], through: int) -> Became:
        assert shift.ended is not None
        began = shift.ended.seq if shift.started is None else shift.started.seq
        left = Left(
            case_id=case["case_id"],
            owner=f"agent:{shift.user_id}",
            version=case["version"],
            escalated=case.get("escalated") is True,
        )
        steps: list[Step] = []
        scope, place = Scope(case_id=left.case_id), began
        while True:
            page = Page(_PAGE, "asc", place, through)
            found = await self._log.timeline(self._caller.workspace, scope, _KINDS, page)
            steps.extend(_step(record) for record in found)
            if len(found) < _PAGE:
                return became(left, began, shift.ended.seq, steps)
            place = found[-1].seq


def _step(record: Record) -> Step:
    actor = record.actor or {}
    words = any(record.private.get(name) for name in ("note", "reason"))
    return Step(
        action=record.action or "",
        seq=record.seq,
        version=record.version,
        actor_kind=actor.get("kind"),
        actor_id=actor.get("id"),
        noted=words or record.erased is not None,
        data=record.data,
    )


def _counted(rows: list[Became]) -> dict[str, int]:
    counts: dict[str, int] = {name: sum(row.outcome == name for row in rows) for name in OUTCOMES}
    counts["escalations_untouched"] = sum(row.escalation_untouched for row in rows)
    return counts


def _opening(record: Record) -> HandoverOpening:
    return HandoverOpening.model_validate(
        {"by": plain(record.actor), "to": record.data.get("to"), "at": record.at, "seq": record.seq}
    )


def _signature(record: Record) -> HandoverSignature:
    return HandoverSignature.model_validate(
        {
            "by": plain(record.actor),
            "through": record.data.get("through"),
            "at": record.at,
            "seq": record.seq,
        }
    )
