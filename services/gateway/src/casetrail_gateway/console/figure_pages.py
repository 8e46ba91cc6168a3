"""Figures of people and teams, and two cases or shifts side by side."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from casetrail_contracts.figures_api import ComparisonAnswer, FiguresAnswer

from casetrail_gateway.api.parameters import CASE
from casetrail_gateway.console.page import Context, Pages, Together, Visit
from casetrail_gateway.console.quality_pages import names_of
from casetrail_gateway.domain.errors import QueryNotUnderstood
from casetrail_gateway.domain.figures import NAMES
from casetrail_gateway.use_cases.comparing import CompareCases, CompareShifts
from casetrail_gateway.use_cases.figures import ReadFigures
from casetrail_gateway.use_cases.looking import Look, Read

pages = Pages()
_WEEK: Final = timedelta(days=7)


@pages.get("/quality/figures", "figures.html", like="/v1/figures")
def figures(
    visit: Visit, start: str | None = None, end: str | None = None, team: str | None = None
) -> Read[Context]:
    """What people did in a stretch of time; without one the last seven days."""
    today = visit.wiring.clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0)
    until = _day(end) or today.replace(microsecond=0) + timedelta(days=1)
    since = _day(start) or until - _WEEK
    read = ReadFigures(
        visit.wiring.log,
        visit.wiring.work,
        visit.wiring.lists,
        visit.caller,
        start=since,
        end=until,
        team=team,
    )

    def tell(found: FiguresAnswer) -> Context:
        return {"found": found, "names": NAMES, "start": since, "end": until, "team": team or ""}

    return Together(tell, read)


class _Nothing:
    """The empty form of a comparison."""

    async def look(self) -> Look:
        return Look(what="comparison", filters={})

    async def answer(self) -> Context:
        return {"compared": None, "left": "", "right": "", "people": {}}


@pages.get("/compare", "compare.html", like="/v1/compare/cases")
def compare(
    visit: Visit,
    *,
    left: str = "",
    right: str = "",
    left_as_of: str | None = None,
    right_as_of: str | None = None,
) -> Read[Context]:
    """Two cases, one case at two moments, or two shifts."""
    if not left or not right:
        return _Nothing()
    wiring, caller = visit.wiring, visit.caller
    names = (left.strip().upper(), right.strip().upper())
    cases = [re.fullmatch(CASE, name) is not None for name in names]
    read: Any
    if all(cases):
        read = CompareCases(
            wiring.log,
            visit.finder,
            caller,
            wiring.clock,
            left=(names[0], _moment(left_as_of)),
            right=(names[1], _moment(right_as_of)),
        )
    elif any(cases):
        raise QueryNotUnderstood("Compare two cases, or two shifts.")
    else:
        read = CompareShifts(wiring.log, visit.finder, caller, left.strip(), right.strip())

    class _Compared:
        async def look(self) -> Look:
            look: Look = await read.look()
            return look

        async def answer(self) -> Context:
            compared: ComparisonAnswer = await read.answer()
            return {
                "compared": compared,
                "left": left,
                "right": right,
                "people": await names_of(visit),
            }

    return _Compared()


def _day(text: str | None) -> datetime | None:
    """The beginning of a day, in UTC; None for what is none."""
    try:
        return None if text is None else datetime.combine(datetime.fromisoformat(text), time(), UTC)
    except ValueError:
        raise QueryNotUnderstood(f"{text!r} is no day: write it as 2026-11-22.") from None


def _moment(text: str | None) -> datetime | None:
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise QueryNotUnderstood(f"{text!r} is no time: write 2026-11-22T10:30.") from None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
