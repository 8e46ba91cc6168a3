"""A review as the log tells it: the fold of the events of `review/<id>`, in order of version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from casetrail_contracts.registry.review import (
    Cited,
    NoteKind,
    ReviewDisputed,
    ReviewNoted,
    ReviewOpened,
    ReviewResolved,
    ReviewScored,
    Score,
    Scorecard,
    TreeHead,
    Verdict,
)
from casetrail_contracts.reviews_api import Status

from casetrail_gateway.domain.log import Hole, Record

OPENED: Final = "review.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that happened to a review; `text` is personal."""

    seq: int
    at: datetime
    actor: Mapping[str, Any] | None
    action: str
    kind: NoteKind | None = None
    verdict: Verdict | None = None
    criteria: tuple[str, ...] = ()
    cites: tuple[Cited, ...] = ()
    coaching_set: str | None = None
    total: float | None = None
    text: str | None = None


@dataclass(slots=True, kw_only=True)
class Review:
    """The state of a review."""

    review_id: str
    case_id: str
    conversation_id: str | None
    about: str
    reviewer: Mapping[str, Any] | None
    card: Scorecard
    tree: TreeHead
    sample_id: str | None
    opened_at: datetime
    opened_seq: int
    version: int
    status: Status = "open"
    scores: dict[str, Score] = field(default_factory=dict)
    first_scores: dict[str, Score] = field(default_factory=dict)
    """As they were given, before any dispute."""
    total: float | None = None
    first_total: float | None = None
    comments: dict[str, str] = field(default_factory=dict)
    disputed: tuple[str, ...] = ()
    notes: list[Note] = field(default_factory=list)
    commands: set[str] = field(default_factory=set)
    """The ids of the commands that it has carried out."""
    holes: list[Hole] = field(default_factory=list)

    @property
    def reviewer_id(self) -> str | None:
        """Who opened it and scores it."""
        id_ = (self.reviewer or {}).get("id")
        return id_ if isinstance(id_, str) else None

    @property
    def coaching_sets(self) -> list[str]:
        """The sets it belongs to, by name."""
        return sorted({note.coaching_set for note in self.notes if note.coaching_set})


def reviews_of(records: Iterable[Record]) -> list[Review]:
    """The reviews that these records tell of, by when they were opened.

    A review whose first event is missing (or archived) is not among them. A version that is
    missing further on is a hole of the review.
    """
    ordered = sorted(records, key=lambda r: (r.target or "", r.version or 0, r.seq))
    folded = (_folded(list(each)) for _, each in groupby(ordered, key=lambda r: r.target))
    return sorted((each for each in folded if each is not None), key=lambda r: r.opened_seq)


def _folded(records: Sequence[Record]) -> Review | None:
    review: Review | None = None
    for record in records:
        if review is None:
            review = _begun(record)
            continue
        version = record.version or 0
        if version <= review.version:
            continue
        if version > review.version + 1:
            subject = f"review/{review.review_id}"
            review.holes.append(Hole(subject, review.version + 1, version - 1, record.seq))
        _step(review, record)
        review.version = version
        if record.causation_id is not None:
            review.commands.add(record.causation_id)
    return review


def _begun(record: Record) -> Review | None:
    if record.action != OPENED or record.version != 1 or record.case_id is None:
        return None
    data = _data(ReviewOpened, record)
    if data is None:
        return None
    return Review(
        review_id=data.review_id,
        case_id=record.case_id,
        conversation_id=record.conversation_id,
        about=data.about,
        reviewer=record.actor,
        card=data.scorecard,
        tree=data.tree,
        sample_id=data.sample_id,
        opened_at=record.at,
        opened_seq=record.seq,
        version=1,
        notes=[_note(record)],
        commands=set() if record.causation_id is None else {record.causation_id},
    )


def _step(review: Review, record: Record) -> None:
    match record.action:
        case "review.scored":
            _scored(review, record)
        case "review.noted":
            noted = _data(ReviewNoted, record)
            if noted is not None:
                more = {"kind": noted.kind, "coaching_set": noted.coaching_set}
                review.notes.append(_note(record, "note", cites=tuple(noted.cites), **more))
        case "review.disputed":
            disputed = _data(ReviewDisputed, record)
            if disputed is not None:
                review.status, review.disputed = "disputed", tuple(disputed.criteria)
                cites = tuple(disputed.cites)
                review.notes.append(_note(record, "reason", criteria=review.disputed, cites=cites))
        case "review.resolved":
            resolved = _data(ReviewResolved, record)
            if resolved is not None:
                review.status, review.total = "resolved", resolved.total
                review.scores = {score.criterion: score for score in resolved.scores}
                review.tree = resolved.tree
                review.comments |= _comments(record)
                told = {"verdict": resolved.verdict, "total": resolved.total}
                review.notes.append(_note(record, "reason", **told))


def _scored(review: Review, record: Record) -> None:
    scored = _data(ReviewScored, record)
    if scored is None:
        return
    review.status, review.total, review.tree = "scored", scored.total, scored.tree
    review.scores = {score.criterion: score for score in scored.scores}
    review.first_scores, review.first_total = dict(review.scores), scored.total
    review.comments |= _comments(record)
    review.notes.append(_note(record, total=scored.total))


def _note(record: Record, text: str | None = None, **more: Any) -> Note:
    said = None if text is None else record.private.get(text)
    return Note(
        seq=record.seq,
        at=record.at,
        actor=record.actor,
        action=record.action or "",
        text=said if isinstance(said, str) else None,
        **more,
    )


def _comments(record: Record) -> dict[str, str]:
    said = record.private.get("comments")
    pairs = said.items() if isinstance(said, Mapping) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}


Data = ReviewOpened | ReviewScored | ReviewNoted | ReviewDisputed | ReviewResolved


def _data(model: type[Any], record: Record) -> Any:
    """The typed fields of the event; None for one that another version or team wrote otherwise."""
    try:
        return model.model_validate({**record.data, "actor": record.actor})
    except ValueError:  # of another version or team
        return None
