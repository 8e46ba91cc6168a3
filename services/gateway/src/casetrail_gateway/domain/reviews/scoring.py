"""What a scorecard makes of the scores that were given."""

from collections.abc import Mapping, Sequence

from casetrail_contracts.registry.review import Cited, Criterion, Score, Scorecard
from casetrail_contracts.reviews_api import GivenScore

from casetrail_gateway.domain.errors import ScoresInvalid

Cites = Mapping[int, Cited]
"""The records of the case that may be cited, by sequence."""


def score_all(card: Scorecard, given: Sequence[GivenScore], cites: Cites) -> list[Score]:
    """The scores in the order of the card.

    Raises:
        ScoresInvalid: a question is not answered, or one that is not asked is.
    """
    scores = _checked(card, given, cites)
    missing = [criterion.id for criterion in card.criteria if criterion.id not in scores]
    if missing:
        raise ScoresInvalid(
            f"The scorecard also asks for {', '.join(missing)}: give points, or null where the "
            "question does not apply."
        )
    return [scores[criterion.id] for criterion in card.criteria]


def score_again(
    card: Scorecard,
    scores: Mapping[str, Score],
    given: Sequence[GivenScore],
    cites: Cites,
    disputed: Sequence[str],
) -> list[Score]:
    """All scores after a dispute, with those that were given anew.

    Raises:
        ScoresInvalid: nothing changes, or something that was not disputed would.
    """
    changed = _checked(card, given, cites)
    beyond = sorted(set(changed) - set(disputed))
    if beyond:
        raise ScoresInvalid(f"{', '.join(beyond)} was not disputed: only what was is decided.")
    if all(scores[name].points == score.points for name, score in changed.items()):
        raise ScoresInvalid("No score changes: give the new points, or uphold the review.")
    after = {**scores, **changed}
    return [after[criterion.id] for criterion in card.criteria if criterion.id in after]


def total_of(card: Scorecard, scores: Sequence[Score]) -> float | None:
    """Percent of what could be reached, weighted; one decimal.

    Questions that do not apply count for nothing; nothing given for a critical one makes it 0.
    """
    given = {score.criterion: score.points for score in scores}
    reached = possible = 0.0
    for criterion in card.criteria:
        points = given.get(criterion.id)
        if points is None:
            continue
        if criterion.critical and points == 0:
            return 0.0
        reached += criterion.weight * points / criterion.points
        possible += criterion.weight
    return round(100 * reached / possible, 1) if possible else None


def _checked(card: Scorecard, given: Sequence[GivenScore], cites: Cites) -> dict[str, Score]:
    asked = {criterion.id: criterion for criterion in card.criteria}
    scores: dict[str, Score] = {}
    for each in given:
        criterion = asked.get(each.criterion)
        if criterion is None:
            raise ScoresInvalid(
                f"The scorecard does not ask for {each.criterion}; it asks for {', '.join(asked)}."
            )
        if each.criterion in scores:
            raise ScoresInvalid(f"{each.criterion} is scored twice.")
        _check(criterion, each)
        named = [cites[seq] for seq in dict.fromkeys(each.cites)]
        scores[each.criterion] = Score(criterion=each.criterion, points=each.points, cites=named)
    return scores


def _check(criterion: Criterion, given: GivenScore) -> None:
    if given.points is None:
        return
    if given.points > criterion.points:
        raise ScoresInvalid(f"{criterion.id} gives at most {criterion.points} points.")
    if not given.cites:
        raise ScoresInvalid(
            f"{criterion.id} is scored without evidence: cite at least one record of the case."
        )
