"""INVARIANT I10: the short form of `make chaos`, for every run of the tests."""

from pathlib import Path

import pytest

from tests.chaos.mongo_away import mongo_away
from tests.chaos.seeded import seeded


@pytest.mark.timeout(900)
async def test_everything_killed_at_random_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """INVARIANT I1: one record for each acknowledged event, and the rebuild agrees (I6, I10)."""
    outcome = await seeded(tmp_path, seed=1, events=3000, seconds=12)
    assert outcome.verdict.faults == []
    assert sum(outcome.killed.values()) >= 2


@pytest.mark.timeout(900)
async def test_mongodb_away_is_said_and_caught_up(tmp_path: Path) -> None:
    """INVARIANT I10: the log stands still while MongoDB is away, then has everything."""
    seen = await mongo_away(tmp_path, seed=2, rate=200, away=6)
    assert seen.verdict.faults == []
    assert seen.stood_still
    assert seen.said_so
    assert seen.backlog > 600
