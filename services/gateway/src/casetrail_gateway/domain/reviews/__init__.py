"""Quality reviews: a fold of their events, and the rules of what may happen to them next."""

from casetrail_gateway.domain.reviews import rules
from casetrail_gateway.domain.reviews.review import Note, Review, reviews_of
from casetrail_gateway.domain.reviews.scoring import score_again, score_all, total_of

__all__ = ["Note", "Review", "reviews_of", "rules", "score_again", "score_all", "total_of"]
