"""`python -m casetrail_tickets rebuild EVENTS`: what tickets knows, made again of the log."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from casetrail_contracts import CommandReply, Event
from casetrail_contracts.clocks import Group, Link, Step
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.conversation import (
    ConversationLinked,
    ConversationTagged,
    ConversationUntagged,
)
from casetrail_runtime import rebuilding
from casetrail_runtime.mongo import Database
from casetrail_runtime.numbers import NumberSeries
from casetrail_runtime.outbox import Codec, HistoryHole, RemadeAggregates

from casetrail_tickets.adapters import mongo_tickets
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles
from casetrail_tickets.adapters.mongo_contexts import MongoContexts
from casetrail_tickets.adapters.mongo_links import MongoLinks
from casetrail_tickets.adapters.mongo_open_tickets import MongoCaseTags
from casetrail_tickets.adapters.mongo_people import MongoPeople
from casetrail_tickets.adapters.service_levels_yaml import load_service_levels
from casetrail_tickets.domain.history import HistoryBroken, Place, apply
from casetrail_tickets.domain.ticket import Ticket
from casetrail_tickets.events import SERVICE
from casetrail_tickets.settings import TicketsSettings
from casetrail_tickets.use_cases.keeping_time import heard, step_of
from casetrail_tickets.use_cases.linked import Conversations
from casetrail_tickets.use_cases.remembering import RememberMessage, RememberPerson

TICKET: Final = "T-"
RECENT: Final = 5_000
"""Messages looked through for those from between the decision to make a ticket and its event."""
MESSAGES: Final = frozenset({"message.received", "message.sent"})
CLOCKS: Final = frozenset({"ticket.sla_started", "ticket.sla_breached"})
"""What a clock says has no cause that anybody could repeat."""


async def rebuild(settings: TicketsSettings, arguments: Sequence[str]) -> int:
    """The exit code; see `casetrail_runtime.rebuilding`."""
    life_cycles = load_life_cycles(settings.life_cycles_file)
    timed = bool(load_service_levels(settings.service_levels_file, life_cycles.states))
    return await rebuilding.rebuild(
        settings,
        "tickets",
        mongo_tickets.INDEXES,
        lambda db: RebuildTickets(db, settings.context_messages, timed=timed),
        arguments,
    )


class RebuildTickets:
    """Tickets and their clocks by folding; contexts, links, tags and people by hearing of all."""

    def __init__(self, db: Database, keep: int, *, timed: bool) -> None:
        """`timed`: there are service levels now, so that tickets without a promise have clocks."""
        codec = Codec(encode=partial(_encode, timed=timed), decode=Ticket.from_document)
        self._tickets = RemadeAggregates(
            db[mongo_tickets.TICKETS], db[mongo_tickets.PROCESSED], _fold, codec
        )
        self._numbers = db[mongo_tickets.NUMBERS]
        self._taken: defaultdict[str, dict[str, int]] = defaultdict(dict)
        contexts = MongoContexts(db[mongo_tickets.CONTEXTS], keep)
        self._links = MongoLinks(db[mongo_tickets.LINKS])
        self._conversations = Conversations(contexts, self._links, keep)
        self._remember_message = RememberMessage(contexts)
        self._remember_person = RememberPerson(MongoPeople(db[mongo_tickets.PEOPLE]))
        self._tags = MongoCaseTags(db[mongo_tickets.CASE_TAGS])
        self._linked: defaultdict[str, list[Link]] = defaultdict(list)
        self._of: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._recent: deque[tuple[str, str, Step]] = deque(maxlen=RECENT)
        self._messages: list[Event] = []
        self._made = 0
        self._found = db[mongo_tickets.TICKETS]
        self._begun = False

    async def take(self, event: Event) -> None:
        """One more event, of whatever noun."""
        if not self._begun:
            await self._begin()
        verb, noun = event.noun_verb, event.noun_verb.partition(".")[0]
        if noun == "ticket" and event.source == f"casetrail/{SERVICE}":
            await self._take_ticket(event)
        elif verb in MESSAGES and event.conversationid is not None:
            self._messages.append(event)
            step = step_of(event)
            self._recent.append((event.workspace, event.conversationid, step))
            await self._hear(event.workspace, event.conversationid, step)
        elif isinstance(event.data, ConversationLinked) and event.conversationid is not None:
            await self._link(event, event.data.linked_to)
        elif isinstance(event.data, ConversationTagged | ConversationUntagged):
            await self._tag(event, event.data.tag)
        elif isinstance(event.data, CommandRejected) and event.data.refused_by == SERVICE:
            reply = CommandReply.rejected(event.data.code, event.data.detail)
            id_ = f"{event.workspace}:{event.data.target.partition('/')[2]}"
            self._tickets.answered(id_, event.data.command_id, reply)
        elif noun == "user":
            await self._remember_person(event)

    async def _begin(self) -> None:
        """What an earlier run of the command made, which this one goes on with."""
        self._begun = True
        async for row in self._found.find({}, {"workspace": 1, "state.conversation_id": 1}):
            self._of[row["workspace"], row["state"]["conversation_id"]].append(row["_id"])

    async def _take_ticket(self, event: Event) -> None:
        id_ = f"{event.workspace}:{event.ticketid}"
        await self._tickets.take(id_, event, remember=event.noun_verb not in CLOCKS)
        if event.noun_verb != "ticket.created":
            return
        conversation_id = event.conversationid or ""
        tickets = self._of[event.workspace, conversation_id]
        if id_ not in tickets:
            tickets.append(id_)
            self._made += 1
        number = (event.ticketid or "").removeprefix(TICKET)
        if number.isdecimal() and event.causationid is not None:
            self._taken[event.workspace][event.causationid] = int(number)
        for workspace, said_in, step in self._recent:
            if workspace == event.workspace:
                await self._hear(workspace, said_in, step, only=id_)

    async def _hear(
        self, workspace: str, said_in: str, step: Step, *, only: str | None = None
    ) -> None:
        """A message for the clocks of every ticket that it counts for."""
        group = Group(self._linked[workspace])
        for ticket_in in group.of(said_in):
            if group.hears(ticket_in, said_in, step.at, step.event_id):
                for id_ in self._of.get((workspace, ticket_in), ()):
                    if only is None or id_ == only:
                        await self._time(id_, [step])

    async def _link(self, event: Event, to: str) -> None:
        linked = event.conversationid or ""
        link = Link(linked, to, event.time, event.causationid)
        self._linked[event.workspace].append(link)
        await self._links.remember(event.workspace, link)
        await self._remember_messages()
        for ticket_in in Group(self._linked[event.workspace]).of(linked):
            if ids := self._of.get((event.workspace, ticket_in), ()):
                steps = await self._conversations.heard(event.workspace, ticket_in)
                for id_ in ids:
                    await self._time(id_, steps)

    async def _time(self, id_: str, steps: Sequence[Step]) -> None:
        """What was said, for the clocks of a ticket; what is from after its end counts for none."""
        ticket = await self._tickets.state(id_)
        if ticket is None or ticket.levels is None:
            return
        levels = heard(ticket.levels, steps)
        if levels is not ticket.levels:
            await self._tickets.change(id_, replace(ticket, levels=levels))

    async def _tag(self, event: Event, tag: str) -> None:
        if event.caseid is not None and event.version is not None:
            on = isinstance(event.data, ConversationTagged)
            await self._tags.set(event.workspace, event.caseid, tag, event.version, on=on)

    async def _remember_messages(self) -> None:
        messages, self._messages = self._messages, []
        await asyncio.gather(*(self._remember_message(event) for event in messages))

    async def flush(self) -> None:
        """Everything taken so far."""
        await self._tickets.flush()
        for workspace, numbers in self._taken.items():
            await NumberSeries(self._numbers, f"{workspace}:ticket").restore(numbers)
        self._taken.clear()
        await self._remember_messages()

    async def end(self) -> Mapping[str, int]:
        """What was made of the events of this run."""
        return {"events of tickets": self._tickets.count, "tickets": self._made}


def _fold(ticket: Ticket | None, event: Event) -> Ticket:
    place = Place(event.ticketid or "", event.conversationid or "", event.caseid or "")
    try:
        return apply(ticket, step_of(event), place)
    except (HistoryBroken, KeyError) as fault:
        raise HistoryHole(f"{event.subject}: {fault}") from fault


def _encode(ticket: Ticket, *, timed: bool) -> dict[str, object]:
    """As tickets keeps it: with clocks where something was promised or may be, and when it is due.

    A clock that fell due meanwhile is looked at as soon as the service runs.
    """
    levels = ticket.levels
    if levels is None or not (timed or levels.history.promises):
        return replace(ticket, levels=None, due_at=None, ended_at=None).to_document()
    now = max(each.at for each in levels.history.standings)
    return replace(ticket, due_at=levels.next_due(now)).to_document()
