"""State equals the fold of the log, after anything that can happen in any order."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from casetrail_contracts import Event
from casetrail_contracts.commands import (
    AddCaseNote,
    ChangePresence,
    ClaimConversation,
    Command,
    DeactivateUser,
    DeescalateConversation,
    LinkConversation,
    OnCase,
    OnUser,
    ReactivateUser,
    ReleaseConversation,
    ReopenConversation,
    TagConversation,
    TransferConversation,
    UpdateUser,
)
from casetrail_contracts.registry.conversation import ConversationEscalated
from casetrail_contracts.registry.user import (
    UserCreated,
    UserUpdated,
)
from casetrail_routing.domain import conversation as conversations
from casetrail_routing.domain import user as users
from casetrail_routing.ports import Key
from casetrail_routing.use_cases import recorded_facts, user_events
from casetrail_runtime.outbox import VersionConflict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routing import samples
from tests.unit.routing.memory import Crashed
from tests.unit.routing.world import World

CONVERSATIONS = ("cv_1", "cv_2", "cv_3")
USERS = ("a", "b")
TEXTS = ("salam", "parcel nahi aya", "koi masla nahi", "refund!")
TAGS = ("wedding", "refund", "vip")
HOURS = (0, 1, 23, 30, 200)
AFTERWARDS = {"no answer so far", "the case merged into it was"}
PRESENCES = ("available", "away", "offline")

steps = st.one_of(
    st.tuples(st.just("message"), st.sampled_from(CONVERSATIONS), st.sampled_from(TEXTS)),
    st.tuples(st.just("again"), st.integers(0, 30), st.integers(1, 4)),
    st.tuples(st.just("together"), st.integers(1, 4), st.sampled_from(CONVERSATIONS)),
    st.tuples(st.just("assign"), st.sampled_from(CONVERSATIONS), st.sampled_from(USERS)),
    st.tuples(st.just("escalate"), st.sampled_from(CONVERSATIONS)),
    st.tuples(st.just("close"), st.sampled_from(CONVERSATIONS)),
    st.tuples(st.just("claim"), st.sampled_from(CONVERSATIONS), st.sampled_from(USERS)),
    st.tuples(
        st.just("transfer"),
        st.sampled_from(CONVERSATIONS),
        st.sampled_from(USERS),
        st.sampled_from(USERS),
    ),
    st.tuples(st.just("release"), st.sampled_from(CONVERSATIONS), st.sampled_from(USERS)),
    st.tuples(st.just("reopen"), st.sampled_from(CONVERSATIONS)),
    st.tuples(st.just("deescalate"), st.sampled_from(CONVERSATIONS)),
    st.tuples(
        st.just("tag"),
        st.sampled_from(CONVERSATIONS),
        st.lists(st.sampled_from(TAGS), min_size=1, max_size=2, unique=True),
    ),
    st.tuples(st.just("untag"), st.sampled_from(CONVERSATIONS), st.sampled_from(TAGS)),
    st.tuples(st.just("note"), st.sampled_from(CONVERSATIONS)),
    st.tuples(st.just("shift_start"), st.sampled_from(USERS)),
    st.tuples(st.just("shift_end"), st.sampled_from(USERS)),
    st.tuples(st.just("profile"), st.sampled_from(USERS), st.integers(0, 3)),
    st.tuples(st.just("role"), st.sampled_from(USERS), st.sampled_from(["agent", "reviewer"])),
    st.tuples(st.just("deactivate"), st.sampled_from(USERS)),
    st.tuples(st.just("reactivate"), st.sampled_from(USERS)),
    st.tuples(st.just("presence"), st.sampled_from(USERS), st.sampled_from(PRESENCES)),
    st.tuples(
        st.just("identified"),
        st.lists(st.sampled_from(CONVERSATIONS), min_size=2, max_size=3, unique=True),
    ),
    st.tuples(
        st.just("link"),
        st.lists(st.sampled_from(CONVERSATIONS), min_size=2, max_size=2, unique=True),
    ),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("look")),
    st.tuples(st.just("crash"), st.sampled_from(["before", "after", "mark"])),
    st.tuples(st.just("later"), st.sampled_from(HOURS)),
    st.tuples(st.just("sweep")),
)


COMMANDS: dict[str, type[OnCase]] = {
    "claim": ClaimConversation,
    "transfer": TransferConversation,
    "release": ReleaseConversation,
    "reopen": ReopenConversation,
    "deescalate": DeescalateConversation,
    "tag": TagConversation,
    "note": AddCaseNote,
}
sequences = st.lists(steps, min_size=20, max_size=60)
capacities = st.tuples(st.integers(0, 3), st.integers(0, 3))


def afterwards(event: Event) -> bool:
    """Whether it marks a case later than its cause, which has had its own effect by then."""
    return isinstance(event.data, ConversationEscalated) and event.data.reason in AFTERWARDS


class Run:
    """One sequence of steps; everything sent is remembered, to be sent again."""

    def __init__(self) -> None:
        self.world = World()
        self.sent: list[Event | Command] = []
        self.created: dict[str, int] = {}

    async def begin(self, capacities: tuple[int, int]) -> None:
        """Both users exist and are on shift, so that the steps have something to disturb."""
        for user_id, capacity in zip(USERS, capacities, strict=True):
            await self.step("create", user_id, capacity)
            await self.step("shift_start", user_id)

    async def step(self, kind: str, *with_: Any) -> None:  # noqa: C901, PLR0912, PLR0915 - a list of steps
        """Does one thing; a crash ends it as a kill would."""
        match kind, *with_:
            case "message", conversation_id, text:
                at = self.world.clock.time
                await self.send(samples.message(conversation_id, text, at=at))
            case "again", number, copies:
                if self.sent:
                    thing = self.sent[number % len(self.sent)]
                    await asyncio.gather(*(self.deliver(thing) for _ in range(copies)))
            case "together", count, conversation_id:
                at = self.world.clock.time
                things: list[Event | Command] = [
                    samples.message(conversation_id, at=at) for _ in range(count)
                ]
                things.append(samples.close(conversation_id, self.case_of(conversation_id)))
                self.sent.extend(things)
                await asyncio.gather(*(self.deliver(each) for each in things))
            case "assign", conversation_id, owner:
                case_id = self.case_of(conversation_id)
                await self.send(samples.assign(owner, conversation_id, case_id))
            case "escalate", conversation_id:
                await self.send(samples.escalate(conversation_id, self.case_of(conversation_id)))
            case "close", conversation_id:
                await self.send(samples.close(conversation_id, self.case_of(conversation_id)))
            case "claim" | "release" | "reopen" | "deescalate" | "note", conversation_id, *who:
                await self.send(self.on_case(kind, conversation_id, *who))
            case "transfer", conversation_id, giver, taker:
                await self.send(self.on_case(kind, conversation_id, giver, owner=taker))
            case "tag", conversation_id, tags:
                await self.send(self.on_case(kind, conversation_id, add=tags))
            case "identified", ids:
                await self.send(samples.identified(*ids, at=self.world.clock.time))
            case "link", (conversation_id, other):
                await self.send(
                    samples.on_case(
                        LinkConversation,
                        conversation_id,
                        self.case_of(conversation_id),
                        reason="the same customer",
                        into_conversation_id=other,
                        into_case_id=self.case_of(other),
                    )
                )
            case "untag", conversation_id, tag:
                await self.send(self.on_case("tag", conversation_id, remove=[tag]))
            case "create", user_id, capacity:
                self.created.setdefault(user_id, capacity)
                await self.send(samples.user_create(user_id, capacity=self.created[user_id]))
            case "shift_start", user_id:
                await self.send(samples.shift_start(user_id))
            case "shift_end", user_id:
                await self.send(samples.shift_end(user_id))
            case "profile", user_id, capacity:
                await self.send(self.on_user(UpdateUser, user_id, capacity=capacity))
            case "role", user_id, role:
                await self.send(self.on_user(UpdateUser, user_id, role=role))
            case "deactivate", user_id:
                await self.send(self.on_user(DeactivateUser, user_id, reason="left"))
            case "reactivate", user_id:
                await self.send(self.on_user(ReactivateUser, user_id))
            case "presence", user_id, presence:
                await self.send(self.on_user(ChangePresence, user_id, presence=presence))
            case ("deliver",):
                await self.deliver_own()
            case ("look",):
                await self.look()
            case "crash", "mark":
                self.world.processed.crash = True
            case "crash", when:
                self.world.conversations.crash = when
            case "later", hours:
                self.world.clock.forward(hours=hours)
            case ("sweep",):
                await self.settle()

    def on_case(
        self, kind: str, conversation_id: str, by: str | None = None, **fields: Any
    ) -> Command:
        """A command on the conversation's current case."""
        case_id = self.case_of(conversation_id)
        return samples.on_case(
            COMMANDS[kind], conversation_id, case_id, by=by, reason="why", note="n", **fields
        )

    def on_user(self, kind: type[OnUser], user_id: str, **fields: Any) -> Command:
        """A command of an admin on a person."""
        return samples.on_user(kind, user_id, by=samples.ADMIN, **fields)

    async def deliver_own(self) -> None:
        """Gives routing its own events, all of them from the first: copies and new ones.

        A crash in between is a redelivery later.
        """
        for event in self.world.users.events():
            if event.type in self.world.reactions:
                await self.deliver(event)

    async def look(self) -> None:
        """Looks for customers who wait; a crash leaves them to the next look."""
        try:
            await self.world.escalate_waiting.look()
        except Crashed:
            return

    async def send(self, thing: Event | Command) -> None:
        """Delivers something new."""
        self.sent.append(thing)
        await self.deliver(thing)

    async def deliver(self, thing: Event | Command) -> None:
        """Delivers something, maybe again; it may end in a crash or against too many rivals."""
        try:
            if isinstance(thing, Event):
                await self.world.receive(thing)
            else:
                await self.world.ask(thing)
        except (Crashed, VersionConflict):
            self.world.requests.asked.clear()

    async def settle(self) -> None:
        """What the background tasks do, with no crash in the way."""
        self.world.conversations.crash = None
        self.world.processed.crash = False
        await self.world.serve_queue()
        await self.world.return_cases.sweep()
        self.world.clock.forward(seconds=6)
        await self.world.reconcile()
        await self.world.drain.sweep()

    async def waiting(self) -> list[Key]:
        """The conversations that anybody with room may get."""
        return [
            key
            for key in await self.world.conversations.waiting("main", 10)
            if self.world.conversation(key.id).released_by is None
        ]

    def case_of(self, conversation_id: str) -> str:
        """The current case, or a number that does not exist."""
        found = self.world.conversations.documents.get(f"main:{conversation_id}")
        return "CASE-1" if found is None or found.state is None else found.state.case_id

    def check_capacity(self) -> None:
        """Nobody is over capacity, by slots and by cases held, at any time."""
        held: dict[str, int] = defaultdict(int)
        for found in self.world.conversations.documents.values():
            if found.state is not None and found.state.is_open and found.state.owner is not None:
                held[found.state.owner] += 1
        for user_id in self.created:
            assert self.world.load(user_id) <= self.most(user_id)
            assert held[user_id] <= self.most(user_id)

    def most(self, user_id: str) -> int:
        """The largest capacity the user ever had: one that is lowered takes nothing away."""
        known = [
            event.data.capacity
            for event in self.world.user_events(user_id)
            if isinstance(event.data, UserCreated | UserUpdated)
        ]
        return max(known, default=0)

    def check_log(self) -> None:
        """The log alone gives every state; versions are 1..n; each cause acted in one write."""
        events = self.world.users.events()
        assert len({event.id for event in events}) == len(events)
        assert [event.sequence for event in events].count(None) == 0
        by_subject: dict[str, list[Event]] = defaultdict(list)
        written_at: dict[tuple[str, str | None], set[datetime]] = defaultdict(set)
        for event in events:
            if not afterwards(event):
                written_at[event.subject, event.causationid].add(event.time)
            by_subject[event.subject].append(event)
        assert all(len(times) == 1 for times in written_at.values()), written_at
        for subject, history in by_subject.items():
            assert [event.version for event in history] == list(range(1, len(history) + 1)), subject
        for id_, found in self.world.conversations.documents.items():
            history = by_subject[f"conversation/{id_.removeprefix('main:')}"]
            facts = [recorded_facts.recorded(event) for event in history]
            assert conversations.fold(fact for fact in facts if fact) == found.state
        for id_, person in self.world.users.documents.items():
            history = by_subject[f"user/{id_.removeprefix('main:')}"]
            facts_of_user = [user_events.recorded(event) for event in history]
            assert users.fold(fact for fact in facts_of_user if fact) == person.state

    async def check_settled(self) -> None:
        """After the background tasks: slots are exactly what is held, and nobody waits in vain."""
        await self.settle()
        wanted = set(await self.world.conversations.held())
        reserved = await self.world.slots.reserved()
        assert len(reserved) == len(wanted)
        assert set(reserved) == wanted
        waiting = await self.waiting()
        for user_id in self.created:
            user = self.world.users.documents[f"main:{user_id}"].state
            assert user is not None
            assert not (waiting and user.takes_cases and self.world.load(user_id) < user.capacity)
            assert user.can_own or not [slot for slot in wanted if slot.user.id == user_id]
            assert user.takes_cases <= user.on_shift
        for found in self.world.conversations.documents.values():
            if found.state is not None and found.state.linked_to is not None:
                assert not found.state.is_open


@settings(max_examples=120, deadline=None)
@given(capacities, sequences)
def test_state_is_the_fold_of_the_log_whatever_happens(
    room: tuple[int, int], sequence: list[tuple[Any, ...]]
) -> None:
    """INVARIANT I5: after messages, commands, copies and crashes in any order, state == fold.

    On the way: INVARIANT I4, versions are 1..n; capacity is never exceeded; slots match custody.
    """

    async def run() -> None:
        scenario = Run()
        await scenario.begin(room)
        for step in sequence:
            await scenario.step(*step)
            scenario.check_capacity()
            scenario.check_log()
        await scenario.check_settled()
        scenario.check_log()

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(capacities, sequences, st.randoms(use_true_random=False))
def test_sending_everything_again_changes_nothing(
    room: tuple[int, int], sequence: list[tuple[Any, ...]], order: Any
) -> None:
    """INVARIANT I3: every event and command again, a week later, in any order: no effect."""

    async def run() -> None:
        scenario = Run()
        await scenario.begin(room)
        for step in sequence:
            await scenario.step(*step)
        await scenario.settle()
        for thing in scenario.sent:  # what a crash interrupted is delivered to its end
            await scenario.deliver(thing)
        await scenario.settle()
        before = list(scenario.world.log)
        refused = len(scenario.world.publisher.events)
        scenario.world.clock.time += timedelta(days=7)
        order.shuffle(scenario.sent)
        for thing in scenario.sent:
            await scenario.deliver(thing)
        assert scenario.world.log == before
        assert len(scenario.world.publisher.events) == refused

    asyncio.run(run())
