"""Sentences about quality reviews."""

from typing import Final

from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import because, count_of, part_of, plural, text_of, words


def _about(told: Told) -> str:
    return text_of(told.data, "about") or "somebody"


def _total(told: Told) -> str:
    total = told.data.get("total")
    known = isinstance(total, int | float) and not isinstance(total, bool)
    return f"{total:g} %" if known else "no score"


def _sampled(told: Told) -> str:
    drawn = told.data.get("drawn")
    cases = plural(len(drawn) if isinstance(drawn, list) else 0, "case")
    method = "by risk" if text_of(told.data, "method") == "risk" else "at random"
    population = count_of(told.data, "population")
    sentence = f"{cases} drawn {method}"
    if population is not None:
        sentence += f" from {population}"
    purpose = text_of(told.data, "purpose")
    return f"{sentence}, for calibration" if purpose == "calibration" else sentence


def _opened(told: Told) -> str:
    card = part_of(told.data, "scorecard")
    name = text_of(card, "title") or text_of(card, "name")
    by = "" if name is None else f", by the scorecard {name}"
    return f"Quality review of {_about(told)} opened{by}"


def _scored(told: Told) -> str:
    return f"Quality review of {_about(told)} scored: {_total(told)}"


def _noted(told: Told) -> str:
    kind = text_of(told.data, "kind")
    named = {"coaching": "Advice to", "rebuttal": "Answer to the dispute of"}
    sentence = f"{named.get(kind or '', 'Note on the quality review of')} {_about(told)}"
    in_set = text_of(told.data, "coaching_set")
    if in_set is not None:
        sentence += f", for the coaching set {words(in_set)}"
    return sentence + told.quote("note", empty="without words")


def _disputed(told: Told) -> str:
    criteria = told.data.get("criteria")
    names = [words(str(each)) for each in criteria] if isinstance(criteria, list) else []
    what = f" ({', '.join(names)})" if names else ""
    return because(f"Quality review disputed{what}", told.reason)


def _resolved(told: Told) -> str:
    verdict = text_of(told.data, "verdict") or "decided"
    score = "" if verdict == "withdrawn" else f", {_total(told)}"
    return because(f"Dispute of the quality review decided: {verdict}{score}", told.reason)


REVIEW_SENTENCES: Final[dict[str, Sentence]] = {
    "review.sampled": _sampled,
    "review.opened": _opened,
    "review.scored": _scored,
    "review.noted": _noted,
    "review.disputed": _disputed,
    "review.resolved": _resolved,
}
