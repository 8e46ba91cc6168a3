"""A history of events as the services would publish them, for tests of the log and its views."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from casetrail_audit.domain import record as make
from casetrail_audit.domain.folding import Entry, Key, Loose, Origin, View, fold, starts_episode
from casetrail_audit.domain.message import Message
from casetrail_contracts import Actor, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry import conversation as c
from casetrail_contracts.registry import message as m
from casetrail_contracts.registry import shift as s
from casetrail_contracts.registry import ticket as t
from casetrail_contracts.registry import user as u
from casetrail_contracts.registry.access import AccessViewed

KEY = b"a key of the tests, long enough for anything"
START = datetime(2026, 11, 22, 10, 14, tzinfo=UTC)
CUSTOMER = Actor(kind="customer", id="cv_a")
ROUTING = Actor(kind="service", id="routing", rule="least-loaded", rule_version="sha256:1")
AGENT = Actor(kind="agent", id="a", name="Agent A")


@dataclass
class History:
    """Events in stream order, one second apart, each aggregate's versions counted."""

    events: list[Event] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    workspace: str = "main"

    def add(
        self,
        data: EventData,
        subject: str,
        *,
        conversation: str | None = None,
        case: str | None = None,
        ticket: str | None = None,
        versioned: bool = True,
        private: dict[str, Any] | None = None,
    ) -> Event:
        """One more event."""
        version = None
        if versioned:
            version = self.versions[subject] = self.versions.get(subject, 0) + 1
        event = Event.build(
            data,
            workspace=self.workspace,
            source="tests",
            subject=subject,
            time=START + timedelta(seconds=len(self.events)),
            id=derive_id("history", self.workspace, len(self.events)),
            sequence=version,
            conversationid=conversation,
            caseid=case,
            ticketid=ticket,
            private=private,
        )
        self.events.append(event)
        return event

    def says(self, conversation: str = "cv_a", text: str = "parcel nahi aya") -> Event:
        """The customer writes."""
        n = len(self.events)
        data = m.MessageReceived(
            actor=CUSTOMER,
            message_id=f"ms_{n}",
            message_type="text",
            phone_number_id="104",
            origin=m.WebhookOrigin(received_at=START, body_mac="00", position="0"),
        )
        return self.add(
            data,
            f"message/ms_{n}",
            conversation=conversation,
            versioned=False,
            private={"text": text},
        )

    def on(self, data: EventData, conversation: str, case: str | None) -> Event:
        """An event of a conversation."""
        return self.add(data, f"conversation/{conversation}", conversation=conversation, case=case)

    def opens(self, cause: Event, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """Routing opens a case for this message."""
        data = c.ConversationOpened(
            actor=ROUTING,
            phone_number_id="104",
            message_event_id=cause.id,
            message_conversation_id=_elsewhere(cause, conversation),
        )
        return self.on(data, conversation, case)

    def joins(
        self,
        to: str,
        conversation: str = "cv_b",
        case: str = "CASE-1001",
        merged: str | None = None,
        cause: Event | None = None,
    ) -> Event:
        """A conversation is led in another one from here on."""
        data = c.ConversationLinked(
            actor=ROUTING,
            linked_to=to,
            linked_case_id=case,
            phone_number_id="104",
            merged_case_id=merged,
        )
        if merged is not None:
            closed = c.ConversationClosed(actor=ROUTING, owner=None, merged_into=case)
            self.on(closed, conversation, merged)
        event = self.on(data, conversation, case)
        if cause is not None:
            self.events[-1] = event = event.model_copy(update={"causationid": cause.id})
        return event

    def queues(self, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case waits."""
        return self.on(c.ConversationQueued(actor=ROUTING, queue="inbox"), conversation, case)

    def assigns(self, to: str = "a", conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case has an owner."""
        data = c.ConversationAssigned(
            actor=ROUTING, owner=f"agent:{to}", owner_name=f"Agent {to.upper()}", queue="inbox"
        )
        return self.on(data, conversation, case)

    def offers(self, to: str = "a", conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case is offered to somebody."""
        data = c.ConversationAssigned(
            actor=ROUTING,
            owner=f"agent:{to}",
            owner_name=f"Agent {to.upper()}",
            queue="inbox",
            accept_by=START + timedelta(hours=1),
        )
        return self.on(data, conversation, case)

    def accepts(self, by: str = "a", conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """They take it."""
        data = c.ConversationAccepted(actor=AGENT, owner=f"agent:{by}")
        return self.on(data, conversation, case)

    def declines(self, by: str = "a", conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """They do not take it."""
        data = c.ConversationDeclined(actor=AGENT, previous_owner=f"agent:{by}")
        return self.on(data, conversation, case)

    def unassigns(self, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case loses its owner."""
        data = c.ConversationUnassigned(actor=ROUTING, previous_owner="agent:a")
        return self.on(data, conversation, case)

    def escalates(self, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case is marked."""
        data = c.ConversationEscalated(
            actor=ROUTING, trigger="rule", rule="complaint", rule_version="sha256:2"
        )
        return self.on(data, conversation, case)

    def closes(self, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case ends."""
        return self.on(c.ConversationClosed(actor=AGENT, owner="agent:a"), conversation, case)

    def reopens(self, cause: Event, conversation: str = "cv_a", case: str = "CASE-1001") -> Event:
        """The case goes on."""
        data = c.ConversationReopened(
            actor=ROUTING,
            message_event_id=cause.id,
            message_conversation_id=_elsewhere(cause, conversation),
        )
        return self.on(data, conversation, case)

    def ticket(
        self,
        data: EventData,
        ticket: str = "T-1001",
        conversation: str = "cv_a",
        case: str = "CASE-1001",
    ) -> Event:
        """An event of a ticket."""
        return self.add(
            data, f"ticket/{ticket}", conversation=conversation, case=case, ticket=ticket
        )

    def creates_ticket(self, ticket: str = "T-1001", **at: str) -> Event:
        """A ticket is made."""
        data = t.TicketCreated(
            actor=AGENT,
            ticket_id=ticket,
            priority="high",
            category="delivery",
            context=t.ContextSnapshot(message_count=1),
        )
        return self.ticket(data, ticket, **at)

    def moves(self, old: t.TicketStatus, new: t.TicketStatus, ticket: str = "T-1001") -> Event:
        """A ticket changes its state."""
        return self.ticket(t.TicketStatusChanged(actor=AGENT, old=old, new=new), ticket)

    def leaves_by_its_own_state(self, ticket: str = "T-1001") -> Event:
        """A ticket moves to a state that its life cycle marks as outside."""
        data = t.TicketStatusChanged(
            actor=AGENT, old="in_progress", new="at_supplier", outside=True
        )
        return self.ticket(data, ticket)

    def gives(self, owner: str | None, ticket: str = "T-1001") -> Event:
        """A ticket has another owner."""
        return self.ticket(t.TicketAssigned(actor=AGENT, owner=owner), ticket)

    def links(self, target: str, ticket: str = "T-1001") -> Event:
        """A ticket is tied to another case."""
        return self.ticket(t.TicketLinked(actor=AGENT, target=target, relation="concerns"), ticket)

    def hands_off(self, ticket: str = "T-1001") -> Event:
        """The courier has it."""
        data = t.TicketHandedOff(
            actor=AGENT, to="tcs", reference="TCS-1", expected_at=START + timedelta(days=1)
        )
        return self.ticket(data, ticket)

    def chases(self, times: int, ticket: str = "T-1001") -> Event:
        """The courier is asked where it stays."""
        data = t.TicketHandedOff(
            actor=AGENT,
            to="tcs",
            reference="TCS-1",
            expected_at=START + timedelta(days=1 + times),
            chased=times,
        )
        return self.ticket(data, ticket)

    def resolves(self, ticket: str = "T-1001", **at: str) -> Event:
        """A ticket is resolved."""
        return self.ticket(t.TicketResolved(actor=AGENT, old="awaiting_courier"), ticket, **at)

    def closes_ticket(self, ticket: str = "T-1001") -> Event:
        """A ticket is closed."""
        return self.ticket(t.TicketClosed(actor=AGENT, old="resolved"), ticket)

    def hires(self, user: str = "a") -> Event:
        """A user is made."""
        data = u.UserCreated(
            actor=AGENT, user_id=user, name=f"Agent {user.upper()}", role="agent", capacity=5
        )
        return self.add(data, f"user/{user}")

    def starts_shift(self, user: str = "a") -> Event:
        """A user goes on duty."""
        return self.add(s.ShiftStarted(actor=AGENT, shift_id="s1", user_id=user), f"user/{user}")

    def ends_shift(self, user: str = "a") -> Event:
        """A user goes off duty."""
        return self.add(s.ShiftEnded(actor=AGENT, shift_id="s1", user_id=user), f"user/{user}")

    def looks(self, case: str = "CASE-1001", conversation: str | None = None) -> Event:
        """Somebody reads the case."""
        data = AccessViewed(actor=AGENT, what="case_timeline", target=f"case/{case}")
        return self.add(data, "access/1", case=case, conversation=conversation, versioned=False)


def _elsewhere(cause: Event, conversation: str) -> str | None:
    """Where the message was written, when that is another conversation."""
    return None if cause.conversationid == conversation else cause.conversationid


def message(event: Event, seq: int, recorded_at: datetime | None = None) -> Message:
    """The event as the stream has it under this sequence."""
    return Message(
        log="SUPPORT",
        seq=seq,
        subject=event.nats_subject,
        data=event.to_bytes(),
        msg_id=event.id,
        recorded_at=recorded_at or event.time + timedelta(milliseconds=7),
    )


def records_of(events: list[Event]) -> list[make.Record]:
    """Their records, at sequences 1..n."""
    return [make.record_of(message(event, n), KEY) for n, event in enumerate(events, start=1)]


def entries_of(records: list[make.Record]) -> list[Entry]:
    """What the fold reads of them."""
    return [Entry.of(json.loads(record["leaf_input"]), record["recorded_at"]) for record in records]


def origin_of(records: list[make.Record], entry: Entry) -> Origin:
    """What the log below the entry knows of the beginning of its episode."""
    below = [r for r in records if r["_id"] < entry.seq and r["kind"] == "event"]
    for cause in below:
        same = cause["conversation_id"] == entry.cause_conversation_id
        if cause["event_id"] == entry.cause_id and same:
            loose = [
                Loose(r["_id"], r["action"], r["occurred_at"] or r["recorded_at"])
                for r in below
                if r["_id"] >= cause["_id"]
                and r["conversation_id"] == entry.cause_conversation_id
                and r["case_id"] is None
            ]
            return Origin(cause["_id"], tuple(loose))
    return Origin()


def folded(records: list[make.Record]) -> dict[Key, View]:
    """All views after these records, folded one by one."""
    views: dict[Key, View] = {}
    for entry in entries_of(records):
        views |= step(views, records, entry)
    return views


def step(views: Mapping[Key, View], records: list[make.Record], entry: Entry) -> dict[Key, View]:
    """What one entry changes."""
    origin = origin_of(records, entry) if starts_episode(entry) else Origin()
    return fold(views, entry, origin)


def story() -> History:
    """The story of the product: assigned, escalated, ticket, courier, resolved, closed."""
    history = History()
    history.hires("a")
    history.starts_shift("a")
    first = history.says()
    history.opens(first)
    history.queues()
    history.assigns("a")
    history.says(text="bohat der ho gayi")
    history.escalates()
    history.creates_ticket()
    history.moves("new", "in_progress")
    history.moves("in_progress", "awaiting_courier")
    history.hands_off()
    history.looks()
    history.resolves()
    history.closes_ticket()
    history.closes()
    return history
