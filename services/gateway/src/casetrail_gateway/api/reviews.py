"""Paths of quality reviews: reading, scoring, disputing; samples and coaching sets."""

from typing import Annotated

from casetrail_contracts.commands.fields import Slug
from casetrail_contracts.reviews_api import (
    AgreementAnswer,
    CoachingSets,
    DisputeReviewBody,
    DrawSampleBody,
    NoteReviewBody,
    OpenReviewBody,
    ResolveReviewBody,
    ReviewAnswer,
    ReviewPage,
    SampleAnswer,
    SamplePage,
    ScorecardList,
    ScoreReviewBody,
    Status,
)
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from casetrail_gateway.api import examples_of_reviews as examples
from casetrail_gateway.api.desk import AtConditions, AtDesk, Conditions, Desk
from casetrail_gateway.api.orders import CONFLICT
from casetrail_gateway.api.parameters import (
    CaseId,
    CaseQuery,
    Cursor,
    Limit,
    OwnerQuery,
    ReviewId,
    SampleId,
)
from casetrail_gateway.api.reads import Reads, etag_of, problems, refuse_unknown_query
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.domain.reviews import Review
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.refusing import Refusals
from casetrail_gateway.use_cases.reviews.deciding import ChangeReviews
from casetrail_gateway.use_cases.reviews.reading import (
    ListReviews,
    ListScorecards,
    ReadCoaching,
    ReadReview,
    WantedReviews,
    told_whole,
)
from casetrail_gateway.use_cases.reviews.sampling import (
    DrawSample,
    ListSamples,
    ReadAgreement,
    ReadSample,
    read_drawn,
)

reads = Reads("reviews")
changes = APIRouter(tags=["reviews"])
_FAULTS = (400, 401, 403, 404, 422, 429, 503)
_MADE = 201
_OF_CASE, _REVIEW = "/v1/cases/{case_id}/reviews", "/v1/reviews/{review_id}"
_SAMPLES = "/v1/samples"

SampleQuery = Annotated[str | None, Query(pattern=r"^sa_[a-z0-9]{1,40}$", examples=["sa_81d0"])]
PersonQuery = Annotated[
    str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["reviewer"])
]


@reads.get("/v1/scorecards", ScorecardList, example=examples.SCORECARDS)
def list_scorecards(desk: AtDesk) -> Read[ScorecardList]:
    """The questions that reviews are opened with; each review keeps its own as they stood."""
    return ListScorecards(list(desk.wiring.scorecards.values()))


@reads.get("/v1/reviews", ReviewPage, example=examples.REVIEWS)
def list_reviews(
    desk: AtDesk,
    *,
    status: Annotated[Status | None, Query()] = None,
    about: OwnerQuery = None,
    reviewer: PersonQuery = None,
    scorecard: Annotated[Slug | None, Query()] = None,
    case: CaseQuery = None,
    sample: SampleQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Read[ReviewPage]:
    """Reviews, the newest first; an agent sees those of their own work.

    A page may hold fewer than `limit`, even none, and go on: `next_cursor` says so.
    """
    wanted = WantedReviews(
        status=status,
        about=about,
        reviewer=reviewer,
        scorecard=scorecard,
        case_id=case,
        sample_id=sample,
    )
    log = desk.wiring.log
    return ListReviews(log, desk.finder, desk.caller, wanted, limit=limit, cursor=cursor)


@reads.get(_OF_CASE, ReviewPage, example=examples.REVIEWS)
def list_case_reviews(
    desk: AtDesk, *, case_id: CaseId, limit: Limit = 50, cursor: Cursor = None
) -> Read[ReviewPage]:
    """The reviews of a case, the newest first."""
    wanted = WantedReviews(case_id=case_id)
    log = desk.wiring.log
    return ListReviews(log, desk.finder, desk.caller, wanted, limit=limit, cursor=cursor)


@reads.get(_REVIEW, ReviewAnswer, example=examples.REVIEW)
def read_review(desk: AtDesk, review_id: ReviewId) -> Read[ReviewAnswer]:
    """A review: every score with the records that bear it out, and all that was said."""
    return ReadReview(desk.wiring.log, desk.finder, desk.caller, review_id)


@reads.get("/v1/coaching", CoachingSets, example=examples.COACHING)
def read_coaching(desk: AtDesk) -> Read[CoachingSets]:
    """Sets of real cases to learn from, with the entries to look at."""
    return ReadCoaching(desk.wiring.log, desk.caller)


@reads.get(_SAMPLES, SamplePage, example=examples.SAMPLES)
def list_samples(desk: AtDesk, limit: Limit = 50, cursor: Cursor = None) -> Read[SamplePage]:
    """The samples that were drawn, the newest first."""
    return ListSamples(desk.wiring.log, desk.caller, limit, cursor)


@reads.get(f"{_SAMPLES}/{{sample_id}}", SampleAnswer, example=examples.SAMPLE)
def read_sample(desk: AtDesk, sample_id: SampleId) -> Read[SampleAnswer]:
    """A sample with its reviews, drawn again from the log: `redrawn.agrees`."""
    return ReadSample(desk.wiring.log, desk.wiring.work, desk.caller, sample_id)


@reads.get(f"{_SAMPLES}/{{sample_id}}/agreement", AgreementAnswer, example=examples.AGREEMENT)
def read_agreement(desk: AtDesk, sample_id: SampleId) -> Read[AgreementAnswer]:
    """How far those who scored the cases of a sample agree, criterion by criterion."""
    return ReadAgreement(desk.wiring.log, desk.caller, sample_id)


def _answers(status: int, example: object) -> dict[int | str, dict[str, object]]:
    good = {"description": "Done.", "content": {"application/json": {"example": example}}}
    return {**problems(*_FAULTS), 409: CONFLICT, status: good}


@changes.post(
    _OF_CASE,
    status_code=_MADE,
    response_model=ReviewAnswer,
    responses=_answers(_MADE, examples.REVIEW),
)
async def open_review(
    request: Request, desk: AtDesk, conditions: AtConditions, case_id: CaseId, body: OpenReviewBody
) -> Response:
    """Opens a review of somebody's work on a case, by a scorecard, at the sealed log of now."""
    change = _change(request, desk, conditions, _OF_CASE)
    return await _told(desk, await change.open(case_id, body), _MADE)


@changes.post(
    f"{_REVIEW}/scores", response_model=ReviewAnswer, responses=_answers(200, examples.REVIEW)
)
async def score_review(
    request: Request,
    desk: AtDesk,
    conditions: AtConditions,
    review_id: ReviewId,
    body: ScoreReviewBody,
) -> Response:
    """Answers every question; each answer cites records of the case."""
    change = _change(request, desk, conditions, f"{_REVIEW}/scores")
    return await _told(desk, await change.score(review_id, body))


@changes.post(
    f"{_REVIEW}/notes", response_model=ReviewAnswer, responses=_answers(200, examples.REVIEW)
)
async def note_review(
    request: Request,
    desk: AtDesk,
    conditions: AtConditions,
    review_id: ReviewId,
    body: NoteReviewBody,
) -> Response:
    """Says something about a review: a note, advice for a coaching set, an answer to a dispute."""
    change = _change(request, desk, conditions, f"{_REVIEW}/notes")
    return await _told(desk, await change.note(review_id, body))


@changes.post(
    f"{_REVIEW}/dispute", response_model=ReviewAnswer, responses=_answers(200, examples.REVIEW)
)
async def dispute_review(
    request: Request,
    desk: AtDesk,
    conditions: AtConditions,
    review_id: ReviewId,
    body: DisputeReviewBody,
) -> Response:
    """Disputes scores; only whose work is reviewed does."""
    change = _change(request, desk, conditions, f"{_REVIEW}/dispute")
    return await _told(desk, await change.dispute(review_id, body))


@changes.post(
    f"{_REVIEW}/resolve", response_model=ReviewAnswer, responses=_answers(200, examples.REVIEW)
)
async def resolve_review(
    request: Request,
    desk: AtDesk,
    conditions: AtConditions,
    review_id: ReviewId,
    body: ResolveReviewBody,
) -> Response:
    """Decides a dispute; never who scored, and never whose work it is."""
    change = _change(request, desk, conditions, f"{_REVIEW}/resolve")
    return await _told(desk, await change.resolve(review_id, body))


@changes.post(
    _SAMPLES,
    status_code=_MADE,
    response_model=SampleAnswer,
    responses=_answers(_MADE, examples.SAMPLE),
)
async def draw_sample(
    request: Request, desk: AtDesk, conditions: AtConditions, body: DrawSampleBody
) -> Response:
    """Draws cases for review, at random or by risk, so that anyone can draw them again."""
    refuse_unknown_query(request)
    wiring = desk.wiring
    refusals = _refusals(desk, "POST", _SAMPLES)
    draw = DrawSample(wiring.log, wiring.work, desk.finder, refusals)
    record = await draw(body, conditions.idempotency_key)
    answer = await read_drawn(wiring.log, wiring.work, desk.caller.workspace, record)
    return Response(answer.model_dump_json(), _MADE, media_type="application/json")


def _change(request: Request, desk: Desk, conditions: Conditions, path: str) -> ChangeReviews:
    refuse_unknown_query(request)
    return ChangeReviews(
        log=desk.wiring.log,
        finder=desk.finder,
        stream=desk.wiring.stream,
        refusals=_refusals(desk, "POST", path),
        scorecards=desk.wiring.scorecards,
        idempotency_key=conditions.idempotency_key,
        expected_version=conditions.expected_version,
    )


def _refusals(desk: Desk, method: str, path: str) -> Refusals:
    return Refusals(
        stream=desk.wiring.stream,
        clock=desk.wiring.clock,
        caller=desk.caller,
        permitted=desk.caller.role in PERMITTED[method, path],
        correlation_id=desk.correlation_id,
    )


async def _told(desk: Desk, review: Review, status: int = 200) -> Response:
    answer = told_whole(review, desk.caller, await desk.finder.complete_through())
    headers = etag_of(review.version)
    return Response(answer.model_dump_json(), status, headers, "application/json")
