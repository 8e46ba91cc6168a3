"""INVARIANT I10: the short form of `make chaos`, for every run of the tests."""

from pathlib import Path

import pytest

from tests.chaos.mongo_away import mongo_away
from tests.chaos.seeded import seeded
from tests.chaos.spooled import spooled


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


@pytest.mark.timeout(600)
async def test_what_was_answered_200_is_there_whatever_was_killed(tmp_path: Path) -> None:
    """INVARIANT I2: ingest and NATS killed at random; every accepted item once in effect (I10)."""
    outcome = await spooled(tmp_path, seed=3, items=600, kills=3)
    assert outcome.faults == []
    assert sum(outcome.killed.values()) == 3
    assert len(outcome.sent.accepted) > 500
