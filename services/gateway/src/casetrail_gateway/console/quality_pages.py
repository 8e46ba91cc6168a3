"""Quality: reviews, one of them beside its case, samples with their agreement, coaching sets."""

from collections.abc import Mapping
from typing import Any, Final

from casetrail_contracts.api import Timeline
from casetrail_contracts.reviews_api import AgreementAnswer, CoachingSets, SampleAnswer

from casetrail_gateway.console.page import Context, Pages, Together, Visit
from casetrail_gateway.console.rail import rail_of
from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.domain.log import Kinds, Page
from casetrail_gateway.domain.people import PERMITTED, QUALITY
from casetrail_gateway.domain.reviews import Review, rules
from casetrail_gateway.use_cases.cases import ReadCaseTimeline
from casetrail_gateway.use_cases.looking import Look, Read
from casetrail_gateway.use_cases.reviews.loading import load_review
from casetrail_gateway.use_cases.reviews.reading import (
    ListReviews,
    ReadCoaching,
    ReadReview,
    WantedReviews,
)
from casetrail_gateway.use_cases.reviews.sampling import ListSamples, ReadAgreement, ReadSample

pages = Pages()
ROWS: Final = 50
SAMPLES: Final = 10
ENTRIES: Final = 500
STATES: Final = ("open", "scored", "disputed", "resolved")
_REVIEW: Final = "/v1/reviews/{review_id}"


async def names_of(visit: Visit) -> dict[str, str]:
    """What people are called, by `agent:<id>`."""
    users = await visit.wiring.lists.users(visit.caller.workspace)
    return {f"agent:{user.user_id}": user.name for user in users}


class _QualityPage:
    """The reviews, and for who draws them the newest samples."""

    def __init__(
        self, visit: Visit, wanted: WantedReviews, cursor: str | None, **shown: Any
    ) -> None:
        self._visit = visit
        self._wanted = wanted
        self._cursor = cursor
        self._shown = shown
        log, caller = visit.wiring.log, visit.caller
        self._list = ListReviews(log, visit.finder, caller, wanted, limit=ROWS, cursor=cursor)

    async def look(self) -> Look:
        """The search in the reviews."""
        return await self._list.look()

    async def answer(self) -> Context:
        """The lists."""
        visit = self._visit
        draws = visit.caller.role in QUALITY
        samples = ListSamples(visit.wiring.log, visit.caller, SAMPLES, None)
        return {
            "page": await self._list.answer(),
            "cursor": self._cursor,
            "status": self._wanted.status,
            "states": STATES,
            "samples": (await samples.answer()).items if draws else [],
            "draws": draws,
            "names": await names_of(visit),
            "form": {},
            "problems": [],
            **self._shown,
        }


def quality_page(visit: Visit, **shown: Any) -> Read[Context]:
    """The page of reviews with a form as it was filled in."""
    return _QualityPage(visit, WantedReviews(), None, **shown)


@pages.get("/quality", "quality.html", like="/v1/reviews")
def quality(visit: Visit, status: str | None = None, cursor: str | None = None) -> Read[Context]:
    """Reviews, the newest first; an agent's are those of their own work."""
    state = next((one for one in STATES if one == status), None)
    return _QualityPage(visit, WantedReviews(status=state), cursor)


class ReviewPage:
    """A review beside the history it judges; `form` and `problems` of what could not be done."""

    def __init__(
        self,
        visit: Visit,
        review_id: str,
        form: Mapping[str, str] | None = None,
        problems: list[str] | None = None,
    ) -> None:
        self._visit = visit
        self._review_id = review_id
        self._form = form or {}
        self._problems = problems or []
        self._read = ReadReview(visit.wiring.log, visit.finder, visit.caller, review_id)

    async def look(self) -> Look:
        """The review."""
        return await self._read.look()

    async def answer(self) -> Context:
        """The review, its case's timeline, and what may be done next."""
        visit = self._visit
        told = await self._read.answer()
        review = await load_review(visit.wiring.log, visit.caller.workspace, self._review_id)
        if review is None:
            raise NotFound("review", f"There is no review {self._review_id}.")
        history = ReadCaseTimeline(
            visit.wiring.log,
            visit.finder,
            visit.caller,
            told.case_id,
            kinds=Kinds(),
            page=Page(ENTRIES),
        )
        timeline: Timeline = await history.answer()
        return {
            "review": told,
            "given": {score.criterion: score for score in told.scores},
            "timeline": timeline,
            "rail": rail_of(timeline),
            "names": await names_of(visit),
            "may": _may(visit, review),
            "form": self._form,
            "problems": self._problems,
        }


def _may(visit: Visit, review: Review) -> dict[str, bool]:
    caller = visit.caller

    def allowed(step: str) -> bool:
        return caller.role in PERMITTED["POST", f"{_REVIEW}/{step}"]

    return {
        "score": allowed("scores") and rules.may_score(caller, review) is None,
        "note": allowed("notes"),
        "coach": caller.role in QUALITY and caller.ref != review.about,
        "dispute": allowed("dispute") and rules.may_dispute(caller, review, []) is None,
        "resolve": allowed("resolve") and rules.may_resolve(caller, review) is None,
    }


@pages.get("/quality/reviews/{review_id}", "review.html", like=_REVIEW)
def review(visit: Visit, review_id: str) -> Read[Context]:
    """One review, with the entries it points at."""
    return ReviewPage(visit, review_id)


@pages.get("/quality/samples/{sample_id}", "sample.html", like="/v1/samples/{sample_id}")
def sample(visit: Visit, sample_id: str) -> Read[Context]:
    """A sample, drawn again, and how far its reviewers agree."""
    log, caller = visit.wiring.log, visit.caller

    def tell(drawn: SampleAnswer, agreement: AgreementAnswer) -> Context:
        return {"sample": drawn, "agreement": agreement}

    read = ReadSample(log, visit.wiring.work, caller, sample_id)
    return Together(tell, read, ReadAgreement(log, caller, sample_id))


@pages.get("/quality/coaching", "coaching.html", like="/v1/coaching")
def coaching(visit: Visit) -> Read[Context]:
    """Real cases to learn from."""

    def tell(sets: CoachingSets) -> Context:
        return {"sets": sets.items, "complete_through": sets.complete_through}

    return Together(tell, ReadCoaching(visit.wiring.log, visit.caller))
