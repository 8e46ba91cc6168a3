"""What the gateway's paths of quality reviews take and answer."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from casetrail_contracts.api import Answer, Hole
from casetrail_contracts.commands import Body
from casetrail_contracts.commands.fields import Moment, Slug, Text, UserId
from casetrail_contracts.envelope import Actor
from casetrail_contracts.registry.review import (
    Cited,
    Method,
    NoteKind,
    Purpose,
    Scorecard,
    TreeHead,
    Verdict,
)

Status = Literal["open", "scored", "disputed", "resolved"]
Seqs = Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(max_length=50)]
SampleName = Annotated[str, Field(pattern=r"^sa_[a-z0-9]{1,40}$")]


class OpenReviewBody(Body):
    """Whose work on the case is reviewed, by which scorecard."""

    about: UserId
    scorecard: Slug
    sample_id: SampleName | None = None


class GivenScore(Body):
    """The answer to one question: points and the records of the case that bear them out."""

    criterion: Slug
    points: int | None = Field(ge=0, le=100)
    """None: the question does not apply here, then without records."""
    cites: Seqs = Field(default_factory=list)
    comment: Text | None = None


class ScoreReviewBody(Body):
    """An answer to every question of the scorecard."""

    scores: list[GivenScore] = Field(min_length=1, max_length=50)


class NoteReviewBody(Body):
    """A note, advice (`coaching`), or the answer to a dispute (`rebuttal`)."""

    note: Text
    kind: NoteKind = "note"
    coaching_set: Slug | None = None
    cites: Seqs = Field(default_factory=list)


class DisputeReviewBody(Body):
    """Which scores are disputed, and why."""

    criteria: list[Slug] = Field(min_length=1, max_length=50)
    reason: Text
    cites: Seqs = Field(default_factory=list)


class ResolveReviewBody(Body):
    """How a dispute ends; `changed` says the scores that are different from now on."""

    verdict: Verdict
    reason: Text
    scores: list[GivenScore] = Field(default_factory=list, max_length=50)


class DrawSampleBody(Body):
    """From which cases how many are drawn: those that were opened in a stretch of time."""

    size: int = Field(ge=1, le=200)
    opened_from: Moment
    opened_to: Moment
    method: Method = "random"
    purpose: Purpose = "review"
    held_by: UserId | None = None
    """Only cases that were given to this person."""


class ReviewScore(Answer):
    """The score of a criterion as it stands."""

    criterion: str
    title: str
    points: int | None
    most: int
    cites: list[Cited]
    comment: str | None = None


class ReviewEntry(Answer):
    """Something that happened to a review."""

    seq: int
    at: datetime
    actor: Actor | None
    action: str
    kind: NoteKind | None = None
    verdict: Verdict | None = None
    criteria: list[str] = Field(default_factory=list)
    cites: list[Cited] = Field(default_factory=list)
    coaching_set: str | None = None
    total: float | None = None
    text: str | None = None
    """The note or reason, for who may read it."""


class ReviewView(Answer):
    """A review in a list."""

    review_id: str
    case_id: str
    about: str
    reviewer: Actor | None
    scorecard: str
    """Its name."""
    status: Status
    total: float | None
    sample_id: str | None
    coaching_sets: list[str]
    opened_at: datetime
    opened_seq: int
    version: int


class ReviewAnswer(ReviewView):
    """A review with all that was said, and by which records."""

    card: Scorecard
    scores: list[ReviewScore]
    entries: list[ReviewEntry]
    tree: TreeHead
    """The sealed log that the newest scores point into."""
    holes: list[Hole]
    complete_through: int


class ReviewPage(Answer):
    """Reviews, the newest first."""

    items: list[ReviewView]
    next_cursor: str | None
    complete_through: int


class ScorecardList(Answer):
    """The scorecards that reviews are opened with."""

    items: list[Scorecard]


class SampleCase(Answer):
    """A case that was drawn, and its reviews of this sample."""

    case_id: str
    weight: int
    review_ids: list[str]


class Redrawn(Answer):
    """What drawing again gave, from the log as it is now."""

    agrees: bool
    population: int
    population_digest: str
    drawn: list[str]


class SampleView(Answer):
    """A sample in a list."""

    sample_id: str
    purpose: Purpose
    method: Method
    method_version: str
    seed: str
    tree: TreeHead
    opened_from: datetime
    opened_to: datetime
    held_by: str | None
    population: int
    population_digest: str
    case_ids: list[str]
    """In the order of the draw."""
    drawn_by: Actor | None
    drawn_at: datetime
    seq: int


class SamplePage(Answer):
    """Samples, the newest first."""

    items: list[SampleView]
    next_cursor: str | None
    complete_through: int


class SampleAnswer(SampleView):
    """A sample, drawn again while it was read."""

    cases: list[SampleCase]
    redrawn: Redrawn
    complete_through: int


class CriterionAgreement(Answer):
    """How far those who scored the same cases agree on one criterion, or on the total."""

    criterion: str
    """`total` for the whole score."""
    cases: int
    """Cases that more than one of them scored."""
    exact: float | None
    """The share of pairs who gave the same points."""
    alpha: float | None
    """Krippendorff's alpha, interval; None when there is nothing to compare."""


class AgreementAnswer(Answer):
    """Agreement in the reviews of a sample, by their first scores, before any dispute."""

    sample_id: str
    reviewers: list[str]
    reviews: int
    criteria: list[CriterionAgreement]
    complete_through: int


class CoachingCase(Answer):
    """A case of a coaching set, with what there is to learn from it."""

    review_id: str
    case_id: str
    about: str
    note: str | None
    cites: list[Cited]
    by: Actor | None
    at: datetime
    seq: int


class CoachingSet(Answer):
    """Cases to learn from."""

    name: str
    cases: list[CoachingCase]


class CoachingSets(Answer):
    """Every coaching set of the workspace, by name."""

    items: list[CoachingSet]
    complete_through: int
