"""What the gateway answers about the work of people and teams, and of cases side by side."""

from datetime import datetime

from casetrail_contracts.api import Answer
from casetrail_contracts.envelope import Actor


class Figure(Answer):
    """How often something happened, and in which cases."""

    count: int
    cases: list[str]
    """The cases behind it, the newest first; at most fifty."""
    median_seconds: float | None = None
    """Of what takes time."""
    mean: float | None = None
    """Of what is scored."""


class PersonFigures(Answer):
    """The figures of one person, by name."""

    person: str
    """`agent:<id>`."""
    name: str
    teams: list[str]
    figures: dict[str, Figure]


class FiguresAnswer(Answer):
    """Figures of everybody who did something in a stretch of time, and of all of them together.

    `handed_on`, `taken_over`, `released`, `declined`, `expired` say how custody moved;
    `first_response` is from the opening of a case to the first reply of a person; `with_nobody` is
    time in which nobody had a case that was opened then; `breaches`, `escalations`, `reopened` are
    of what one had at that moment; `refused` is what one tried and was refused; `reviews` come with
    the mean of their scores.
    """

    start: datetime
    end: datetime
    team: str | None
    people: list[PersonFigures]
    together: dict[str, Figure]
    complete_through: int


class Fact(Answer):
    """One thing to compare, on both sides."""

    name: str
    left: int | float | str | bool | None
    right: int | float | str | bool | None
    unit: str | None = None
    """`seconds` for durations."""
    differs: bool


class ComparedSide(Answer):
    """What stands on one side."""

    id: str
    """`CASE-1001`, or a shift's id."""
    whose: str | None
    """Who has it, or whose shift it was; `agent:<id>`."""
    begins: datetime | None
    ends: datetime | None
    as_of: datetime | None = None
    people: list[Actor]
    """Who did something in it."""


class ComparisonAnswer(Answer):
    """Two cases, one case at two moments, or two shifts, fact by fact."""

    of: str
    """`cases` or `shifts`."""
    left: ComparedSide
    right: ComparedSide
    facts: list[Fact]
    complete_through: int
