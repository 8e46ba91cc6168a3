"""Drawing and agreement, against what they are by definition."""

import math
from collections import Counter

from casetrail_contracts.agreement import alpha, exact
from casetrail_contracts.sampling import digest_of, draw, seed_of, weight_of
from hypothesis import given
from hypothesis import strategies as st

_UNITS = st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=6)


def slow_alpha(units: list[list[int]]) -> float | None:
    """Alpha as the coincidence matrix defines it, value by value."""
    pairable = [unit for unit in units if len(unit) > 1]
    together: Counter[tuple[int, int]] = Counter()
    for unit in pairable:
        for i, one in enumerate(unit):
            for j, other in enumerate(unit):
                if i != j:
                    together[one, other] += 1 / (len(unit) - 1)  # type: ignore[assignment]
    counts: Counter[int] = Counter(value for unit in pairable for value in unit)
    total = sum(counts.values())
    observed = sum(n * (a - b) ** 2 for (a, b), n in together.items())
    expected = sum(counts[a] * counts[b] * (a - b) ** 2 for a in counts for b in counts)
    return None if expected == 0 else 1 - (total - 1) * observed / expected


def test_alpha_of_the_published_example() -> None:
    """Three coders, fifteen units with values missing: 0.811 with the interval metric."""
    nan = None
    coders = (
        (nan, nan, nan, nan, nan, 3, 4, 1, 2, 1, 1, 3, 3, nan, 3),
        (1, nan, 2, 1, 3, 3, 4, 3, nan, nan, nan, nan, nan, nan, nan),
        (nan, nan, 2, 1, 3, 4, 4, nan, 2, 1, 1, 3, 3, nan, 4),
    )
    units = [[v for v in unit if v is not None] for unit in zip(*coders, strict=True)]
    found = alpha(units)
    assert found is not None
    assert round(found, 3) == 0.811


@given(_UNITS)
def test_alpha_is_that_of_the_coincidence_matrix(units: list[list[int]]) -> None:
    """The short form and the definition agree."""
    fast, slow = alpha(units), slow_alpha(units)
    assert (fast is None) == (slow is None)
    if fast is not None and slow is not None:
        assert math.isclose(fast, slow, abs_tol=1e-9)


def test_exact_agreement_counts_pairs() -> None:
    """One of three pairs gave the same."""
    assert exact([[1, 1, 2], [5]]) == 1 / 3
    assert exact([[5]]) is None


def test_each_case_is_drawn_as_often_as_its_weight_says() -> None:
    """Over many seeds the first drawn is a case with the share of its weight; without bias."""
    weights = {"CASE-1": 1, "CASE-2": 4, "CASE-3": 5}
    first = Counter(draw(f"seed {n}", weights, 1)[0] for n in range(6000))
    for case_id, weight in weights.items():
        assert abs(first[case_id] / 6000 - weight / 10) < 0.03


def test_a_draw_depends_on_seed_and_population_only() -> None:
    """No case twice, never more than there are, and the order of the cases is of no account."""
    weights = {f"CASE-{n}": 1 + n % 3 for n in range(50)}
    turned = dict(reversed(weights.items()))
    assert draw("s", weights, 10) == draw("s", turned, 10)
    assert sorted(draw("s", weights, 99)) == sorted(weights)
    assert draw("s", weights, 10) != draw("t", weights, 10)
    assert digest_of(weights) == digest_of(turned)
    assert digest_of(weights) != digest_of({**weights, "CASE-1": 9})
    assert seed_of("aa", "sa_1") != seed_of("aa", "sa_2")


def test_a_weight_counts_each_kind_once() -> None:
    """Two escalations weigh as much as one."""
    assert weight_of([]) == 1
    assert weight_of(["conversation.escalated"] * 2) == 5
    assert weight_of(["conversation.escalated", "ticket.reopened", "message.sent"]) == 8
