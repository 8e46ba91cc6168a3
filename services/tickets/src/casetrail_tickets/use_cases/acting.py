"""What tickets does on command: make a ticket, act on one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from casetrail_contracts import Command, CommandReply, Event, commands
from casetrail_contracts.commands import CreateTicket, OnTicket
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_tickets.domain.actions import By, assign
from casetrail_tickets.domain.errors import (
    OwnerNotFound,
    Refused,
    TicketNotFound,
    VersionConflict,
)
from casetrail_tickets.domain.life_cycle import LifeCycle
from casetrail_tickets.domain.ticket import Fact, Outcome, Ticket
from casetrail_tickets.events import correlation, events_of, rejection
from casetrail_tickets.ports import (
    CaseTags,
    Clock,
    ContextMessage,
    LifeCyclesOf,
    Numbers,
    People,
    Person,
    Stream,
)
from casetrail_tickets.use_cases.keeping_time import Cause, KeepTime
from casetrail_tickets.use_cases.linked import Conversations

C = TypeVar("C", bound=OnTicket)

WORKERS: Final = frozenset({"agent", "lead", "admin"})
PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between looks for an owner nobody has told of yet; together below any caller's limit."""


@dataclass(frozen=True)
class MakeTicket:
    """Makes a ticket of a case, with the newest messages of its customer attached."""

    tickets: Aggregates[Ticket]
    numbers: Numbers
    conversations: Conversations
    life_cycles: LifeCyclesOf
    clock: Clock
    tags: CaseTags
    time: KeepTime = field(default_factory=KeepTime)

    async def __call__(self, command: CreateTicket) -> CommandReply:
        """The new ticket's number; the same command again gets the same number."""
        ticket_id = f"T-{await self.numbers.take(command.workspace, command.id)}"
        said = await self.conversations.newest(command.workspace, command.conversation_id)
        tags = await _tags(self.time, self.tags, command.workspace, command.case_id)
        now = self.clock()
        cycle = self.life_cycles.of(command.workspace)
        begun = cycle.initial

        def decide(_: Loaded[Ticket]) -> Decision[Ticket]:
            ticket = Ticket(
                ticket_id=ticket_id,
                conversation_id=command.conversation_id,
                case_id=command.case_id,
                status=begun,
                priority=command.priority,
                category=command.category,
            )
            fact = Fact(
                "ticket.created",
                {
                    "ticket_id": ticket_id,
                    "status": begun,
                    "life_cycle": {"name": cycle.name, "version": cycle.version},
                    "priority": command.priority,
                    "category": command.category,
                    "context": {
                        "message_count": len(said),
                        "event_ids": [message.event_id for message in said],
                        "through": said[-1].time if said else None,
                    },
                },
                (("status", None, begun),),
                private={"title": command.title, "context": [_plain(each) for each in said]},
            )
            made = events_of(ticket, [fact], command, version=0, at=now)
            kept, events = self.time.after(
                ticket, made, _cause(command), version=1, now=now, tags=tags
            )
            reply = CommandReply.ok(ticket_id=ticket_id, status=ticket.status)
            return Decision(reply.model_dump(), kept, events)

        outcome = await self.tickets.handle(f"{command.workspace}:{ticket_id}", command.id, decide)
        return _reply(outcome.result, outcome.version)


@dataclass(frozen=True)
class AssignTicket:
    """Gives a ticket to somebody who works on tickets, or to nobody."""

    act_on: "ActOnTicket"
    people: People

    async def __call__(self, command: commands.AssignTicket) -> CommandReply:
        """The ticket's status; refused when there is no such agent, lead or admin."""
        return await self.act_on(command, await self.act_for(command))

    async def act_for(
        self, command: commands.AssignTicket
    ) -> Callable[[Ticket, commands.AssignTicket, By], Outcome]:
        """The action on a ticket, with the person looked up; it refuses when there is none."""
        person = await self._known(command)
        if command.owner is None:
            return lambda ticket, _, by: assign(ticket, None, None, by)
        owner, name = f"agent:{command.owner}", None if person is None else person.name

        def act(ticket: Ticket, command: commands.AssignTicket, by: By) -> Outcome:
            if person is None:
                raise OwnerNotFound(
                    f"There is no user {command.owner!r}: ask for them to be added."
                )
            if person.role not in WORKERS:
                raise OwnerNotFound(
                    f"{person.name} has the role {person.role}, which works on no tickets."
                )
            return assign(ticket, owner, name, by)

        return act

    async def _known(self, command: commands.AssignTicket) -> Person | None:
        """The person; one who was added a moment ago may need that moment to be known here."""
        if command.owner is None:
            return None
        for pause in PAUSES:
            person = await self.people.find(command.workspace, command.owner)
            if person is not None:
                return person
            await asyncio.sleep(pause)
        return await self.people.find(command.workspace, command.owner)


@dataclass(frozen=True)
class ActOnTicket:
    """Carries out a command on one ticket, or records why it is refused."""

    tickets: Aggregates[Ticket]
    stream: Stream
    life_cycles: LifeCyclesOf
    clock: Clock
    tags: CaseTags
    time: KeepTime = field(default_factory=KeepTime)

    async def __call__(self, command: C, act: Callable[[Ticket, C, By], Outcome]) -> CommandReply:
        """The ticket's new status; a refusal is recorded as an event before it is answered."""
        aggregate_id = f"{command.workspace}:{command.ticket_id}"
        now = self.clock()
        by = _by(command, self.life_cycles.of(command.workspace))
        known = await self.tickets.load(aggregate_id)
        if known is None:
            refused = _refusal(TicketNotFound(command.ticket_id))
            target = f"ticket/{command.ticket_id}"
            await self.stream.publish(rejection(command, refused, target=target, at=now))
            return refused
        case_id = None if known.state is None else known.state.case_id
        tags = await _tags(self.time, self.tags, command.workspace, case_id)

        def decide(current: Loaded[Ticket]) -> Decision[Ticket]:
            ticket = current.state
            if ticket is None:
                raise TicketNotFound(command.ticket_id)
            try:
                _check_version(command, current.version, ticket)
                after, facts = act(ticket, command, by)
            except Refused as refused:
                reply = _refusal(refused, status=ticket.status)
                return Decision(reply.model_dump(), None, [_refused(ticket, command, reply)])
            own = events_of(after, facts, command, version=current.version, at=now)
            kept, events = self.time.after(
                after, own, _cause(command), version=current.version + len(own), now=now, tags=tags
            )
            reply = CommandReply.ok(ticket_id=ticket.ticket_id, status=after.status)
            return Decision(reply.model_dump(), kept, events)

        def _refused(ticket: Ticket, command: C, reply: CommandReply) -> Event:
            return rejection(
                command,
                reply,
                target=f"ticket/{ticket.ticket_id}",
                at=now,
                conversationid=ticket.conversation_id,
                caseid=ticket.case_id,
                ticketid=ticket.ticket_id,
            )

        outcome = await self.tickets.handle(aggregate_id, command.id, decide)
        return _reply(outcome.result, outcome.version)

    async def look(self, command: C, act: Callable[[Ticket, C, By], Outcome]) -> CommandReply:
        """What the command would be answered now; nothing is changed, and nothing recorded."""
        known = await self.tickets.load(f"{command.workspace}:{command.ticket_id}")
        ticket = None if known is None else known.state
        if known is None or ticket is None:
            return _refusal(TicketNotFound(command.ticket_id))
        by = _by(command, self.life_cycles.of(command.workspace))
        try:
            _check_version(command, known.version, ticket)
            after, _ = act(ticket, command, by)
        except Refused as refused:
            return _reply(_refusal(refused, status=ticket.status).model_dump(), known.version)
        return CommandReply.ok(known.version, status=after.status)


async def _tags(
    time: KeepTime, tags: CaseTags, workspace: str, case_id: str | None
) -> frozenset[str]:
    """The tags of the case, when a policy looks at them."""
    if not time.reads_tags or case_id is None:
        return frozenset()
    return await tags.of(workspace, case_id)


def _cause(command: Command) -> Cause:
    return Cause(command.workspace, command.id, correlation(command))


def _by(command: OnTicket, cycle: LifeCycle) -> By:
    reason = getattr(command, "reason", None)
    return By(cycle, command.actor.id, command.actor.kind, reason)


def _check_version(command: OnTicket, version: int, ticket: Ticket) -> None:
    expected = command.expected_version
    if expected is not None and expected != version:
        raise VersionConflict(expected, version, ticket.status)


def _refusal(refused: Refused, **result: Any) -> CommandReply:
    return CommandReply.rejected(refused.code, refused.detail, **result)


def _reply(result: Any, version: int) -> CommandReply:
    return CommandReply.model_validate({**result, "version": version})


def _plain(message: ContextMessage) -> dict[str, Any]:
    return {
        "event_id": message.event_id,
        "time": message.time.isoformat(),
        "from": message.sender,
        "text": message.text,
    }
