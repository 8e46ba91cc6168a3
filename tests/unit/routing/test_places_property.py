"""Places of cases at the courier follow from the log, whatever happens in whatever order."""

import asyncio
import random
from typing import Any

from casetrail_contracts import Event
from casetrail_contracts.registry.ticket import TicketClosed, TicketStatusChanged
from casetrail_routing.domain.custody_policy import CustodyPolicy
from casetrail_routing.ports import Key
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routing import samples
from tests.unit.routing.test_history_property import CONVERSATIONS, Run, capacities, steps
from tests.unit.routing.test_places_outside import AGENT, HANDED, LEAVES, RETURNS, created
from tests.unit.routing.world import World

MOVES = {
    "leaves": LEAVES,
    "handed": HANDED,
    "returns": RETURNS,
    "closed": TicketClosed(actor=AGENT, old="resolved"),
}
of_tickets = st.one_of(
    st.tuples(
        st.just("ticket"),
        st.sampled_from(CONVERSATIONS),
        st.sampled_from([1, 2]),
        st.sampled_from(["leaves", "leaves", *MOVES]),
    ),
    st.tuples(st.just("hear"), st.integers(0, 5)),
)
half = st.booleans().flatmap(lambda tickets: of_tickets if tickets else steps)
"""Every second step is about a ticket; `one_of` would make them two in thirty."""
sequences = st.lists(half, min_size=20, max_size=60)


class AtCourier(Run):
    """A run in which tickets leave and return, heard of late, out of order and more than once."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(CustodyPolicy(outside="free"))
        self.tickets: dict[tuple[str, int], list[Event]] = {}
        self._unheard: list[Event] = []

    async def step(self, kind: str, *with_: Any) -> None:
        """Does one thing more than a run without tickets can."""
        match kind, *with_:
            case "ticket", conversation_id, number, move:
                history = self.tickets.setdefault((conversation_id, number), [])
                if not history:
                    self._happens(conversation_id, number, "created")
                self._happens(conversation_id, number, move)
            case "hear", seed:
                chance = random.Random(seed)
                chance.shuffle(self._unheard)
                count = chance.choice([chance.randint(0, len(self._unheard)), len(self._unheard)])
                for event in self._unheard[:count]:
                    await self.world.note_activity(event)
                self._unheard = self._unheard[count - 1 if count else 0 :]
            case _:
                await super().step(kind, *with_)

    def _happens(self, conversation_id: str, number: int, move: str) -> None:
        history = self.tickets[conversation_id, number]
        ticket_id = f"T-{conversation_id[-1]}{number}"
        version = len(history) + 1
        data = created(ticket_id) if move == "created" else MOVES[move]
        event = samples.of_ticket(
            data, version, self.world.clock.time, ticket_id, conversation_id=conversation_id
        )
        history.append(event)
        self._unheard.append(event)

    async def settle(self) -> None:
        """Everything is heard of, and the background tasks have run until nothing changes."""
        links = [e for e in self.world.users.events() if e.noun_verb == "conversation.linked"]
        for event in [*self._unheard, *links]:
            await self.world.note_activity(event)
        for _ in range(4):
            await super().settle()
            await self.world.serve_queue()

    def outside(self, lead: Key) -> bool:
        """By the histories alone: something is open, and somebody outside has each of it."""
        where: list[bool] = []
        for (conversation_id, _), history in self.tickets.items():
            if self._led_by(conversation_id) != lead.id:
                continue
            away, is_open = False, True
            for event in history:
                if isinstance(event.data, TicketStatusChanged):
                    away = event.data.outside is True
                elif event.noun_verb == "ticket.handed_off":
                    away = True
                elif event.noun_verb == "ticket.closed":
                    away, is_open = False, False
            if is_open:
                where.append(away)
        return bool(where) and all(where)

    def _led_by(self, conversation_id: str) -> str:
        found = self.world.conversations.documents.get(f"main:{conversation_id}")
        if found is None or found.state is None or found.state.linked_to is None:
            return conversation_id
        return self._led_by(found.state.linked_to)

    async def check_places(self) -> None:
        """Marked is what is outside; nobody waits while somebody has room for what is at hand."""
        held = {slot.conversation for slot in await self.world.slots.reserved()}
        assert await self.world.slots.marked() == {key for key in held if self.outside(key)}
        waiting = await self.waiting()
        for user_id in self.created:
            user = self.world.users.documents[f"main:{user_id}"].state
            taken = self.world.slots.taken.get(f"main:{user_id}", [])
            at_hand = sum(not each.outside for each in taken)
            assert user is not None
            assert not (waiting and user.takes_cases and at_hand < user.capacity)


@settings(max_examples=100, deadline=None)
@given(capacities, sequences)
def test_places_follow_from_the_log_whatever_happens(
    room: tuple[int, int], sequence: list[tuple[Any, ...]]
) -> None:
    """INVARIANT I5: state == fold, slots match custody, and their marks match the tickets."""

    async def run() -> None:
        scenario = AtCourier()
        await scenario.begin(room)
        for step in sequence:
            await scenario.step(*step)
            scenario.check_log()
        scenario.world.conversations.crash = None
        scenario.world.processed.crash = False
        for thing in list(scenario.sent):  # what a crash interrupted is delivered to its end
            await scenario.deliver(thing)
        await scenario.check_settled()
        await scenario.check_places()
        scenario.check_log()

    asyncio.run(run())
