"""Reads of quality reviews: lists, one of them, and the coaching sets made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from casetrail_contracts.api import Hole
from casetrail_contracts.registry.review import Scorecard
from casetrail_contracts.reviews_api import (
    CoachingCase,
    CoachingSet,
    CoachingSets,
    ReviewAnswer,
    ReviewEntry,
    ReviewPage,
    ReviewScore,
    ReviewView,
    ScorecardList,
    Status,
)
from pydantic import TypeAdapter

from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import Fault, NotFound
from casetrail_gateway.domain.log import Page, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.reviews import Note, Review, rules
from casetrail_gateway.domain.reviews.review import OPENED
from casetrail_gateway.ports import Log
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.reviews.loading import load_review, load_reviews
from casetrail_gateway.use_cases.timelines import plain

_STRETCH: Final = 100
_MOST_STRETCHES: Final = 10
"""Reviews that are looked through for one page: a thousand; then the page ends early."""
_HOLES = TypeAdapter(list[Hole])


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReviews:
    """Which reviews; None is no restriction."""

    status: Status | None = None
    about: str | None = None
    reviewer: str | None = None
    scorecard: str | None = None
    case_id: str | None = None
    sample_id: str | None = None

    def takes(self, review: Review) -> bool:
        """Whether it is one of them."""
        return (
            self.status in {None, review.status}
            and self.about in {None, review.about}
            and self.reviewer in {None, review.reviewer_id}
            and self.scorecard in {None, review.card.name}
            and self.case_id in {None, review.case_id}
            and self.sample_id in {None, review.sample_id}
        )

    @property
    def told(self) -> dict[str, str]:
        """The restrictions by name; public ids all of them."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}


class ListScorecards:
    """The scorecards that reviews are opened with."""

    def __init__(self, cards: Sequence[Scorecard]) -> None:
        self._cards = cards

    async def look(self) -> Look:
        """A look at the questions."""
        return Look(what="scorecards", filters={})

    async def answer(self) -> ScorecardList:
        """All of them."""
        return ScorecardList(items=list(self._cards))


class ListReviews:
    """A page of reviews, the newest first; an agent's page holds those of their own work."""

    def __init__(
        self,
        log: Log,
        finder: Finder,
        caller: Caller,
        wanted: WantedReviews,
        *,
        limit: int,
        cursor: str | None,
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._wanted = wanted
        self._limit = limit
        self._list = cursors.fingerprint("reviews", wanted.told)
        self._after = None if cursor is None else cursors.decode(self._list, cursor)

    async def look(self) -> Look:
        """A search in the reviews, or a look at those of a case that has to be theirs."""
        case_id = self._wanted.case_id
        if case_id is None:
            return Look(what="reviews", filters=self._wanted.told)
        found = await self._finder.case(self._caller, case_id)
        return Look(
            what="reviews",
            filters=self._wanted.told,
            case_id=found.case_id,
            conversation_id=found.conversation_id,
            fault=found.fault,
        )

    async def answer(self) -> ReviewPage:
        """The page."""
        head = await self._log.head()
        opened = RecordFilter(action=OPENED, case_id=self._wanted.case_id)
        found: list[Review] = []
        after, ended = self._after, False
        for _ in range(_MOST_STRETCHES):
            page = Page(_STRETCH, "desc", after, head.complete_through)
            records = await self._log.records(self._caller.workspace, opened, page)
            ids = [str(record.data.get("review_id")) for record in records]
            reviews = await load_reviews(self._log, self._caller.workspace, ids)
            found += [r for r in reversed(reviews) if self._shows(r)]
            ended = len(records) < _STRETCH
            if ended or len(found) > self._limit:
                break
            after = records[-1].seq
        shown = found[: self._limit]
        more: int | None = None
        if len(found) > self._limit:
            more = shown[-1].opened_seq
        elif not ended:
            more = after
        return ReviewPage(
            items=[told_review(review) for review in shown],
            next_cursor=None if more is None else cursors.encode(self._list, more),
            complete_through=head.complete_through,
        )

    def _shows(self, review: Review) -> bool:
        return self._wanted.takes(review) and rules.may_see(self._caller, review.about) is None


class ReadReview:
    """One review with everything that was said."""

    def __init__(self, log: Log, finder: Finder, caller: Caller, review_id: str) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._review_id = review_id

    async def look(self) -> Look:
        """The review, with its case; for an agent only one of their own work."""
        review = await self._find()
        if review is None:
            await self._finder.catch_up()
            review = await self._find()
        if review is None:  # what was typed may be anything, so it is not put into the public part
            fault: Fault = NotFound("review", f"There is no review {self._review_id}.")
            query = {"review": self._review_id}
            return Look(what="review", target="review/unknown", query=query, fault=fault)
        return Look(
            what="review",
            target=f"review/{self._review_id}",
            case_id=review.case_id,
            conversation_id=review.conversation_id,
            fault=rules.may_see(self._caller, review.about),
        )

    async def answer(self) -> ReviewAnswer:
        """The review as it stands."""
        head = await self._log.head()
        review = await self._find()
        if review is None:
            raise NotFound("review", f"There is no review {self._review_id}.")
        return told_whole(review, self._caller, head.complete_through)

    async def _find(self) -> Review | None:
        return await load_review(self._log, self._caller.workspace, self._review_id)


class ReadCoaching:
    """The coaching sets; an agent's hold the cases of their own work."""

    def __init__(self, log: Log, caller: Caller) -> None:
        self._log = log
        self._caller = caller

    async def look(self) -> Look:
        """A look at the sets."""
        return Look(what="coaching", filters={})

    async def answer(self) -> CoachingSets:
        """Every set with its cases, the newest advice first."""
        head = await self._log.head()
        sets: dict[str, list[CoachingCase]] = {}
        for review in await self._coached(head.complete_through):
            if rules.may_see(self._caller, review.about) is not None:
                continue
            for note in review.notes:
                if note.coaching_set is not None:
                    told = _coaching(review, note, self._caller)
                    sets.setdefault(note.coaching_set, []).append(told)
        items = [
            CoachingSet(name=name, cases=sorted(cases, key=lambda case: -case.seq))
            for name, cases in sorted(sets.items())
        ]
        return CoachingSets(items=items, complete_through=head.complete_through)

    async def _coached(self, through: int) -> list[Review]:
        """The reviews of which something was noted for a set, among the newest notes."""
        wanted = RecordFilter(action="review.noted")
        page = Page(_STRETCH * _MOST_STRETCHES, "desc", None, through)
        records = await self._log.records(self._caller.workspace, wanted, page)
        ids = [str(r.data.get("review_id")) for r in records if r.data.get("coaching_set")]
        return await load_reviews(self._log, self._caller.workspace, ids)


async def reviews_in(log: Log, workspace: str, case_ids: Sequence[str]) -> list[Review]:
    """Every review of these cases, by when it was opened."""
    ids: list[str] = []
    for case_id in case_ids:
        wanted = RecordFilter(action=OPENED, case_id=case_id)
        records = await log.records(workspace, wanted, Page(_STRETCH, "asc"))
        ids += [str(record.data.get("review_id")) for record in records]
    return await load_reviews(log, workspace, ids)


def told_review(review: Review) -> ReviewView:
    """A review as a list shows it."""
    return ReviewView.model_validate(_view(review))


def told_whole(review: Review, caller: Caller, complete_through: int) -> ReviewAnswer:
    """A review as it is shown to the caller, with all that was said."""
    asked = {criterion.id: criterion for criterion in review.card.criteria}
    scores = [
        ReviewScore(
            criterion=score.criterion,
            title=asked[score.criterion].title,
            points=score.points,
            most=asked[score.criterion].points,
            cites=score.cites,
            comment=review.comments.get(score.criterion) if caller.reads_text else None,
        )
        for score in review.scores.values()
        if score.criterion in asked
    ]
    return ReviewAnswer.model_validate(
        {
            **_view(review),
            "card": review.card,
            "scores": scores,
            "entries": [_entry(note, caller) for note in review.notes],
            "tree": review.tree,
            "holes": _HOLES.validate_python(review.holes, from_attributes=True),
            "complete_through": complete_through,
        }
    )


def _view(review: Review) -> dict[str, object]:
    return {
        "review_id": review.review_id,
        "case_id": review.case_id,
        "about": review.about,
        "reviewer": plain(review.reviewer),
        "scorecard": review.card.name,
        "status": review.status,
        "total": review.total,
        "sample_id": review.sample_id,
        "coaching_sets": review.coaching_sets,
        "opened_at": review.opened_at,
        "opened_seq": review.opened_seq,
        "version": review.version,
    }


def _entry(note: Note, caller: Caller) -> ReviewEntry:
    return ReviewEntry.model_validate(
        {
            **{name: getattr(note, name) for name in ("seq", "at", "action", "kind", "verdict")},
            "actor": plain(note.actor),
            "criteria": list(note.criteria),
            "cites": list(note.cites),
            "coaching_set": note.coaching_set,
            "total": note.total,
            "text": note.text if caller.reads_text else None,
        }
    )


def _coaching(review: Review, note: Note, caller: Caller) -> CoachingCase:
    return CoachingCase.model_validate(
        {
            "review_id": review.review_id,
            "case_id": review.case_id,
            "about": review.about,
            "note": note.text if caller.reads_text else None,
            "cites": list(note.cites),
            "by": plain(note.actor),
            "at": note.at,
            "seq": note.seq,
        }
    )
