"""Quality reviews of the work on a case. Private: comments, note, reason.

A review is versioned by `sequence` of `review/<id>`; a sample (`sample/<id>`) is one event.
"""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData, Open

Method = Literal["random", "risk"]
Purpose = Literal["review", "calibration"]
NoteKind = Literal["note", "coaching", "rebuttal"]
Verdict = Literal["upheld", "changed", "withdrawn"]


class TreeHead(Open):
    """The sealed log that a review was made by: everything it points at lies below `size`."""

    size: int
    root: str
    """Hexadecimal, as in `Timeline.tree`."""


class Criterion(Open):
    """One question of a scorecard, as it stood when the review was opened."""

    id: str
    title: str
    weight: int
    points: int
    """The most that can be given; the least is 0."""
    critical: bool = False
    """Nothing given here makes the whole score 0."""
    help: str | None = None


class Scorecard(Open):
    """The questions of a review; `version` is the SHA-256 of their text."""

    name: str
    version: str
    title: str
    criteria: list[Criterion]


class Cited(Open):
    """A record of the case that bears a score out."""

    seq: int
    event_id: str


class Score(Open):
    """What was given for a criterion, by which records; `points` None: it does not apply."""

    criterion: str
    points: int | None
    cites: list[Cited]


class ReviewOpened(EventData):
    """Somebody's work on a case is looked at by the questions of a scorecard."""

    type_name: ClassVar[str] = "review.opened"

    review_id: str
    about: str
    """`agent:<id>`: whose work."""
    scorecard: Scorecard
    tree: TreeHead
    sample_id: str | None = None
    """The sample that drew the case."""


class ReviewScored(EventData):
    """Every question is answered. Private: comments, by criterion."""

    type_name: ClassVar[str] = "review.scored"

    review_id: str
    about: str
    scores: list[Score]
    total: float | None
    """Percent of what could be reached; None when no question applied."""
    tree: TreeHead


class ReviewNoted(EventData):
    """Something was said about a review: a note, advice, or the answer to a dispute."""

    type_name: ClassVar[str] = "review.noted"

    review_id: str
    about: str
    kind: NoteKind
    coaching_set: str | None = None
    """The set of cases to learn from that this one belongs to from now on."""
    cites: list[Cited] = Field(default_factory=list)


class ReviewDisputed(EventData):
    """Whose work it is does not agree; the reason is private."""

    type_name: ClassVar[str] = "review.disputed"

    review_id: str
    about: str
    criteria: list[str]
    cites: list[Cited] = Field(default_factory=list)


class ReviewResolved(EventData):
    """A dispute was decided by somebody else than who scored; the reason is private."""

    type_name: ClassVar[str] = "review.resolved"

    review_id: str
    about: str
    verdict: Verdict
    scores: list[Score]
    """As they stand from now on."""
    total: float | None
    tree: TreeHead


class Drawn(Open):
    """A case of a sample, with the weight it was drawn by."""

    case_id: str
    weight: int = 1


class ReviewSampled(EventData):
    """Cases were drawn, so that anyone can draw them again (`casetrail_contracts.sampling`)."""

    type_name: ClassVar[str] = "review.sampled"

    sample_id: str
    purpose: Purpose
    method: Method
    method_version: str
    seed: str
    """Hexadecimal: SHA-256 of the tree's root and the sample's id; nobody chose it."""
    tree: TreeHead
    """The population is what the log below `size` says, and nothing later."""
    opened_from: AwareDatetime
    opened_to: AwareDatetime
    held_by: str | None = None
    """Only cases that were given to this person, `agent:<id>`."""
    population: int
    population_digest: str
    """SHA-256 of the case ids with their weights, sorted, one a line."""
    drawn: list[Drawn]
