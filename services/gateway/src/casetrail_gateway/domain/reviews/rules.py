"""Who may do what to a review, and when."""

from typing import Final

from casetrail_contracts.reviews_api import NoteReviewBody

from casetrail_gateway.domain.errors import Fault, NotPermitted, ReviewState
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.reviews.review import Review

_QUALITY: Final = frozenset({"lead", "reviewer", "admin"})


def may_see(caller: Caller, about: str) -> Fault | None:
    """The refusal, when a review is not for this person: agents see those of their own work."""
    if caller.role != "agent" or about == caller.ref:
        return None
    return NotPermitted("An agent sees the reviews of their own work only.")


def may_score(caller: Caller, review: Review) -> Fault | None:
    """Why they may not score it (now)."""
    if review.reviewer_id != caller.id:
        return NotPermitted("A review is scored by who opened it; open one of your own.")
    if review.status != "open":
        return ReviewState("The review is scored already; a dispute can change its scores.")
    return None


def may_note(caller: Caller, review: Review, body: NoteReviewBody) -> Fault | None:
    """Why they may not say this about it."""
    if (fault := may_see(caller, review.about)) is not None:
        return fault
    coaching = body.kind == "coaching" or body.coaching_set is not None
    if body.kind != "note" and caller.role not in _QUALITY:
        return NotPermitted(f"Leads and reviewers write a {body.kind}; write a note.")
    if body.coaching_set is not None and body.kind != "coaching":
        return ReviewState("A coaching set takes advice: send it with the kind coaching.")
    if coaching and caller.ref == review.about:
        return NotPermitted("Nobody coaches themselves.")
    if body.kind == "rebuttal" and review.status != "disputed":
        return ReviewState("Nothing is disputed, so there is nothing to rebut.")
    return None


def may_dispute(caller: Caller, review: Review, criteria: list[str]) -> Fault | None:
    """Why they may not dispute these scores (now)."""
    if caller.ref != review.about:
        return NotPermitted("A review is disputed by whose work it is about.")
    if review.status == "open":
        return ReviewState("The review is not scored yet.")
    if review.status != "scored":
        return ReviewState(f"The review is {review.status} already.")
    unknown = [name for name in criteria if name not in review.scores]
    if unknown:
        return ReviewState(f"The review has no score for {', '.join(unknown)}.")
    return None


def may_resolve(caller: Caller, review: Review) -> Fault | None:
    """Why they may not decide the dispute (now)."""
    if caller.ref == review.about:
        return NotPermitted("Nobody decides about their own work.")
    if caller.id == review.reviewer_id:
        return NotPermitted("A dispute is decided by somebody else than who scored.")
    if review.status != "disputed":
        return ReviewState("Nothing is disputed.")
    return None
