"""Aggregates in memory: the twin that unit tests of services use."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import pytest
from casetrail_contracts import Event
from casetrail_runtime.outbox import (
    PLAIN,
    Aggregates,
    Codec,
    Decision,
    Loaded,
    Result,
    VersionConflict,
)

from tests.support.aggregate_suite import CV_A, AggregateSuite, Kept, State, step
from tests.support.events import assigned
from tests.support.memory import MemoryAggregateCollection, MemoryAggregates, MemoryProcessedLog


class TestMemoryAggregates(AggregateSuite):
    """The suite over the twin."""

    @pytest.fixture
    def kept(self) -> Kept:
        """A store in memory."""
        store = MemoryAggregateCollection()

        async def events(aggregate: str) -> list[Event]:
            causes = store.published
            conversation = aggregate.partition(":")[2]
            return [e for e in causes if e.conversationid in {conversation, None}]

        return Kept(store, MemoryProcessedLog(), events)


@dataclass(frozen=True)
class Counter:
    """A service's own state."""

    count: int = 0


COUNTER = Codec(encode=asdict, decode=lambda found: Counter(**found))


def count(cause_id: str, current: Loaded[Counter]) -> Decision[Counter]:
    """One more."""
    before = current.state or Counter()
    after = Counter(before.count + 1)
    return Decision({"count": after.count}, after, [assigned(cause_id, current.version + 1)])


async def test_a_service_keeps_its_own_type_of_state() -> None:
    """The codec stands between the use case and the document."""
    counters = MemoryAggregates(codec=COUNTER)
    for cause in ("a", "b", "a"):
        outcome = await counters.handle(CV_A, cause, partial(count, cause))
    loaded = await counters.load(CV_A)
    assert loaded is not None
    assert loaded.state == Counter(2)
    assert (outcome.result, outcome.repeated) == ({"count": 1}, True)
    assert [event.version for event in counters.published] == [1, 2]


class AlwaysTooLate(MemoryAggregateCollection[State]):
    """A store in which a rival is always faster."""

    commits = 0

    async def commit(self, *_: object) -> int:
        """Never works."""
        self.commits += 1
        raise VersionConflict("a rival was faster")


async def test_a_caller_is_told_when_rivals_are_always_faster() -> None:
    """The attempts are bounded, and nothing is marked as done."""
    store = AlwaysTooLate()
    processed = MemoryProcessedLog()
    with pytest.raises(VersionConflict, match="5 times in a row"):
        await Aggregates(store, processed, attempts=5).handle(CV_A, "one", step("one"))
    assert store.commits == 5
    assert await processed.seen(f"one@{store.name}/{CV_A}") is None


class RivalFirst(MemoryAggregateCollection[State]):
    """A store in which a rival commits just before the first commit of the caller."""

    rival_is_waiting = True

    async def commit(
        self,
        current: Loaded[State],
        state: State | None,
        events: Sequence[Event],
        applied_id: str,
        result: Result,
    ) -> int:
        """The rival's commit, then the caller's."""
        if self.rival_is_waiting:
            self.rival_is_waiting = False
            rival = step("rival")(current)
            await super().commit(current, rival.state, rival.events, "rival", rival.result)
        return await super().commit(current, state, events, applied_id, result)


async def test_a_decision_is_made_anew_after_a_conflict() -> None:
    """The second attempt sees what the rival did, so a place is not given twice."""
    aggregates = Aggregates(RivalFirst(codec=PLAIN), MemoryProcessedLog())
    outcome = await aggregates.handle(CV_A, "mine", step("mine"))
    assert (outcome.result["place"], outcome.version) == (2, 2)
