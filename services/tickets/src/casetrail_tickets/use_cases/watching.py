"""What is heard outside a ticket and matters to its clocks, and what falls due by itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from casetrail_contracts import Event
from casetrail_contracts.clocks import Link, Step
from casetrail_contracts.registry.conversation import (
    ConversationLinked,
    ConversationTagged,
    ConversationUntagged,
)
from casetrail_runtime.outbox import Aggregates, Decision, Loaded

from casetrail_tickets.domain.levels import Levels
from casetrail_tickets.domain.ticket import Ticket
from casetrail_tickets.ports import CaseTags, Clock, OpenTickets
from casetrail_tickets.use_cases.keeping_time import Cause, KeepTime, heard, step_of
from casetrail_tickets.use_cases.linked import Conversations

ROUND: Final = 200
"""Tickets looked at between two questions to the database."""


class NothingNew(Exception):
    """The ticket stays as it is: nothing is written, and the cause is not remembered."""


@dataclass(frozen=True)
class Timekeeper:
    """Changes the clocks of tickets for a reason that is no command."""

    tickets: Aggregates[Ticket]
    keep: KeepTime
    clock: Clock

    async def __call__(
        self,
        aggregate_id: str,
        cause: Cause,
        change: Callable[[Ticket, Levels], Levels],
    ) -> bool:
        """True when the ticket's clocks changed; the same cause again changes nothing."""
        now = self.clock()

        def decide(current: Loaded[Ticket]) -> Decision[Ticket]:
            ticket = current.state
            if ticket is None or ticket.levels is None:
                raise NothingNew
            changed = replace(ticket, levels=change(ticket, ticket.levels))
            after, events = self.keep.settled(changed, cause, version=current.version, now=now)
            if after == ticket:
                raise NothingNew
            return Decision({}, after, events)

        try:
            await self.tickets.handle(aggregate_id, cause.id, decide)
        except NothingNew:
            return False
        return True


@dataclass(frozen=True)
class HearMessage:
    """A message stops or starts the clocks of the open tickets of its conversation.

    And of those in conversations that are linked with it.
    """

    open_tickets: OpenTickets
    conversations: Conversations
    time: Timekeeper

    async def __call__(self, event: Event) -> None:
        """Every open ticket has taken note."""
        if event.conversationid is None or not self.time.keep.policies:
            return
        said_in, hear = event.conversationid, _hearing([step_of(event)])
        group = await self.conversations.group(event.workspace, said_in)
        for ticket_in in group.of(said_in):
            if group.hears(ticket_in, said_in, event.time, event.id):
                for aggregate_id in await self.open_tickets.of_conversation(
                    event.workspace, ticket_in, event.time
                ):
                    await self.time(aggregate_id, cause_of(event), hear)


@dataclass(frozen=True)
class HearLink:
    """From a link on, what is said in one conversation counts for the tickets of the other."""

    open_tickets: OpenTickets
    conversations: Conversations
    time: Timekeeper

    async def __call__(self, event: Event) -> None:
        """The link is known, and what was said meanwhile has reached every open ticket."""
        data, linked = event.data, event.conversationid
        if not isinstance(data, ConversationLinked) or linked is None:
            return
        link = Link(linked, data.linked_to, event.time, event.causationid)
        await self.conversations.links.remember(event.workspace, link)
        if not self.time.keep.policies:
            return
        group = await self.conversations.group(event.workspace, linked)
        for ticket_in in group.of(linked):
            found = await self.open_tickets.of_conversation(event.workspace, ticket_in, event.time)
            if found:
                hear = _hearing(await self.conversations.heard(event.workspace, ticket_in))
                for aggregate_id in found:
                    await self.time(aggregate_id, cause_of(event), hear)


@dataclass(frozen=True)
class HearTag:
    """A tag of the case may bring its tickets under another policy."""

    open_tickets: OpenTickets
    tags: CaseTags
    time: Timekeeper

    async def __call__(self, event: Event) -> None:
        """The tag is known, and every open ticket of the case is under the policy that fits."""
        data = event.data
        if event.caseid is None or event.conversationid is None or event.version is None:
            return
        if not isinstance(data, ConversationTagged | ConversationUntagged):
            return
        on = isinstance(data, ConversationTagged)
        await self.tags.set(event.workspace, event.caseid, data.tag, event.version, on=on)
        if not self.time.keep.reads_tags:
            return
        tags = await self.tags.of(event.workspace, event.caseid)
        for aggregate_id in await self.open_tickets.of_conversation(
            event.workspace, event.conversationid, event.time
        ):
            await self.time(
                aggregate_id,
                cause_of(event),
                _choosing(self.time, event.workspace, event.caseid, tags),
            )


@dataclass(frozen=True)
class CatchUp:
    """What was said and tagged while a ticket was being made reaches its clocks as well.

    It hangs on the ticket's own event, which is delivered until this is done.
    """

    conversations: Conversations
    tags: CaseTags
    time: Timekeeper

    async def __call__(self, event: Event) -> None:
        """The new ticket knows what came between its decision and its write."""
        conversation, case = event.conversationid, event.caseid
        if conversation is None or case is None or not self.time.keep.policies:
            return
        heard_of = await self.conversations.heard(event.workspace, conversation)
        steps = [each for each in heard_of if each.at >= event.time]
        tags = await self.tags.of(event.workspace, case)
        choose = _choosing(self.time, event.workspace, case, tags)
        hear = _hearing(steps)
        aggregate_id = f"{event.workspace}:{event.ticketid}"
        await self.time(
            aggregate_id,
            cause_of(event),
            lambda ticket, levels: choose(ticket, hear(ticket, levels)),
        )


@dataclass(frozen=True)
class NoticeBreaches:
    """Tells of what fell due; any number of replicas may do it at once."""

    open_tickets: OpenTickets
    time: Timekeeper

    async def __call__(self) -> int:
        """How many tickets were written; each breach is told by exactly one replica."""
        written = 0
        for aggregate_id, due_at in await self.open_tickets.due(self.time.clock(), ROUND):
            workspace, _, ticket_id = aggregate_id.partition(":")
            name = f"sla-due:{ticket_id}:{due_at.isoformat()}"
            cause = Cause(workspace, name, name)
            written += await self.time(aggregate_id, cause, _as_it_is)
        return written


def cause_of(event: Event) -> Cause:
    """An event as the cause of a write."""
    correlation = event.id if event.correlationid is None else event.correlationid
    return Cause(event.workspace, event.id, correlation)


def _hearing(steps: Iterable[Step]) -> Callable[[Ticket, Levels], Levels]:
    known = list(steps)
    return lambda _, levels: heard(levels, known)


def _choosing(
    time: Timekeeper, workspace: str, case_id: str, tags: frozenset[str]
) -> Callable[[Ticket, Levels], Levels]:
    now: datetime = time.clock()

    def choose(ticket: Ticket, levels: Levels) -> Levels:
        if ticket.case_id != case_id:
            return levels
        return time.keep.choose(ticket, levels, workspace, tags, now)

    return choose


def _as_it_is(_: Ticket, levels: Levels) -> Levels:
    return levels
