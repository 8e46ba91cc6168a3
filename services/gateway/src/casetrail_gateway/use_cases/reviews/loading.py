"""Reviews read from the log, and the sealed log they point into."""

import asyncio
from collections.abc import Sequence
from typing import Final

from casetrail_contracts.registry.review import TreeHead

from casetrail_gateway.domain.errors import EvidenceNotReady
from casetrail_gateway.domain.reviews import Review, reviews_of
from casetrail_gateway.ports import Log
from casetrail_gateway.use_cases.finding import Finder

_PAUSE: Final = 0.05


async def load_review(log: Log, workspace: str, review_id: str) -> Review | None:
    """The review as the log tells it; None when it tells of none."""
    found = await load_reviews(log, workspace, [review_id])
    return found[0] if found else None


async def load_reviews(log: Log, workspace: str, review_ids: Sequence[str]) -> list[Review]:
    """These reviews, by when they were opened."""
    if not review_ids:
        return []
    targets = [f"review/{review_id}" for review_id in dict.fromkeys(review_ids)]
    return reviews_of(await log.records_about(workspace, targets))


async def sealed(log: Log, finder: Finder, seq: int = 0) -> TreeHead:
    """The sealed log, once the record of this sequence is below its size.

    Raises:
        EvidenceNotReady: the record is not sealed yet, after the finder's patience.
    """
    deadline = asyncio.get_running_loop().time() + finder.patience
    while True:
        head = await log.head()
        if head.root is not None and head.size > max(0, seq - head.first_seq):
            return TreeHead(size=head.size, root=head.root)
        if asyncio.get_running_loop().time() > deadline:
            raise EvidenceNotReady(
                "A review points into the sealed log, and what it would point at is not sealed "
                "yet. Try again in a moment."
            )
        await asyncio.sleep(_PAUSE)
