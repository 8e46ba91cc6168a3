"""One simulated day against the real processes."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from casetrail_contracts.ids import conversation_id
from casetrail_local.progress import Steps

from tests.simulation.figures import Figures, figures_of
from tests.simulation.house import House, running_house
from tests.simulation.office import Office, Person, add_tokens
from tests.simulation.plan import DAY, KILLS, Plan, Size, at, phone_of, planned
from tests.simulation.screen import Follower, Screen
from tests.simulation.staff import Agent, Staff
from tests.simulation.verdict import Verdict, judge
from tests.simulation.webhooks import Item, Post, message, status, wamid_of

EVENING: Final = 23 * 60
"""From then on the campaign's remaining statuses arrive, so that the day has all its items."""


@dataclass
class Told:
    """What a day was."""

    size: Size
    seconds: float
    """Real seconds from midnight to midnight."""
    post: Post
    office: Office
    staff: Staff
    screen: Screen
    kills: list[str]
    figures: Figures
    verdict: Verdict


async def play(
    size: Size,
    folder: Path,
    steps: Steps,
    *,
    stride: int = 1,
    kills: Sequence[tuple[int, str]] = KILLS,
) -> Told:
    """Plays the day in strides of simulated minutes; the processes are gone afterwards."""
    plan = planned(size)
    with running_house(folder, steps) as house:
        async with httpx.AsyncClient(
            timeout=30, trust_env=False, limits=httpx.Limits(max_connections=40)
        ) as client:
            return await _Day(plan, house, client, steps, stride=stride, kills=kills).run()


class _Day:
    def __init__(
        self,
        plan: Plan,
        house: House,
        client: httpx.AsyncClient,
        steps: Steps,
        *,
        stride: int,
        kills: Sequence[tuple[int, str]],
    ) -> None:
        self._plan = plan
        self._house = house
        self._steps = steps
        self._stride = stride
        self._planned_kills = kills
        self._chance = random.Random(plan.size.seed + 1)
        stack = house.description
        self._post = Post(stack, client, self._chance)
        self._office = Office(stack.gateway_url, client, self._chance)
        self._screen = Screen()
        self._items: set[str] = set()
        self._kills: list[str] = []
        self._admin = Person("admin", "Administrator", "admin", stack.tokens.admin)
        agents = [
            Agent(Person.of(f"a{n:02d}", f"Agent {n:02d}"), plan.shift_of(n))
            for n in range(plan.size.agents)
        ]
        lead = Person.of("lead-1", "Shift Lead", "lead")
        key = house.identity.workspace_key.encode()
        phones = {
            conversation_id(key, stack.phone_number_id, phone): phone
            for phone in map(phone_of, range(plan.size.customers))
        }
        self._staff = Staff(plan, self._office, self._screen, agents, lead, self._chance, phones)

    async def run(self) -> Told:
        add_tokens(self._house.tokens, [*(a.person for a in self._staff.agents), self._staff.lead])
        stack = self._house.description
        async with Follower(stack.nats_url, self._screen) as follower:
            await self._until_tokens_hold()
            await self._staff.begin(self._admin)
            began = time.monotonic()
            for minute in range(0, DAY, self._stride):
                await self._stretch(minute, follower, began)
            assert await follower.caught_up(), "the services are not through with the day"
            seconds = time.monotonic() - began
        with self._steps.step("checking the invariants on the database and the streams"):
            verdict = await judge(stack, self._post, self._office, self._items)
        with self._steps.step("reading the figures off the log"):
            figures = await figures_of(stack)
        return Told(
            self._plan.size,
            seconds,
            self._post,
            self._office,
            self._staff,
            self._screen,
            self._kills,
            figures,
            verdict,
        )

    async def _stretch(self, minute: int, follower: Follower, began: float) -> None:
        """The next minutes: what comes in, what the staff does, what is killed meanwhile."""
        until = minute + self._stride
        self._house.tend()
        self._house.clock.set(at(minute))
        self._screen.minute = minute
        for shift in (0, 480, 960):
            if minute <= shift < until:
                await self._staff.change_shifts(shift)
        incoming = [*self._incoming(minute, until), *self._staff.items_due(minute)]
        self._items |= {f"{i['kind']} {i['id']} {i.get('status')}" for i in incoming}
        kill = [name for when, name in self._planned_kills if minute <= when < until]
        await asyncio.gather(
            self._post(incoming), self._staff.work(minute, until), self._kill(kill)
        )
        assert await follower.caught_up(), f"the services do not catch up at minute {minute}"
        if minute % 60 == 0:
            done = time.monotonic() - began
            self._steps.say(
                f"  {minute // 60:02d}:00  {self._post.taken} items, {self._screen.events} events, "
                f"{len(self._office.seconds)} commands, {done:.0f} s"
            )

    def _incoming(self, minute: int, until: int) -> list[Item]:
        items: list[Item] = []
        for now in range(minute, until):
            for said in self._plan.said[now]:
                wamid = wamid_of("said", len(self._items) + len(items), said.customer)
                items.append(message(wamid, phone_of(said.customer), said.text, at(now)))
            for customer in self._plan.told[now]:
                items.append(self._news(customer, now, len(self._items) + len(items)))
        if minute >= EVENING:
            left = self._plan.size.items - self._post.taken - len(items)
            share = max(0, left) * self._stride // max(DAY - minute, 1)
            items += [
                self._news(n % self._plan.size.customers, minute, len(self._items) + len(items) + n)
                for n in range(share)
            ]
        return items

    def _news(self, customer: int, minute: float, number: int) -> Item:
        wamid = wamid_of("campaign", number, customer)
        return status(wamid, phone_of(customer), "delivered", at(minute))

    async def _kill(self, names: list[str]) -> None:
        """In the middle of the stretch, while requests are under way."""
        for name in names:
            await asyncio.sleep(self._chance.uniform(0.02, 0.2))
            self._steps.say(f"  kill -9 {name}")
            await asyncio.to_thread(self._house.kill, name)
            self._kills.append(name)

    async def _until_tokens_hold(self) -> None:
        """The gateway reads its file of tokens again within a moment."""
        lead = self._staff.lead
        for _ in range(200):
            if await self._office.read(lead, "/v1/cases?limit=1") is not None:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the gateway does not take the tokens of the staff")
