"""Paths of figures and comparisons."""

from typing import Annotated

from casetrail_contracts.commands.fields import Moment
from casetrail_contracts.figures_api import ComparisonAnswer, FiguresAnswer
from fastapi import Query

from casetrail_gateway.api import examples_of_reviews as examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import CASE, AsOf
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.use_cases.comparing import CompareCases, CompareShifts
from casetrail_gateway.use_cases.figures import ReadFigures
from casetrail_gateway.use_cases.looking import Read

figures = Reads("figures")

CaseToCompare = Annotated[str, Query(pattern=CASE, examples=["CASE-1001"])]
ShiftToCompare = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["s-1"])]


@figures.get("/v1/figures", FiguresAnswer, example=examples.FIGURES)
def read_figures(
    desk: AtDesk,
    *,
    start: Annotated[
        Moment, Query(alias="from", description="RFC 3339.", examples=["2026-11-22T00:00:00Z"])
    ],
    end: Annotated[
        Moment, Query(alias="to", description="RFC 3339.", examples=["2026-11-23T00:00:00Z"])
    ],
    team: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = None,
) -> Read[FiguresAnswer]:
    """What people and a team did in at most 31 days, each figure with the cases behind it."""
    wiring = desk.wiring
    return ReadFigures(
        wiring.log, wiring.work, wiring.lists, desk.caller, start=start, end=end, team=team
    )


@figures.get("/v1/compare/cases", ComparisonAnswer, example=examples.COMPARISON)
def compare_cases(
    desk: AtDesk,
    *,
    left: CaseToCompare,
    right: CaseToCompare,
    left_as_of: AsOf = None,
    right_as_of: AsOf = None,
) -> Read[ComparisonAnswer]:
    """Two cases side by side, or one at two moments (`left_as_of`, `right_as_of`)."""
    wiring = desk.wiring
    return CompareCases(
        wiring.log,
        desk.finder,
        desk.caller,
        wiring.clock,
        left=(left, left_as_of),
        right=(right, right_as_of),
    )


@figures.get("/v1/compare/shifts", ComparisonAnswer, example=examples.COMPARISON, also=(409,))
def compare_shifts(
    desk: AtDesk, *, left: ShiftToCompare, right: ShiftToCompare
) -> Read[ComparisonAnswer]:
    """Two shifts that ended, side by side."""
    return CompareShifts(desk.wiring.log, desk.finder, desk.caller, left, right)
