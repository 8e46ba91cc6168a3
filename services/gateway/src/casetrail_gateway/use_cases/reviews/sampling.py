"""Samples of cases for review: drawn from the sealed log, and drawn again whenever they are read.

The population and the weights are a pure function of the log below the tree's size, the seed one of
its root, and the draw one of both (`casetrail_contracts.sampling`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Event
from casetrail_contracts.agreement import alpha, exact
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.review import Drawn, Method, ReviewSampled, TreeHead
from casetrail_contracts.reviews_api import (
    AgreementAnswer,
    CriterionAgreement,
    DrawSampleBody,
    Redrawn,
    SampleAnswer,
    SampleCase,
    SamplePage,
    SampleView,
)
from casetrail_contracts.sampling import (
    METHOD_VERSION,
    WEIGHTS,
    digest_of,
    draw,
    seed_of,
    weight_of,
)
from pydantic import ValidationError

from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import (
    NotFound,
    PopulationTooLarge,
    QueryNotUnderstood,
)
from casetrail_gateway.domain.log import Head, Page, Record, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.reviews import Review
from casetrail_gateway.ports import Log, WorkRecords
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import SOURCE, Look, actor_of
from casetrail_gateway.use_cases.refusing import Refusals
from casetrail_gateway.use_cases.reviews.loading import sealed
from casetrail_gateway.use_cases.reviews.reading import reviews_in

MOST_CASES: Final = 20_000
"""Cases of a population: each read of the sample counts them again."""
_GIVEN: Final = ("conversation.assigned", "conversation.transferred")
_AT_ONCE: Final = 1000
_SAMPLED: Final = "review.sampled"
_SHARED: Final = set(SampleView.model_fields) & set(ReviewSampled.model_fields)


async def population_of(
    work: WorkRecords,
    workspace: str,
    *,
    opened_from: datetime,
    opened_to: datetime,
    held_by: str | None,
    method: Method,
    through: int,
) -> dict[str, int]:
    """The cases a sample is drawn from, each with its weight: what the log up to there says.

    Raises:
        PopulationTooLarge: there are more than `MOST_CASES`.
    """
    cases = await work.opened(
        workspace, opened_from, opened_to, through=through, limit=MOST_CASES + 1
    )
    if len(cases) > MOST_CASES:
        raise PopulationTooLarge(
            f"More than {MOST_CASES} cases were opened then: choose a shorter time."
        )
    actions = (*WEIGHTS, *_GIVEN)
    seen: dict[str, set[str]] = {case_id: set() for case_id in cases}
    held: set[str] = set()
    for first in range(0, len(cases), _AT_ONCE):
        some = cases[first : first + _AT_ONCE]
        for case_id, action, owner in await work.happened(
            workspace, some, actions, through=through
        ):
            seen[case_id].add(action)
            if action in _GIVEN and owner == held_by:
                held.add(case_id)
    wanted = seen if held_by is None else {case_id: seen[case_id] for case_id in held}
    return {case_id: weight_of(acts) if method == "risk" else 1 for case_id, acts in wanted.items()}


class DrawSample:
    """Draws a sample; the draw is an event with everything that is needed to draw it again."""

    def __init__(self, log: Log, work: WorkRecords, finder: Finder, refusals: Refusals) -> None:
        self._log = log
        self._work = work
        self._finder = finder
        self._refusals = refusals

    async def __call__(self, body: DrawSampleBody, idempotency_key: str | None) -> Record:
        """The record of the draw; the same key of the same person gives the same one."""
        caller = self._refusals.caller
        key = idempotency_key or self._refusals.clock.new_id()
        event_id = derive_id(caller.workspace, caller.role, caller.id, "draw-sample", key)
        sample_id = "sa_" + event_id.replace("-", "")[:24]
        await self._refusals.allow(None, "draw-sample", f"sample/{sample_id}")
        if body.opened_from >= body.opened_to:
            raise QueryNotUnderstood("opened_from has to be before opened_to.")
        known = await sample_record(self._log, caller.workspace, sample_id)
        if known is not None:
            return known
        tree = await sealed(self._log, self._finder)
        data = await self._drawn(sample_id, body, tree)
        event = Event.build(
            data,
            workspace=caller.workspace,
            source=SOURCE,
            subject=f"sample/{sample_id}",
            time=self._refusals.clock.now(),
            id=event_id,
            correlationid=self._refusals.correlation_id,
        )
        await self._refusals.stream.record(event)
        await self._finder.catch_up()
        record = await sample_record(self._log, caller.workspace, sample_id)
        if record is None:
            raise NotFound("sample", "The sample is drawn and not readable yet. Read it again.")
        return record

    async def _drawn(self, sample_id: str, body: DrawSampleBody, tree: TreeHead) -> ReviewSampled:
        held_by = None if body.held_by is None else f"agent:{body.held_by}"
        head = await self._log.head()
        weights = await population_of(
            self._work,
            self._refusals.caller.workspace,
            opened_from=body.opened_from,
            opened_to=body.opened_to,
            held_by=held_by,
            method=body.method,
            through=head.first_seq + tree.size - 1,
        )
        seed = seed_of(tree.root, sample_id)
        return ReviewSampled(
            actor=actor_of(self._refusals.caller),
            sample_id=sample_id,
            purpose=body.purpose,
            method=body.method,
            method_version=METHOD_VERSION,
            seed=seed,
            tree=tree,
            opened_from=body.opened_from,
            opened_to=body.opened_to,
            held_by=held_by,
            population=len(weights),
            population_digest=digest_of(weights),
            drawn=[
                Drawn(case_id=case_id, weight=weights[case_id])
                for case_id in draw(seed, weights, body.size)
            ],
        )


async def sample_record(log: Log, workspace: str, sample_id: str) -> Record | None:
    """The record of a draw; None when there is none."""
    found = await log.records_about(workspace, [f"sample/{sample_id}"])
    return found[0] if found else None


class _OfSample:
    """A read of a sample."""

    what: str

    def __init__(self, log: Log, caller: Caller, sample_id: str) -> None:
        self._log = log
        self._caller = caller
        self._sample_id = sample_id

    async def look(self) -> Look:
        """The sample."""
        record = await sample_record(self._log, self._caller.workspace, self._sample_id)
        if record is not None:
            return Look(what=self.what, target=f"sample/{self._sample_id}")
        fault = NotFound("sample", f"There is no sample {self._sample_id}.")
        query = {"sample": self._sample_id}
        return Look(what=self.what, target="sample/unknown", query=query, fault=fault)

    async def _sample(self) -> tuple[Record, ReviewSampled]:
        record = await sample_record(self._log, self._caller.workspace, self._sample_id)
        sampled = None if record is None else _sampled(record)
        if record is None or sampled is None:
            raise NotFound("sample", f"There is no sample {self._sample_id}.")
        return record, sampled


class ListSamples:
    """A page of samples, the newest first."""

    def __init__(self, log: Log, caller: Caller, limit: int, cursor: str | None) -> None:
        self._log = log
        self._caller = caller
        self._limit = limit
        self._list = cursors.fingerprint("samples", {})
        self._after = None if cursor is None else cursors.decode(self._list, cursor)

    async def look(self) -> Look:
        """A look at the samples."""
        return Look(what="samples", filters={})

    async def answer(self) -> SamplePage:
        """The page."""
        head = await self._log.head()
        page = Page(self._limit + 1, "desc", self._after, head.complete_through)
        wanted = RecordFilter(action=_SAMPLED)
        records = await self._log.records(self._caller.workspace, wanted, page)
        shown = records[: self._limit]
        told = [(record, _sampled(record)) for record in shown]
        more = len(records) > self._limit
        return SamplePage(
            items=[
                SampleView.model_validate(_view(record, sampled))
                for record, sampled in told
                if sampled is not None
            ],
            next_cursor=cursors.encode(self._list, shown[-1].seq) if more else None,
            complete_through=head.complete_through,
        )


class ReadSample(_OfSample):
    """A sample with its reviews, drawn once more to show that it can be."""

    what = "sample"

    def __init__(self, log: Log, work: WorkRecords, caller: Caller, sample_id: str) -> None:
        super().__init__(log, caller, sample_id)
        self._work = work

    async def answer(self) -> SampleAnswer:
        """The sample; `redrawn` says whether the log still gives the same."""
        head = await self._log.head()
        drawn = await self._sample()
        return await _tell(self._log, self._work, self._caller.workspace, drawn, head)


async def read_drawn(log: Log, work: WorkRecords, workspace: str, record: Record) -> SampleAnswer:
    """A sample that was drawn a moment ago."""
    sampled = _sampled(record)
    assert sampled is not None
    return await _tell(log, work, workspace, (record, sampled), await log.head())


async def _tell(
    log: Log, work: WorkRecords, workspace: str, drawn: tuple[Record, ReviewSampled], head: Head
) -> SampleAnswer:
    record, sampled = drawn
    weights = await population_of(
        work,
        workspace,
        opened_from=sampled.opened_from,
        opened_to=sampled.opened_to,
        held_by=sampled.held_by,
        method=sampled.method,
        through=head.first_seq + sampled.tree.size - 1,
    )
    seed, digest = seed_of(sampled.tree.root, sampled.sample_id), digest_of(weights)
    again = draw(seed, weights, len(sampled.drawn))
    same = (seed, digest, len(weights), again) == (
        sampled.seed,
        sampled.population_digest,
        sampled.population,
        [each.case_id for each in sampled.drawn],
    )
    reviews = await _reviews(log, workspace, sampled)
    cases = [
        SampleCase(
            case_id=each.case_id,
            weight=each.weight,
            review_ids=[r.review_id for r in reviews if r.case_id == each.case_id],
        )
        for each in sampled.drawn
    ]
    redrawn = Redrawn(agrees=same, population=len(weights), population_digest=digest, drawn=again)
    return SampleAnswer.model_validate(
        {
            **_view(record, sampled),
            "cases": cases,
            "redrawn": redrawn,
            "complete_through": head.complete_through,
        }
    )


def _view(record: Record, sampled: ReviewSampled) -> dict[str, Any]:
    return {
        **sampled.model_dump(include=_SHARED),
        "case_ids": [each.case_id for each in sampled.drawn],
        "drawn_by": sampled.actor,
        "drawn_at": record.at,
        "seq": record.seq,
    }


class ReadAgreement(_OfSample):
    """How far those who scored the cases of a sample agree."""

    what = "agreement"

    async def answer(self) -> AgreementAnswer:
        """Agreement by criterion and in the total, from the first scores, before any dispute."""
        head = await self._log.head()
        _, sampled = await self._sample()
        found = await _reviews(self._log, self._caller.workspace, sampled)
        scored = _first_of_each([review for review in found if review.first_scores])
        criteria = list(dict.fromkeys(name for review in scored for name in review.first_scores))
        rows = [
            _agreement(name, scored, {r.review_id: _points(r, name) for r in scored})
            for name in criteria
        ]
        totals: Mapping[str, float | None] = {r.review_id: r.first_total for r in scored}
        return AgreementAnswer(
            sample_id=self._sample_id,
            reviewers=sorted({review.reviewer_id or "" for review in scored}),
            reviews=len(scored),
            criteria=[*rows, _agreement("total", scored, totals)] if scored else [],
            complete_through=head.complete_through,
        )


def _points(review: Review, criterion: str) -> int | None:
    score = review.first_scores.get(criterion)
    return None if score is None else score.points


def _first_of_each(reviews: Sequence[Review]) -> list[Review]:
    """The first review of each reviewer of each case by each version of a card."""
    first: dict[Any, Review] = {}
    for review in reviews:
        first.setdefault((review.case_id, review.reviewer_id, review.card.version), review)
    return list(first.values())


def _agreement(
    name: str, reviews: Sequence[Review], given: Mapping[str, int | float | None]
) -> CriterionAgreement:
    units: dict[tuple[str, str], list[int | float]] = {}
    for review in reviews:
        value = given.get(review.review_id)
        if value is not None:
            units.setdefault((review.case_id, review.card.version), []).append(value)
    compared = [unit for unit in units.values() if len(unit) > 1]
    return CriterionAgreement(
        criterion=name, cases=len(compared), exact=exact(compared), alpha=alpha(compared)
    )


async def _reviews(log: Log, workspace: str, sampled: ReviewSampled) -> list[Review]:
    every = await reviews_in(log, workspace, [each.case_id for each in sampled.drawn])
    return [review for review in every if review.sample_id == sampled.sample_id]


def _sampled(record: Record) -> ReviewSampled | None:
    try:
        return ReviewSampled.model_validate({**record.data, "actor": record.actor})
    except ValidationError:
        return None
