"""A very small sale day: the same code as `make sim`, a few customers, two kills."""

from pathlib import Path

import pytest
from casetrail_local.progress import Steps
from rich.console import Console

from tests.simulation.day import play
from tests.simulation.plan import Size
from tests.simulation.report import draw, rows


@pytest.mark.stack
@pytest.mark.timeout(900)
async def test_a_small_sale_day_keeps_the_invariants(tmp_path: Path) -> None:
    """INVARIANT I1-I5, I9: two replicas, two of them killed, nothing lost or doubled or unseen."""
    told = await play(
        Size(customers=20, items=150, agents=6, seed=3),
        tmp_path / "stack",
        Steps(Console(quiet=True)),
        stride=30,
        kills=((12 * 60, "routing-2"), (18 * 60, "tickets")),
    )
    assert told.verdict.violations == []
    assert told.kills == ["routing-2", "tickets"]
    assert told.post.taken >= 150
    assert told.verdict.checked["conversations"] > 10
    assert told.figures.totals["conversation.closed"] > 10
    assert sum(told.figures.items) == told.verdict.checked["items"]
    assert dict(rows(told))["invariants violated (I1-I5, I9)"] == "0"
    draw(told.figures, tmp_path / "charts")
    assert sorted(path.name for path in (tmp_path / "charts").iterdir()) == [
        "breaches.svg",
        "custody.svg",
        "load.svg",
        "queue.svg",
    ]
