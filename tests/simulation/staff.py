"""The staff at work: agents in three shifts, and a lead."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.office import Json, Office, Person
from tests.simulation.plan import STRIKE, Plan, at
from tests.simulation.screen import Case, Screen
from tests.simulation.webhooks import Item, echo, status, wamid_of

CAPACITY: Final = 22
QUIET: Final = 20.0
"""Minutes without a word of the customer until an answered case is closed."""
REPLY, OPEN_TICKET, END_TICKET, CLOSE = (0.3, 0.8), (2.5, 5.0), (1.5, 3.0), (0.2, 0.5)
"""How long each piece of work takes, in minutes."""
REPLIES: Final = (
    "Ji bilkul, available hai",
    "Yes, delivery within 3 days",
    "Humein order number bhej dein please",
    "We are looking into it right now",
)
RACES: Final = 0.15
"""Share of tickets that a lead and an agent change at the same moment."""


@dataclass
class Agent:
    """An agent: busy until a minute of the day."""

    person: Person
    shift: tuple[int, int]
    busy_until: float = 0
    working: bool = False

    @property
    def ref(self) -> str:
        """How a case names them as its owner."""
        return f"agent:{self.person.id}"


@dataclass
class Staff:
    """Everybody who works, and the replies they have written but not sent yet."""

    plan: Plan
    office: Office
    screen: Screen
    agents: list[Agent]
    lead: Person
    chance: random.Random
    phones: dict[str, str]
    """Conversation id → the customer's number."""
    written: list[Item] = field(default_factory=list)
    later: list[tuple[float, Item]] = field(default_factory=list)
    bulks: list[Json] = field(default_factory=list)
    handed_back: int = 0
    _replies: int = 0

    async def begin(self, admin: Person) -> None:
        """Everybody is added before the day."""
        people = [
            *((agent.person, CAPACITY) for agent in self.agents),
            (self.lead, 0),
        ]
        for person, capacity in people:
            body = {"id": person.id, "name": person.name, "role": person.role}
            made = await self.office.do(admin, "/v1/users", {**body, "capacity": capacity})
            assert made is not None, f"{person.id} was not added"

    async def change_shifts(self, minute: int) -> None:
        """Who begins comes first; who goes gives back what is theirs."""
        coming = [each for each in self.agents if each.shift[0] == minute]
        going = [each for each in self.agents if each.shift[1] == minute]
        for agent in coming:
            path = f"/v1/users/{agent.person.id}/shift/start"
            ends_at = at(agent.shift[1]).isoformat()
            await self.office.do(agent.person, path, {"ends_at": ends_at})
            agent.working, agent.busy_until = True, minute
        await asyncio.gather(*(self._go_home(agent) for agent in going))

    async def _go_home(self, agent: Agent) -> None:
        agent.working = False
        await self.office.do(agent.person, f"/v1/users/{agent.person.id}/shift/end")
        for case in self._own(agent):
            path = f"/v1/cases/{case.case_id}/release"
            if await self.office.do(agent.person, path, {"reason": "my shift ends"}) is not None:
                self.handed_back += 1

    async def work(self, minute: int, until: float) -> None:
        """Everybody on shift works side by side for this stretch."""
        await asyncio.gather(*(self._work(each, until) for each in self.agents if each.working))
        if minute == STRIKE:
            await self._strike()
        if minute % 30 == 0:
            await self._look_around()

    def items_due(self, minute: float) -> list[Item]:
        """Replies and statuses that reach WhatsApp by now."""
        due = [item for when, item in self.later if when <= minute]
        self.later = [(when, item) for when, item in self.later if when > minute]
        items, self.written = [*self.written, *due], []
        return items

    def _own(self, agent: Agent) -> list[Case]:
        return [
            case
            for case in self.screen.cases.values()
            if case.owner == agent.ref and not case.closed
        ]

    async def _work(self, agent: Agent, until: float) -> None:
        while agent.busy_until < until:
            began = agent.busy_until
            for case in sorted(self._own(agent), key=lambda each: each.heard_at):
                if await self._next_step(agent, case):
                    break
            if agent.busy_until == began:
                agent.busy_until = until
                return

    async def _next_step(self, agent: Agent, case: Case) -> bool:
        """True when there was something to do about the case, and it is done."""
        now = agent.busy_until
        if case.unanswered:
            case.unanswered = False
            case.answers += 1
            self._reply(case, now)
            return self._took(agent, REPLY)
        if case.complained and case.ticket is None:
            await self._open_ticket(agent, case)
            return self._took(agent, OPEN_TICKET)
        if case.courier_until is not None:
            if now < case.courier_until:
                return False
            await self._end_ticket(agent, case)
            return self._took(agent, END_TICKET)
        if now - case.heard_at < QUIET:
            return False
        await self._close(agent, case)
        return self._took(agent, CLOSE)

    def _took(self, agent: Agent, minutes: tuple[float, float]) -> bool:
        agent.busy_until += self.chance.uniform(*minutes)
        return True

    def _reply(self, case: Case, now: float) -> None:
        self._replies += 1
        phone, wamid = self.phones[case.conversation_id], wamid_of("reply", self._replies)
        self.written.append(echo(wamid, phone, self.chance.choice(REPLIES), at(now)))
        for name, after in (("delivered", 0.2), ("read", self.chance.uniform(1, 30))):
            self.later.append((now + after, status(wamid, phone, name, at(now + after))))

    async def _open_ticket(self, agent: Agent, case: Case) -> None:
        body = {"title": "Parcel did not arrive", "priority": "high", "category": "delivery"}
        path = f"/v1/cases/{case.case_id}/tickets"
        made = await self.office.do(agent.person, path, body)
        if made is None:
            case.complained = False
            return
        case.ticket = str(made["ticket_id"])
        ticket = f"/v1/tickets/{case.ticket}"
        await self.office.do(agent.person, f"{ticket}/status", {"status": "in_progress"})
        hours = self.chance.uniform(1, 9)
        case.courier_until = agent.busy_until + hours * 60
        hand = {
            "reference": f"TCS-{self.chance.randrange(10**6):06d}",
            "expected_at": at(case.courier_until).isoformat(timespec="seconds"),
        }
        await self.office.do(agent.person, f"{ticket}/handoff", hand)

    async def _end_ticket(self, agent: Agent, case: Case) -> None:
        ticket = f"/v1/tickets/{case.ticket}"
        case.courier_until = None
        if self.chance.random() < RACES:
            await self._race(agent, ticket)
        if self.chance.random() < RACES:  # forgotten, and refused
            await self.office.do(agent.person, f"{ticket}/close", {})
        note = {"note": "The courier found the parcel and delivered it."}
        await self.office.do(agent.person, f"{ticket}/resolve", note)
        await self.office.do(agent.person, f"{ticket}/close", {})
        self._reply(case, agent.busy_until)

    async def _race(self, agent: Agent, ticket: str) -> None:
        """Both decide on the same version: one wins."""
        seen = await self.office.read(agent.person, ticket)
        if seen is None:
            return
        etag = str(seen["etag"])
        done = await asyncio.gather(
            self.office.do(
                agent.person, f"{ticket}/notes", {"note": "Called the courier."}, if_match=etag
            ),
            self.office.do(self.lead, f"{ticket}/priority", {"priority": "urgent"}, if_match=etag),
        )
        if sum(each is not None for each in done) > 1:
            self.office.faults.append(f"{ticket}: two won on version {etag}")

    async def _close(self, agent: Agent, case: Case) -> None:
        path, etag = f"/v1/cases/{case.case_id}", None
        if self.chance.random() < 0.2:
            seen = await self.office.read(agent.person, path)
            etag = None if seen is None else seen["etag"]
        done = await self.office.do(
            agent.person, f"{path}/close", {"reason": "answered"}, if_match=etag
        )
        if done is not None:
            case.closed = True
        else:
            case.heard_at = agent.busy_until  # somebody was faster: looked at again later

    async def _strike(self) -> None:
        """The courier strikes: every ticket there gets a note at once.

        Then closing all of them is tried, together with one that is closed already: refused as one.
        """
        there = [
            case.ticket
            for case in self.screen.cases.values()
            if case.ticket is not None and case.courier_until is not None
        ]
        ended = [
            case.ticket
            for case in self.screen.cases.values()
            if case.ticket is not None and case.courier_until is None
        ]
        note = {"kind": "note", "note": "Courier strike: nothing moves until tomorrow."}
        if there:
            await self._bulk({"action": note, "ticket_ids": there[:1000], "mode": "each"})
        if there and ended:
            close = {"kind": "close", "note": "Courier strike"}
            tickets = [*there[:999], ended[0]]
            await self._bulk({"action": close, "ticket_ids": tickets, "mode": "all"})

    async def _bulk(self, body: Json) -> None:
        taken = await self.office.do(self.lead, "/v1/tickets/bulk", body)
        if taken is None:
            return
        path = f"/v1/tickets/bulk/{taken['bulk_id']}"
        for _ in range(600):
            progress = await self.office.read(self.lead, path)
            if progress is not None and progress["ended_at"] is not None:
                self.bulks.append(progress)
                return
            await asyncio.sleep(0.1)
        self.office.faults.append(f"a bulk of {len(body['ticket_ids'])} did not end")

    async def _look_around(self) -> None:
        """The lead looks at what is open, and at the history of one complaint."""
        await self.office.read(self.lead, "/v1/cases?status=open&limit=50")
        complaints = [each for each in self.screen.cases.values() if each.complained]
        if complaints:
            case = self.chance.choice(complaints)
            await self.office.read(self.lead, f"/v1/cases/{case.case_id}/timeline?limit=100")
