"""INVARIANT I10 on a cluster: the short form of `make cluster`, on loopback."""

from pathlib import Path

import pytest

from tests.cluster.faults import both_leaders_killed_at_once
from tests.cluster.play import played


@pytest.mark.timeout(900)
async def test_leaders_that_die_at_once_lose_nothing(tmp_path: Path) -> None:
    """INVARIANT I1: leader and primary killed together; every acknowledged event is there."""
    seen = await played(tmp_path, both_leaders_killed_at_once, seed=4)
    assert seen.verdict.faults == []
    assert seen.verdict.acknowledged > 400
