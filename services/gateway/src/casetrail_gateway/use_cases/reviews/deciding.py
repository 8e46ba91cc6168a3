"""What people do to a review: each step is one event, and its version is claimed on the stream.

The event of version n has an id made of the review and n. Two people who decide on the same version
publish the same id; JetStream takes the first and says so to the second, who decides anew on what
stands then. See docs/adr/0036-reviews-live-in-the-log.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from casetrail_contracts import Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.review import (
    Cited,
    ReviewDisputed,
    ReviewNoted,
    ReviewOpened,
    ReviewResolved,
    ReviewScored,
    Scorecard,
    TreeHead,
)
from casetrail_contracts.reviews_api import (
    DisputeReviewBody,
    GivenScore,
    NoteReviewBody,
    OpenReviewBody,
    ResolveReviewBody,
    ScoreReviewBody,
)

from casetrail_gateway.domain.errors import (
    CitesInvalid,
    Fault,
    LogBehind,
    MovedOn,
    NotFound,
    NotPermitted,
    ReviewState,
    ScoresInvalid,
)
from casetrail_gateway.domain.log import Case
from casetrail_gateway.domain.reviews import Review, rules, score_again, score_all, total_of
from casetrail_gateway.ports import EventStream, Log
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import SOURCE, actor_of
from casetrail_gateway.use_cases.refusing import Refusals
from casetrail_gateway.use_cases.reviews.loading import load_review, sealed

_ATTEMPTS: Final = 5
_RECORDED: Final = (NotPermitted, ReviewState, ScoresInvalid, CitesInvalid, MovedOn)
"""Refusals that say something about the work, and so stand in the log."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a decision adds to a review."""

    data: EventData
    private: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReviews:
    """The steps of a review, for one caller."""

    log: Log
    finder: Finder
    stream: EventStream
    refusals: Refusals
    scorecards: Mapping[str, Scorecard]
    idempotency_key: str | None = None
    expected_version: int | None = None

    async def open(self, case_id: str, body: OpenReviewBody) -> Review:
        """A new review of somebody's work on a case, pinned to the sealed log of now."""
        caller = self.refusals.caller
        about = f"agent:{body.about}"
        found = await self.finder.case(caller, case_id)
        fault = found.fault or await self._cannot_open(found.case, about, body)
        target = f"case/{case_id}"
        await self._allow(fault, "open-review", target)
        assert found.case is not None
        card = self.scorecards[body.scorecard]
        command_id = self._command_id("open", case_id)
        review_id = "rv_" + command_id.replace("-", "")[:24]
        tree = await sealed(self.log, self.finder)
        data = ReviewOpened(
            actor=actor_of(caller),
            review_id=review_id,
            about=about,
            scorecard=card,
            tree=tree,
            sample_id=body.sample_id,
        )
        event = self._event(review_id, 1, Step(data), command_id, found.case)
        await self.stream.store(event)
        return await self._after(review_id)

    async def score(self, review_id: str, body: ScoreReviewBody) -> Review:
        """The review with an answer to every question."""
        evidence = _cited(body.scores)

        def decide(review: Review, cites: Mapping[int, Cited], tree: TreeHead) -> Step:
            scores = score_all(review.card, body.scores, cites)
            data = ReviewScored(
                actor=actor_of(self.refusals.caller),
                review_id=review_id,
                about=review.about,
                scores=scores,
                total=total_of(review.card, scores),
                tree=tree,
            )
            return Step(data, _comments(body.scores))

        caller = self.refusals.caller
        return await self._step(
            "score", review_id, lambda r: rules.may_score(caller, r), decide, evidence
        )

    async def note(self, review_id: str, body: NoteReviewBody) -> Review:
        """The review with a note, advice or the answer to a dispute."""

        def decide(review: Review, cites: Mapping[int, Cited], _: TreeHead) -> Step:
            data = ReviewNoted(
                actor=actor_of(self.refusals.caller),
                review_id=review_id,
                about=review.about,
                kind=body.kind,
                coaching_set=body.coaching_set,
                cites=list(cites.values()),
            )
            return Step(data, {"note": body.note})

        caller = self.refusals.caller
        return await self._step(
            "note", review_id, lambda r: rules.may_note(caller, r, body), decide, body.cites
        )

    async def dispute(self, review_id: str, body: DisputeReviewBody) -> Review:
        """The review, disputed by whose work it is about."""
        criteria = list(dict.fromkeys(body.criteria))

        def decide(review: Review, cites: Mapping[int, Cited], _: TreeHead) -> Step:
            data = ReviewDisputed(
                actor=actor_of(self.refusals.caller),
                review_id=review_id,
                about=review.about,
                criteria=criteria,
                cites=list(cites.values()),
            )
            return Step(data, {"reason": body.reason})

        caller = self.refusals.caller
        return await self._step(
            "dispute",
            review_id,
            lambda r: rules.may_dispute(caller, r, criteria),
            decide,
            body.cites,
        )

    async def resolve(self, review_id: str, body: ResolveReviewBody) -> Review:
        """The review with its dispute decided."""
        evidence = _cited(body.scores)

        def decide(review: Review, cites: Mapping[int, Cited], tree: TreeHead) -> Step:
            card, stand = review.card, list(review.scores.values())
            if body.verdict == "changed":
                stand = score_again(card, review.scores, body.scores, cites, review.disputed)
            elif body.scores:
                raise ScoresInvalid("Scores are given with the verdict changed only.")
            if body.verdict == "withdrawn":
                stand = []
            data = ReviewResolved(
                actor=actor_of(self.refusals.caller),
                review_id=review_id,
                about=review.about,
                verdict=body.verdict,
                scores=stand,
                total=total_of(card, stand),
                tree=tree if body.verdict == "changed" else review.tree,
            )
            return Step(data, {"reason": body.reason, **(_comments(body.scores) or {})})

        caller = self.refusals.caller
        return await self._step(
            "resolve", review_id, lambda r: rules.may_resolve(caller, r), decide, evidence
        )

    async def _step(
        self,
        verb: str,
        review_id: str,
        refusal: Callable[[Review], Fault | None],
        decide: Callable[[Review, Mapping[int, Cited], TreeHead], Step],
        cited: Sequence[int],
    ) -> Review:
        command_id = self._command_id(verb, review_id)
        for _ in range(_ATTEMPTS):
            review = await self._now(review_id)
            if review is None:
                fault: Fault = NotFound("review", f"There is no review {review_id}.")
                await self._allow(fault, f"{verb}-review", f"review/{review_id}")
                raise fault
            if command_id in review.commands:
                return review
            case = await self.log.case(self.refusals.caller.workspace, review.case_id)
            where = (f"{verb}-review", f"review/{review_id}")
            await self._allow(refusal(review) or self._moved_on(review), *where)
            tree, cites = review.tree, {}
            if cited:
                cites = await self._evidence(case, cited, where)
                tree = await sealed(self.log, self.finder, max(cited))
            try:
                step = decide(review, cites, tree)
            except (ScoresInvalid, CitesInvalid) as wrong:
                await self._allow(wrong, *where)
                raise
            event = self._event(review_id, review.version + 1, step, command_id, review)
            if await self.stream.store(event):
                return await self._after(review_id)
        raise LogBehind("Others change this review all the time. Try again.")

    async def _now(self, review_id: str) -> Review | None:
        """The review with everything that has happened by now."""
        if not await self.finder.catch_up():
            raise LogBehind(
                "The log is behind what happens, so nothing can be decided on it. Try again."
            )
        return await load_review(self.log, self.refusals.caller.workspace, review_id)

    async def _after(self, review_id: str) -> Review:
        """The review after a step that is stored."""
        review = await self._now(review_id)
        if review is None:
            raise LogBehind("The review is stored and not readable yet. Read it again.")
        return review

    def _moved_on(self, review: Review) -> Fault | None:
        expected = self.expected_version
        if expected is None or expected == review.version:
            return None
        text = f"The review is at version {review.version} ({review.status}), not {expected}: "
        return MovedOn(text + "read it again, then decide.", review.version, None)

    async def _cannot_open(
        self, case: Case | None, about: str, body: OpenReviewBody
    ) -> Fault | None:
        if case is None:
            return None
        caller = self.refusals.caller
        if about == caller.ref:
            return NotPermitted("Nobody reviews their own work.")
        if body.scorecard not in self.scorecards:
            names = ", ".join(sorted(self.scorecards))
            return NotFound(
                "scorecard", f"There is no scorecard {body.scorecard}; there are {names}."
            )
        if about not in case.held_by and case.owner != about:
            return ReviewState(f"{case.case_id} was never with {about}: nothing to review.")
        return None

    async def _evidence(
        self,
        case: Case | None,
        cited: Sequence[int],
        where: tuple[str, str],
    ) -> dict[int, Cited]:
        """The cited records of the case; a refusal for any that is no part of it."""
        workspace, seqs = self.refusals.caller.workspace, list(dict.fromkeys(cited))
        records = {each.seq: each for each in await self.log.records_of(workspace, seqs)}
        linked = () if case is None else await self.log.tickets_concerning(workspace, case.case_id)
        wrong = [
            seq
            for seq in seqs
            if case is None or seq not in records or not case.cites(records[seq], linked)
        ]
        if wrong:
            said = ", ".join(map(str, wrong))
            fault = CitesInvalid(f"Not part of what happened in the case: record {said}.")
            await self._allow(fault, *where)
        return {seq: Cited(seq=seq, event_id=str(records[seq].event_id)) for seq in seqs}

    async def _allow(self, fault: Fault | None, command: str, target: str) -> None:
        """Nothing, or the fault; like a review its refusals stand beside the case, not in it."""
        await self.refusals.allow(fault, command, target, recorded=_RECORDED)

    def _command_id(self, verb: str, about: str) -> str:
        caller = self.refusals.caller
        key = self.idempotency_key or self.refusals.clock.new_id()
        return derive_id(caller.workspace, caller.role, caller.id, f"{verb}-review", about, key)

    def _event(
        self, review_id: str, version: int, step: Step, command_id: str, of: Case | Review
    ) -> Event:
        return Event.build(
            step.data,
            workspace=self.refusals.caller.workspace,
            source=SOURCE,
            subject=f"review/{review_id}",
            time=self.refusals.clock.now(),
            id=derive_id(self.refusals.caller.workspace, review_id, str(version)),
            sequence=version,
            causationid=command_id,
            correlationid=self.refusals.correlation_id,
            caseid=of.case_id,
            conversationid=of.conversation_id,
            private=None if step.private is None else dict(step.private),
        )


def _cited(scores: Sequence[GivenScore]) -> list[int]:
    return [seq for score in scores for seq in score.cites]


def _comments(scores: Sequence[GivenScore]) -> dict[str, Any] | None:
    comments = {score.criterion: score.comment for score in scores if score.comment is not None}
    return {"comments": comments} if comments else None
