"""The tickets service without servers: its use cases over stores in memory, and a clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from casetrail_contracts import Actor, Command, CommandReply, Event, commands
from casetrail_contracts.clocks import ALWAYS, Calendar, Group, Link, Policy
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.conversation import (
    ConversationLinked,
    ConversationTagged,
    ConversationUntagged,
)
from casetrail_contracts.registry.message import MessageReceived, MessageSent, WebhookOrigin
from casetrail_runtime.publisher import Ack
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles
from casetrail_tickets.adapters.mongo_tickets import CODEC
from casetrail_tickets.domain.ticket import Ticket
from casetrail_tickets.ports import ContextMessage, Person
from casetrail_tickets.use_cases.acting import ActOnTicket, AssignTicket, MakeTicket
from casetrail_tickets.use_cases.actions import ACTIONS
from casetrail_tickets.use_cases.keeping_time import KeepTime
from casetrail_tickets.use_cases.linked import Conversations
from casetrail_tickets.use_cases.remembering import RememberMessage
from casetrail_tickets.use_cases.watching import (
    CatchUp,
    HearLink,
    HearMessage,
    HearTag,
    NoticeBreaches,
    Timekeeper,
)

from tests.support.memory import MemoryAggregates, MemoryNumberSeries

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AGENT = Actor(kind="agent", id="a", name="Agent A")
CONVERSATION, CASE = "cv_a", "CASE-1001"
OFFICE = Calendar("Asia/Karachi", (((540, 1020),),) * 5 + ((), ()))
URGENT = Policy(
    "urgent",
    {"first_response": 15 * MINUTE, "next_response": 20 * MINUTE, "resolution": 120 * MINUTE},
    ALWAYS,
    {"priority": frozenset({"urgent"})},
    {"resolution": frozenset({"awaiting_customer"})},
)
PRESS = Policy("press", {"resolution": 30 * MINUTE}, ALWAYS, {"tag": frozenset({"press"})})
REST = Policy(
    "rest",
    {"first_response": 60 * MINUTE, "resolution": 480 * MINUTE},
    OFFICE,
    pauses={"resolution": frozenset({"awaiting_customer", "awaiting_courier"})},
)


class MemoryContexts:
    """`Contexts` in a dictionary."""

    def __init__(self) -> None:
        self.messages: dict[str, tuple[str, ContextMessage]] = {}

    async def remember(self, workspace: str, conversation_id: str, message: ContextMessage) -> None:
        """Adds a message."""
        self.messages[message.event_id] = (conversation_id, message)

    async def forget(
        self, workspace: str, conversation_id: str, event_ids: Sequence[str] | None
    ) -> None:
        """Not asked for here."""
        raise NotImplementedError

    async def newest(self, workspace: str, conversation_id: str) -> Sequence[ContextMessage]:
        """All of them, oldest first."""
        mine = [said for where, said in self.messages.values() if where == conversation_id]
        return sorted(mine, key=lambda message: message.time)


class MemoryLinks:
    """`Links` in a list."""

    def __init__(self) -> None:
        self.links: list[Link] = []

    async def remember(self, workspace: str, link: Link) -> None:
        """Adds a link."""
        self.links.append(link)

    async def around(self, workspace: str, conversation_id: str) -> Group:
        """All of them."""
        return Group(self.links)


class MemoryTags:
    """`CaseTags` in a dictionary."""

    def __init__(self) -> None:
        self._tags: dict[str, tuple[int, bool]] = {}

    async def set(self, workspace: str, case_id: str, tag: str, version: int, *, on: bool) -> None:
        """The tag is on or off, unless something newer is known."""
        self._tags[tag] = max(self._tags.get(tag, (0, False)), (version, on))

    async def of(self, workspace: str, case_id: str) -> frozenset[str]:
        """The tags that are on."""
        return frozenset(tag for tag, (_, on) in self._tags.items() if on)


@dataclass
class MemoryOpenTickets:
    """`OpenTickets` over the memory store."""

    tickets: MemoryAggregates[Ticket]
    ids: list[str] = field(default_factory=list)

    async def of_conversation(
        self, workspace: str, conversation_id: str, at: datetime
    ) -> Sequence[str]:
        """Those not ended at that time."""
        found = [(name, await self._ticket(name)) for name in self.ids]
        return [
            name
            for name, ticket in found
            if ticket.conversation_id == conversation_id
            and ticket.levels is not None
            and (ticket.ended_at is None or ticket.ended_at > at)
        ]

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[str, datetime]]:
        """Those of which a clock has fallen due."""
        found = [(name, (await self._ticket(name)).due_at) for name in self.ids]
        return [(name, due) for name, due in found if due is not None and due <= now][:limit]

    async def _ticket(self, name: str) -> Ticket:
        loaded = await self.tickets.load(name)
        assert loaded is not None
        assert loaded.state is not None
        return loaded.state


class MemoryPeople:
    """One colleague."""

    async def remember(self, workspace: str, person: Person) -> None:
        """Not asked for here."""
        raise NotImplementedError

    async def find(self, workspace: str, user_id: str) -> Person | None:
        """The colleague."""
        return Person("b", "Agent B", "agent") if user_id == "b" else None


class MemoryNumbers:
    """Numbers of one workspace."""

    def __init__(self) -> None:
        self._series = MemoryNumberSeries()

    async def take(self, workspace: str, cause_id: str) -> int:
        """The number of this cause."""
        return await self._series.take(cause_id)


class MemoryStream:
    """What is published without a ticket: refusals of what is not there."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, event: Event) -> Ack:
        """Keeps the event."""
        self.events.append(event)
        return Ack(len(self.events), duplicate=False)


class Desk:
    """One tickets service; `replica()` is a second one over the same stores."""

    def __init__(self, policies: Sequence[Policy] = (URGENT, PRESS, REST)) -> None:
        self.now = MONDAY
        self.tickets: MemoryAggregates[Ticket] = MemoryAggregates("tickets", codec=CODEC)
        self.contexts = MemoryContexts()
        self.stream = MemoryStream()
        self.open_tickets = MemoryOpenTickets(self.tickets)
        self.messages: list[Event] = []
        keep, tags = KeepTime(policies), MemoryTags()
        conversations = Conversations(self.contexts, MemoryLinks(), keep=2)
        self.time = Timekeeper(self.tickets, keep, lambda: self.now)
        cycles = load_life_cycles(None)
        self.act_on = ActOnTicket(self.tickets, self.stream, cycles, lambda: self.now, tags, keep)
        self.assign = AssignTicket(self.act_on, MemoryPeople())
        self._make = MakeTicket(
            self.tickets,
            MemoryNumbers(),
            conversations,
            cycles,
            lambda: self.now,
            tags,
            keep,
        )
        self._remember = RememberMessage(self.contexts)
        self._hear = HearMessage(self.open_tickets, conversations, self.time)
        self._link = HearLink(self.open_tickets, conversations, self.time)
        self._tag = HearTag(self.open_tickets, tags, self.time)
        self._catch_up = CatchUp(conversations, tags, self.time)
        self.notice = NoticeBreaches(self.open_tickets, self.time)

    async def make(self, key: str = "make", **fields: Any) -> str:
        """The number of a new ticket."""
        command = commands.CreateTicket(
            id=derive_id(key),
            workspace="main",
            actor=AGENT,
            conversation_id=CONVERSATION,
            case_id=CASE,
            **{"title": "Parcel never came", **fields},
        )
        reply = await self._make(command)
        ticket_id = str(reply.result["ticket_id"])
        if f"main:{ticket_id}" not in self.open_tickets.ids:
            self.open_tickets.ids.append(f"main:{ticket_id}")
        return ticket_id

    async def do(
        self, kind: type[commands.OnTicket], ticket_id: str, key: str, **fields: Any
    ) -> CommandReply:
        """What became of a command."""
        command = kind.model_validate(
            {
                "id": derive_id(key),
                "workspace": "main",
                "actor": AGENT,
                "ticket_id": ticket_id,
                **fields,
            }
        )
        return await self.carry_out(command)

    async def carry_out(self, command: Command) -> CommandReply:
        """The same for a command at hand."""
        if isinstance(command, commands.AssignTicket):
            return await self.assign(command)
        assert isinstance(command, commands.OnTicket)
        return await self.act_on(command, ACTIONS[type(command)])

    async def deliver(self, event: Event) -> None:
        """What the handler does on an event."""
        match event.noun_verb:
            case "message.received" | "message.sent":
                await self._remember(event)
                await self._hear(event)
            case "conversation.tagged" | "conversation.untagged":
                await self._tag(event)
            case "conversation.linked":
                await self._link(event)
            case "ticket.created":
                await self._catch_up(event)

    async def ticket(self, ticket_id: str = "T-1001") -> Ticket:
        """The ticket as it stands."""
        loaded = await self.tickets.load(f"main:{ticket_id}")
        assert loaded is not None
        assert loaded.state is not None
        return loaded.state

    def events(self, ticket_id: str = "T-1001") -> list[Event]:
        """The events of a ticket, as its document had them."""
        subject = f"ticket/{ticket_id}"
        return [event for event in self.tickets.published if event.subject == subject]

    def names(self, ticket_id: str = "T-1001") -> list[str]:
        """What happened to a ticket."""
        return [event.noun_verb for event in self.events(ticket_id)]


def message(
    number: int, at: datetime, side: str = "customer", conversation: str = CONVERSATION
) -> Event:
    """A message of a conversation; staff's as the service that sends them tells of it."""
    common = {
        "workspace": "main",
        "source": "ingest",
        "subject": f"message/ms_{number}",
        "time": at,
        "id": derive_id("message", number),
        "conversationid": conversation,
    }
    if side == "customer":
        origin = WebhookOrigin(received_at=at, body_mac="0" * 64, position="0.0.messages.0")
        received = MessageReceived(
            actor=Actor(kind="customer", id=conversation),
            message_id=f"ms_{number}",
            message_type="text",
            phone_number_id="100",
            origin=origin,
        )
        return Event.build(received, **common)  # type: ignore[arg-type]
    sent = MessageSent(
        actor=AGENT,
        message_id=f"ms_{number}",
        message_type="text",
        phone_number_id="100",
        via="api",
    )
    return Event.build(sent, **common)  # type: ignore[arg-type]


def linked(
    conversation: str, to: str, at: datetime, *, cause: str | None = None, case: str = CASE
) -> Event:
    """A conversation led in another from here on."""
    data = ConversationLinked(actor=AGENT, linked_to=to, linked_case_id=case, phone_number_id="100")
    return Event.build(
        data,
        workspace="main",
        source="routing",
        subject=f"conversation/{conversation}",
        time=at,
        id=derive_id("link", conversation, to),
        sequence=1,
        conversationid=conversation,
        caseid=case,
        causationid=cause,
    )


def tagged(tag: str, version: int, *, on: bool = True) -> Event:
    """A tag put on the case, or taken off."""
    model = ConversationTagged if on else ConversationUntagged
    return Event.build(
        model(actor=AGENT, tag=tag),
        workspace="main",
        source="routing",
        subject=f"conversation/{CONVERSATION}",
        time=MONDAY,
        id=derive_id("tag", version),
        sequence=version,
        conversationid=CONVERSATION,
        caseid=CASE,
    )
