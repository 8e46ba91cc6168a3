"""What every place that keeps aggregates does: one suite, over MongoDB and over its twin."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from bson.errors import InvalidDocument
from casetrail_contracts import Event
from casetrail_runtime.outbox import (
    FULL,
    Aggregates,
    AggregateStore,
    Applied,
    Decision,
    Loaded,
    OutOfSequence,
    ProcessedStore,
    Result,
    VersionConflict,
)

from tests.support.events import assigned, rejected

State = dict[str, Any]
CV_A = "main:cv_a"
CV_B = "main:cv_b"


@dataclass(frozen=True)
class Kept:
    """A store under test; `events` gives what it will publish for an aggregate, in order."""

    store: AggregateStore[State]
    processed: ProcessedStore
    events: Callable[[str], Awaitable[list[Event]]]

    @property
    def aggregates(self) -> Aggregates[State]:
        """The use-case loop over it; a new one each time, as in another replica."""
        return Aggregates(self.store, self.processed)


class DiesBeforeMarking:
    """A processed log in a process that dies between the commit and the mark of one cause."""

    def __init__(self, log: ProcessedStore, cause_id: str) -> None:
        self._log = log
        self._cause_id = cause_id
        self.seen = log.seen

    async def mark(self, id: str, result: Result, version: int = 0) -> None:  # noqa: A002
        """Marks everything but that cause, once."""
        if id.startswith(f"{self._cause_id}@"):
            self._cause_id = "nobody"
            return
        await self._log.mark(id, result, version)

    mark_soon = mark


class Overtaken:
    """A processed log behind whose first answer a copy of the cause is handled elsewhere."""

    def __init__(self, kept: Kept, others: Callable[[], Awaitable[None]]) -> None:
        self._kept = kept
        self._others: Callable[[], Awaitable[None]] | None = others
        self.mark = kept.processed.mark
        self.mark_soon = kept.processed.mark_soon

    async def seen(self, id: str) -> Applied | None:  # noqa: A002
        """What was true when it was asked; then a rival handles the cause, and many others come."""
        known = await self._kept.processed.seen(id)
        others, self._others = self._others, None
        if others is not None:
            await self._kept.aggregates.handle(CV_A, "one", step("one"))
            await others()
        return known


def step(cause_id: str, aggregate: str = CV_A) -> Callable[[Loaded[State]], Decision[State]]:
    """A decision that adds the cause to the state and says which place it got."""

    def decide(current: Loaded[State]) -> Decision[State]:
        before = [] if current.state is None else current.state["causes"]
        conversation = aggregate.partition(":")[2]
        return Decision(
            result={"place": len(before) + 1, "cause": cause_id},
            state={"causes": [*before, cause_id]},
            events=[assigned(cause_id, current.version + 1, conversation=conversation)],
        )

    return decide


def refuse(cause_id: str) -> Callable[[Loaded[State]], Decision[State]]:
    """A decision that refuses and says so in an event of its own."""

    def decide(_: Loaded[State]) -> Decision[State]:
        return Decision(result={"code": "closed"}, events=[rejected(cause_id)])

    return decide


class AggregateSuite:
    """Subclasses give the fixture `kept`."""

    async def test_a_first_decision_makes_the_aggregate(self, kept: Kept) -> None:
        """State, version, result and event are all there afterwards."""
        assert await kept.store.load(CV_A) is None
        outcome = await kept.aggregates.handle(CV_A, "one", step("one"))
        assert (outcome.result, outcome.version) == ({"place": 1, "cause": "one"}, 1)
        assert not outcome.repeated
        loaded = await kept.aggregates.load(CV_A)
        assert loaded is not None
        assert (loaded.state, loaded.version) == ({"causes": ["one"]}, 1)
        assert [(e.causationid, e.version) for e in await kept.events(CV_A)] == [("one", 1)]

    async def test_the_same_cause_again_has_no_effect_and_the_same_answer(self, kept: Kept) -> None:
        """INVARIANT I3: delivered twice, one effect."""
        first = await kept.aggregates.handle(CV_A, "one", step("one"))
        await kept.aggregates.handle(CV_A, "two", step("two"))
        again = await kept.aggregates.handle(CV_A, "one", step("one"))
        assert again.repeated
        assert (again.result, again.version) == (first.result, first.version) == (first.result, 1)
        assert len(await kept.events(CV_A)) == 2

    async def test_a_duplicate_after_the_ring_went_round_has_no_effect(self, kept: Kept) -> None:
        """INVARIANT I3: delivered again when the document has long forgotten it, one effect."""
        first = await kept.aggregates.handle(CV_A, "one", step("one"))
        await self._go_round(kept)
        again = await kept.aggregates.handle(CV_A, "one", step("one"))
        assert (again.result, again.repeated) == (first.result, True)
        assert len(await kept.events(CV_A)) == 1 + FULL

    async def test_a_mark_that_was_lost_is_made_before_the_ring_forgets(self, kept: Kept) -> None:
        """INVARIANT I3: died before the mark, a duplicate a week later, one effect."""
        dying = Aggregates(kept.store, DiesBeforeMarking(kept.processed, "one"))
        first = await dying.handle(CV_A, "one", step("one"))
        await self._go_round(kept)
        again = await kept.aggregates.handle(CV_A, "one", step("one"))
        assert (again.result, again.version, again.repeated) == (first.result, 1, True)
        assert len(await kept.events(CV_A)) == 1 + FULL

    async def test_what_a_rival_did_and_the_document_forgot_meanwhile_is_known(
        self, kept: Kept
    ) -> None:
        """INVARIANT I3: stopped for a minute between two questions, and overtaken by a copy."""
        overtaken = Aggregates(kept.store, Overtaken(kept, lambda: self._go_round(kept)))
        late = await overtaken.handle(CV_A, "one", step("one"))
        assert (late.result, late.repeated) == ({"place": 1, "cause": "one"}, True)
        assert [event.causationid for event in await kept.events(CV_A)].count("one") == 1

    async def test_a_document_holds_few_causes(self, kept: Kept) -> None:
        """However many there were: what is held goes to the disk with every write."""
        most = 0
        for n in range(2 * FULL):
            await kept.aggregates.handle(CV_A, f"c{n}", step(f"c{n}"))
            loaded = await kept.store.load(CV_A)
            assert loaded is not None
            assert list(loaded.applied)[-1] == f"c{n}"
            most = max(most, len(loaded.applied))
        assert most == FULL
        assert len(await kept.events(CV_A)) == 2 * FULL

    async def test_a_lost_mark_alone_changes_nothing(self, kept: Kept) -> None:
        """INVARIANT I10: killed between commit and mark, the redelivery finds the result."""
        dying = Aggregates(kept.store, DiesBeforeMarking(kept.processed, "one"))
        first = await dying.handle(CV_A, "one", step("one"))
        again = await kept.aggregates.handle(CV_A, "one", step("one"))
        assert (again.result, again.repeated) == (first.result, True)
        assert len(await kept.events(CV_A)) == 1

    async def test_one_cause_takes_effect_once_in_each_aggregate(self, kept: Kept) -> None:
        """A shift that ends frees many cases: one cause, many aggregates."""
        for _ in range(2):
            await kept.aggregates.handle(CV_A, "one", step("one", CV_A))
            await kept.aggregates.handle(CV_B, "one", step("one", CV_B))
        assert len(await kept.events(CV_A)) == 1
        assert len(await kept.events(CV_B)) == 1

    async def test_a_decision_that_raises_leaves_nothing(self, kept: Kept) -> None:
        """The error reaches the caller, and the cause is decided anew next time."""

        def fail(_: Loaded[State]) -> Decision[State]:
            raise LookupError("nobody is on shift")

        with pytest.raises(LookupError, match="on shift"):
            await kept.aggregates.handle(CV_A, "one", fail)
        assert await kept.store.load(CV_A) is None
        assert not (await kept.aggregates.handle(CV_A, "one", step("one"))).repeated

    async def test_a_refusal_is_remembered_and_counts_in_no_aggregate(self, kept: Kept) -> None:
        """A refused command has its event and its answer, and makes nothing."""
        outcome = await kept.aggregates.handle(CV_A, "no", refuse("no"))
        again = await kept.aggregates.handle(CV_A, "no", step("no"))
        assert (
            (again.result, again.repeated) == (outcome.result, True) == ({"code": "closed"}, True)
        )
        loaded = await kept.store.load(CV_A)
        assert loaded is not None
        assert (loaded.state, loaded.version) == (None, 0)
        assert [event.version for event in await kept.events(CV_A)] == [None]
        assert (await kept.aggregates.handle(CV_A, "yes", step("yes"))).version == 1

    async def test_a_wrong_sequence_is_refused(self, kept: Kept) -> None:
        """INVARIANT I4: no version is skipped, repeated or out of order."""
        await kept.aggregates.handle(CV_A, "one", step("one"))
        current = await kept.store.load(CV_A)
        assert current is not None
        for wrong in ([1], [3], [3, 2], [2, 2]):
            events = [assigned("two", sequence, nth=n) for n, sequence in enumerate(wrong)]
            with pytest.raises(OutOfSequence):
                await kept.store.commit(current, {"causes": []}, events, "two", {})
        assert len(await kept.events(CV_A)) == 1

    async def test_events_without_any_state_are_refused(self, kept: Kept) -> None:
        """An aggregate with a version and no state could not be the fold of its log."""
        with pytest.raises(OutOfSequence):
            await kept.store.commit(Loaded(CV_A), None, [assigned("one", 1)], "one", {})

    async def test_what_has_moved_on_is_not_overwritten(self, kept: Kept) -> None:
        """A second writer with the same copy is told, and nothing of it is kept."""
        stale = Loaded[State](CV_A)
        await kept.store.commit(stale, {"causes": ["one"]}, [assigned("one", 1)], "one", {})
        with pytest.raises(VersionConflict):
            await kept.store.commit(stale, {"causes": ["two"]}, [assigned("two", 1)], "two", {})
        stale_too = await kept.store.load(CV_A)
        assert stale_too is not None
        await kept.store.commit(stale_too, None, [rejected("three")], "three", {})
        with pytest.raises(VersionConflict):
            await kept.store.commit(stale_too, {"causes": []}, [assigned("4", 2)], "4", {})
        loaded = await kept.store.load(CV_A)
        assert loaded is not None
        assert loaded.state == {"causes": ["one"]}
        assert list(loaded.applied) == ["one", "three"]

    async def test_a_state_that_bson_cannot_hold_is_refused(self, kept: Kept) -> None:
        """The twin takes nothing the server would refuse."""
        with pytest.raises((OverflowError, InvalidDocument)):
            await kept.store.commit(Loaded(CV_A), {"n": 2**70}, [assigned("one", 1)], "one", {})
        assert await kept.store.load(CV_A) is None

    async def test_an_id_without_workspace_is_refused(self, kept: Kept) -> None:
        """Nobody sees another workspace because somebody forgot to name one."""
        with pytest.raises(ValueError, match="<workspace>:<id>"):
            await kept.aggregates.handle("cv_a", "one", step("one"))

    async def test_fifty_copies_at_once_have_one_effect(self, kept: Kept) -> None:
        """INVARIANT I3: delivered fifty times at once, one effect and one answer."""
        outcomes = await asyncio.gather(
            *(kept.aggregates.handle(CV_A, "one", step("one")) for _ in range(50))
        )
        assert {(o.result["place"], o.version) for o in outcomes} == {(1, 1)}
        assert sum(not o.repeated for o in outcomes) == 1
        assert len(await kept.events(CV_A)) == 1

    async def test_sixteen_writers_at_once_lose_nothing(self, kept: Kept) -> None:
        """INVARIANT I4: every cause has its place, the versions are 1..n."""

        async def writer(name: str) -> None:
            for n in range(5):
                await kept.aggregates.handle(CV_A, f"{name}-{n}", step(f"{name}-{n}"))

        await asyncio.gather(*(writer(f"w{n}") for n in range(16)))
        loaded = await kept.store.load(CV_A)
        assert loaded is not None
        assert loaded.state is not None
        events = await kept.events(CV_A)
        assert loaded.version == len(loaded.state["causes"]) == 80
        assert [event.version for event in events] == list(range(1, 81))
        assert [event.causationid for event in events] == loaded.state["causes"]

    async def _go_round(self, kept: Kept) -> None:
        for n in range(FULL):
            await kept.aggregates.handle(CV_A, f"other-{n}", step(f"other-{n}"))
