"""Forms of quality reviews in: opened, scored, noted, disputed, resolved; samples drawn.

What could not be done comes back on the page it came from, with everything that was typed.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from casetrail_contracts.commands import Body
from casetrail_contracts.reviews_api import (
    DisputeReviewBody,
    DrawSampleBody,
    NoteReviewBody,
    OpenReviewBody,
    ResolveReviewBody,
    ScoreReviewBody,
)
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from casetrail_gateway.api.problems import status_of_fault
from casetrail_gateway.console.page import Visit, console_of
from casetrail_gateway.console.posting import asked_of, told_faults
from casetrail_gateway.console.quality_pages import ReviewPage, quality_page
from casetrail_gateway.domain.errors import Fault, NotFound
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.use_cases.looking import AccessBeforeAnswer, Read
from casetrail_gateway.use_cases.refusing import Refusals
from casetrail_gateway.use_cases.reviews.deciding import ChangeReviews
from casetrail_gateway.use_cases.reviews.sampling import DrawSample

router = APIRouter(include_in_schema=False)
_REVIEW: Final = "/v1/reviews/{review_id}"
_NUMBERS: Final = re.compile(r"[\s,;#]+")

Form = Mapping[str, str]
Problems = tuple[int, list[str]]


@router.post("/quality/open/{case_id}")
async def open_review(request: Request, case_id: str) -> Response:
    """A new review, and its page."""
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, form = asked
    change = _change(visit, "/v1/cases/{case_id}/reviews", form)
    try:
        about, card = form.get("about", ""), form.get("scorecard", "")
        review = await change.open(
            case_id,
            OpenReviewBody(about=about, scorecard=card, sample_id=form.get("sample_id") or None),
        )
    except ValidationError as error:
        fault: Fault = NotFound("review", "; ".join(told_faults(visit, error)))
        return console_of(request).fault_page(visit, fault)
    except Fault as fault:
        return console_of(request).fault_page(visit, fault)
    return _to(f"/quality/reviews/{review.review_id}")


@router.post("/quality/reviews/{review_id}/{step}")
async def step(request: Request, review_id: str, step: str) -> Response:
    """The next step of a review."""
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, form = asked
    if step not in {"scores", "notes", "dispute", "resolve"}:
        fault = NotFound("action", f"There is no step {step[:40]} of a review.")
        return console_of(request).fault_page(visit, fault)
    change = _change(visit, f"{_REVIEW}/{step}", form)
    try:
        match step:
            case "scores":
                body: Body = ScoreReviewBody.model_validate({"scores": _scores(form)})
                await change.score(review_id, body)  # type: ignore[arg-type]
            case "notes":
                await change.note(review_id, NoteReviewBody.model_validate(_note(form)))
            case "dispute":
                await change.dispute(review_id, DisputeReviewBody.model_validate(_dispute(form)))
            case _:
                await change.resolve(review_id, ResolveReviewBody.model_validate(_verdict(form)))
    except ValidationError as error:
        problems = (int(HTTPStatus.UNPROCESSABLE_ENTITY), told_faults(visit, error))
        return await _again(
            visit, "review.html", ReviewPage(visit, review_id, form, problems[1]), problems[0]
        )
    except Fault as fault:
        page = ReviewPage(visit, review_id, form, [fault.detail])
        return await _again(visit, "review.html", page, status_of_fault(fault))
    return _to(f"/quality/reviews/{review_id}?said={step}")


@router.post("/quality/samples")
async def draw(request: Request) -> Response:
    """A sample, and its page."""
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, form = asked
    wiring = visit.wiring
    refusals = _refusals(visit, "/v1/samples")
    sample = DrawSample(wiring.log, wiring.work, visit.finder, refusals)
    try:
        body = DrawSampleBody.model_validate(_sample(form))
        record = await sample(body, form.get("key") or None)
    except ValidationError as error:
        page = quality_page(visit, form=form, problems=told_faults(visit, error))
        return await _again(visit, "quality.html", page, HTTPStatus.UNPROCESSABLE_ENTITY)
    except Fault as fault:
        page = quality_page(visit, form=form, problems=[fault.detail])
        return await _again(visit, "quality.html", page, status_of_fault(fault))
    return _to(f"/quality/samples/{record.data['sample_id']}")


async def _again(visit: Visit, template: str, page: Read[Any], status: int) -> Response:
    """The page of the form again, recorded as the look that it is."""
    console = console_of(visit.request)
    give = AccessBeforeAnswer(visit.wiring.stream, visit.wiring.clock)
    try:
        context = await give(
            visit.caller, page, permitted=True, correlation_id=visit.correlation_id
        )
    except Fault as fault:
        return console.fault_page(visit, fault)
    return console.page(visit, template, context, status)


def _change(visit: Visit, path: str, form: Form) -> ChangeReviews:
    version = form.get("version", "")
    return ChangeReviews(
        log=visit.wiring.log,
        finder=visit.finder,
        stream=visit.wiring.stream,
        refusals=_refusals(visit, path),
        scorecards=visit.wiring.scorecards,
        idempotency_key=form.get("key") or None,
        expected_version=int(version) if version.isascii() and version.isdecimal() else None,
    )


def _refusals(visit: Visit, path: str) -> Refusals:
    return Refusals(
        stream=visit.wiring.stream,
        clock=visit.wiring.clock,
        caller=visit.caller,
        permitted=visit.caller.role in PERMITTED["POST", path],
        correlation_id=visit.correlation_id,
    )


def _scores(form: Form) -> list[dict[str, Any]]:
    """An answer for each `points.<criterion>` that was chosen; `none`: it does not apply."""
    given = []
    for name, points in form.items():
        kind, _, criterion = name.partition(".")
        if kind != "points" or points == "":
            continue
        score: dict[str, Any] = {
            "criterion": criterion,
            "points": None if points == "none" else points,
            "cites": [] if points == "none" else _cites(form.get(f"cites.{criterion}", "")),
        }
        if comment := form.get(f"comment.{criterion}", "").strip():
            score["comment"] = comment
        given.append(score)
    return given


def _note(form: Form) -> dict[str, Any]:
    kind = form.get("kind", "note")
    said = {"note": form.get("note", ""), "kind": kind, "cites": _cites(form.get("cites", ""))}
    in_set = form.get("coaching_set", "").strip()
    return {**said, "coaching_set": in_set} if in_set else said


def _dispute(form: Form) -> dict[str, Any]:
    chosen = [name.partition(".")[2] for name in form if name.startswith("criterion.")]
    cites = _cites(form.get("cites", ""))
    return {"criteria": chosen, "reason": form.get("reason", ""), "cites": cites}


def _verdict(form: Form) -> dict[str, Any]:
    verdict = form.get("verdict", "")
    scores = _scores(form) if verdict == "changed" else []
    return {"verdict": verdict, "reason": form.get("reason", ""), "scores": scores}


def _sample(form: Form) -> dict[str, Any]:
    names = ("size", "method", "purpose", "held_by")
    said = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    return {
        **said,
        **{name: f"{form.get(name, '')}T00:00:00Z" for name in ("opened_from", "opened_to")},
    }


def _cites(text: str) -> list[str]:
    return [number for number in _NUMBERS.split(text) if number]


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)
