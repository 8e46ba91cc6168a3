"""How far reviewers agree: Krippendorff's alpha with the interval metric.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). 1 is agreement, 0 what
chance would give, below 0 is systematic disagreement; values that are missing are left out.
"""

from collections.abc import Sequence

Number = int | float


def alpha(units: Sequence[Sequence[Number]]) -> float | None:
    """Alpha of what each unit was given, by however many; None when nothing can be compared.

    A unit that only one reviewer judged says nothing of agreement. None also when every value is
    the same: then there is no disagreement that chance could have made.
    """
    pairable = [unit for unit in units if len(unit) > 1]
    values = [value for unit in pairable for value in unit]
    total = len(values)
    expected = _distances(values)
    if total == 0 or expected == 0:
        return None
    observed = sum(_distances(unit) / (len(unit) - 1) for unit in pairable)
    return 1 - (total - 1) * observed / expected


def exact(units: Sequence[Sequence[Number]]) -> float | None:
    """The share of pairs of reviewers who gave the same; None without a pair."""
    same = pairs = 0
    for unit in units:
        for place, one in enumerate(unit):
            for other in unit[place + 1 :]:
                pairs += 1
                same += one == other
    return None if pairs == 0 else same / pairs


def _distances(values: Sequence[Number]) -> float:
    """The sum of squared differences of all ordered pairs: 2 (n Σv² - (Σv)²)."""
    return 2 * (len(values) * sum(v * v for v in values) - sum(values) ** 2)
