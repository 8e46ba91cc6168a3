"""Custody with offers, timers and shift ends: state equals the fold of the log, always."""

import asyncio
from datetime import timedelta
from typing import Any

from casetrail_contracts.commands import AcceptConversation, DeclineConversation, OnCase
from casetrail_routing.domain.custody_policy import CustodyPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.test_history_property import (
    CONVERSATIONS,
    USERS,
    Run,
    capacities,
    steps,
)
from tests.unit.routing.world import World

ANSWERS: dict[str, type[OnCase]] = {"accept": AcceptConversation, "decline": DeclineConversation}
policies = st.builds(
    CustodyPolicy,
    queue=st.sampled_from(["assign", "offer"]),
    accept_within=st.just(timedelta(seconds=30)),
    shift_end=st.sampled_from(["keep", "offer", "queue"]),
)
offering = st.one_of(
    st.tuples(
        st.sampled_from(["accept", "decline"]),
        st.sampled_from(CONVERSATIONS),
        st.sampled_from(USERS),
    ),
    st.tuples(st.just("seconds"), st.sampled_from([1, 29, 31, 61])),
    st.tuples(st.just("expire"), st.integers(1, 3)),
    st.tuples(st.just("hear_of_shifts")),
)
sequences = st.lists(st.one_of(steps, offering, offering), min_size=20, max_size=60)


class Offering(Run):
    """A run in which cases are offered, by a policy; time passes in seconds."""

    def __init__(self, policy: CustodyPolicy) -> None:
        super().__init__()
        self.world = World(policy)

    async def step(self, kind: str, *with_: Any) -> None:
        """Does one thing more than a run without offers can."""
        match kind, *with_:
            case (("accept" | "decline"), conversation_id, user_id):
                case_id = self.case_of(conversation_id)
                command = ANSWERS[kind]
                answer = samples.on_case(command, conversation_id, case_id, by=user_id, reason="x")
                await self.send(answer)
            case "seconds", seconds:
                self.world.clock.forward(seconds=seconds)
            case "expire", replicas:
                sweeps = (self.world.expire_offers() for _ in range(replicas))
                for ended in await asyncio.gather(*sweeps, return_exceptions=True):
                    assert isinstance(ended, int | Crashed), ended
            case ("hear_of_shifts",):
                for event in self.world.users.events():
                    if event.noun_verb == "shift.ended":
                        await self.deliver(event)
            case _:
                await super().step(kind, *with_)

    def check_offers(self) -> None:
        """An offer has somebody who is asked, in a place of theirs; a waiting case has nobody."""
        for found in self.world.conversations.documents.values():
            state = found.state
            if state is not None and state.is_offered:
                assert state.owner is not None
                assert state.slot is not None
            if state is not None and (state.is_waiting or not state.is_open):
                assert state.accept_by is None


@settings(max_examples=80, deadline=None)
@given(policies, capacities, sequences)
def test_custody_is_the_fold_of_the_log_whatever_happens(
    policy: CustodyPolicy, room: tuple[int, int], sequence: list[tuple[Any, ...]]
) -> None:
    """INVARIANT I5: offers, answers, timers, shift ends, copies and crashes in any order.

    On the way: INVARIANT I4, versions are 1..n; capacity is never exceeded; slots match custody.
    """

    async def run() -> None:
        scenario = Offering(policy)
        await scenario.begin(room)
        for step in sequence:
            await scenario.step(*step)
            scenario.check_capacity()
            scenario.check_offers()
            scenario.check_log()
        await scenario.check_settled()
        scenario.check_log()

    asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(policies, capacities, sequences, st.randoms(use_true_random=False))
def test_everything_again_a_week_later_has_no_effect(
    policy: CustodyPolicy, room: tuple[int, int], sequence: list[tuple[Any, ...]], order: Any
) -> None:
    """INVARIANT I3: commands, messages and ends of shifts, delivered again in any order."""

    async def run() -> None:
        scenario = Offering(policy)
        await scenario.begin(room)
        for step in [*sequence, ("sweep",)]:
            await scenario.step(*step)
        ends = [e for e in scenario.world.users.events() if e.noun_verb == "shift.ended"]
        scenario.sent.extend(ends)
        for thing in list(scenario.sent):  # what a crash interrupted is delivered to its end
            await scenario.deliver(thing)
        await scenario.settle()
        before = list(scenario.world.log)
        scenario.world.clock.time += timedelta(days=7)
        order.shuffle(scenario.sent)
        for thing in scenario.sent:
            await scenario.deliver(thing)
        assert scenario.world.log == before

    asyncio.run(run())
