"""A ticket and its clocks under anything: commands, rivals, crashes, redelivery, any order.

Hypothesis drives the use cases and shrinks what it finds; the invariants are checked after every
step against the events alone.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from casetrail_contracts import CommandReply, Event, commands
from casetrail_contracts.clocks import TICKET_STEPS, Group, Link, agreement, readings
from casetrail_contracts.commands import OnTicket
from casetrail_runtime.outbox import Loaded, Result
from casetrail_tickets.domain.history import Place, apply
from casetrail_tickets.domain.ticket import Ticket
from casetrail_tickets.use_cases.keeping_time import step_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.folds import Step, ticket_of, ticket_state
from tests.unit.tickets.desk import AGENT, CONVERSATION, MINUTE, Desk, linked, message

ORDERS: list[tuple[type[OnTicket], dict[str, Any]]] = [
    (commands.ChangeTicketStatus, {"status": "in_progress"}),
    (commands.ChangeTicketStatus, {"status": "awaiting_customer"}),
    (commands.ChangeTicketStatus, {"status": "awaiting_courier", "reason": "asked them"}),
    (commands.AssignTicket, {"owner": "b"}),
    (commands.AssignTicket, {"owner": None}),
    (commands.ChangeTicketPriority, {"priority": "urgent"}),
    (commands.ChangeTicketPriority, {"priority": "normal"}),
    (commands.LinkTicket, {"target": "case/CASE-1002", "relation": "concerns"}),
    (commands.HandOffTicket, {"reference": "TCS-1", "expected_at": "2026-11-24T12:00:00+05:00"}),
    (commands.ChaseTicket, {}),
    (commands.ChaseTicket, {"expected_at": "2026-11-25T12:00:00+05:00", "reason": "they were out"}),
    (commands.AddTicketNote, {"note": "called"}),
    (commands.ResolveTicket, {"note": "found"}),
    (commands.ResolveTicket, {"note": " "}),
    (commands.CloseTicket, {}),
    (commands.CloseTicket, {"note": "delivered"}),
    (commands.ReopenTicket, {"reason": "came back"}),
]
TICKET = "T-1001"
CONVERSATIONS = ("cv_0", CONVERSATION, "cv_b")
"""Each may be linked to one of those behind it; the ticket is in the one in the middle."""


class Killed(Exception):
    """The process is gone at this instruction."""


class Machine(RuleBasedStateMachine):
    """One ticket, and everything that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.loop = asyncio.new_event_loop()
        self.dies: str | None = None
        self.sent: list[OnTicket] = []
        self.answers: dict[str, CommandReply] = {}
        self.waiting: list[Event] = []
        self.said: list[Event] = []
        self.links: list[Link] = []
        self.free = set(CONVERSATIONS[:-1])
        self._let_it_die()
        self._do(self.desk.make())
        self.waiting.append(self.desk.events()[0])

    def teardown(self) -> None:
        """Everything is delivered in the end; then the clocks follow from the log alone."""
        for event in list(self.waiting):
            self._do(self.desk.deliver(event))
        self._do(self.desk.notice())
        self.the_state_is_the_fold_of_the_log()
        self._the_clocks_follow_from_the_log()
        self._it_can_be_made_again()
        self.loop.close()

    # ---- what happens ----------------------------------------------------------------------------

    @rule(
        order=st.sampled_from(ORDERS),
        dies=st.sampled_from([None, None, "before the write", "after the write"]),
        stale=st.booleans(),
    )
    def command(
        self, order: tuple[type[OnTicket], dict[str, Any]], dies: str | None, *, stale: bool
    ) -> None:
        """Somebody does something; the service may die before or after the write."""
        kind, fields = order
        command = kind.model_validate(
            {
                "id": f"command-{len(self.sent)}",
                "workspace": "main",
                "actor": AGENT,
                "ticket_id": TICKET,
                "expected_version": self._version() - 1 if stale else None,
                **fields,
            }
        )
        self.sent.append(command)
        self.dies = dies
        with contextlib.suppress(Killed):
            self._answered(command, self._do(self.desk.carry_out(command)))
        self.dies = None

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def command_again(self, data: st.DataObject) -> None:
        """INVARIANT I3: the same answer however often it is asked."""
        command = data.draw(st.sampled_from(self.sent))
        before = len(self.desk.tickets.published)
        known = command.id in self.answers
        self._answered(command, self._do(self.desk.carry_out(command)))
        if known:
            assert len(self.desk.tickets.published) == before

    @rule(
        one=st.sampled_from(ORDERS),
        other=st.sampled_from(ORDERS),
    )
    def two_at_once(
        self,
        one: tuple[type[OnTicket], dict[str, Any]],
        other: tuple[type[OnTicket], dict[str, Any]],
    ) -> None:
        """Two people decide on the same version: one wins at most, and the other is told."""
        version = self._version()
        pair = []
        for kind, fields in (one, other):
            number = len(self.sent)
            command = kind.model_validate(
                {
                    "id": f"command-{number}",
                    "workspace": "main",
                    "actor": AGENT,
                    "ticket_id": TICKET,
                    "expected_version": version,
                    **fields,
                }
            )
            self.sent.append(command)
            pair.append(command)

        async def both() -> list[CommandReply]:
            return list(await asyncio.gather(*(self.desk.carry_out(each) for each in pair)))

        replies = self._do(both())
        assert sum(reply.status == "ok" for reply in replies) <= 1
        for command, reply in zip(pair, replies, strict=True):
            self._answered(command, reply)

    @rule(
        side=st.sampled_from(["customer", "agent"]),
        ago=st.integers(0, 90),
        where=st.sampled_from(CONVERSATIONS),
    )
    def somebody_writes(self, side: str, ago: int, where: str) -> None:
        """A message that was said some minutes ago; it is delivered whenever it is."""
        event = message(len(self.said), self.desk.now - ago * MINUTE, side, where)
        self.said.append(event)
        self.waiting.append(event)

    @precondition(lambda self: self.free)
    @rule(data=st.data())
    def conversations_are_linked(self, data: st.DataObject) -> None:
        """One of them leads from now on; the link is heard of whenever it is."""
        source: str = data.draw(st.sampled_from(sorted(self.free)))
        self.free.remove(source)
        later = [each for each in CONVERSATIONS if each > source]
        target: str = data.draw(st.sampled_from(later))
        said = [event for event in self.said if event.conversationid == source]
        by_message: bool = data.draw(st.booleans())
        cause = said[-1].id if said and by_message else None
        event = linked(source, target, self.desk.now, cause=cause)
        self.links.append(Link(source, target, event.time, cause))
        self.waiting.append(event)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), again=st.booleans())
    def an_event_is_delivered(self, data: st.DataObject, *, again: bool) -> None:
        """In any order, and more than once."""
        event = data.draw(st.sampled_from(self.waiting))
        self._do(self.desk.deliver(event))
        if not again:
            self.waiting.remove(event)

    @rule(minutes=st.integers(1, 400))
    def time_passes(self, minutes: int) -> None:
        """Two replicas look at what has fallen due."""
        self.desk.now += timedelta(minutes=minutes)

        async def both() -> None:
            await asyncio.gather(self.desk.notice(), self.desk.notice())

        self._do(both())

    # ---- what always holds -----------------------------------------------------------------------

    @invariant()
    def the_versions_are_contiguous(self) -> None:
        """INVARIANT I4: 1..n, each once, and no event id twice."""
        events = self.desk.events(TICKET)
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        ids = [event.id for event in self.desk.tickets.published]
        assert len(ids) == len(set(ids))

    @invariant()
    def the_state_is_the_fold_of_the_log(self) -> None:
        """INVARIANT I5: whatever happened, the ticket is what its events say."""
        ticket = self._do(self.desk.ticket(TICKET))
        steps = [
            Step.of_event(event)
            for event in self.desk.events(TICKET)
            if not event.noun_verb.startswith("ticket.sla_")
        ]
        assert ticket_state(ticket.to_document()) == ticket_of(steps)

    @invariant()
    def nothing_ends_without_a_note(self) -> None:
        """Every resolution says how it ended; every close follows one."""
        resolved = False
        for event in self.desk.events(TICKET):
            match event.noun_verb:
                case "ticket.resolved":
                    note = event.private_values()["resolution_note"]
                    assert isinstance(note, str)
                    assert note.strip()
                    resolved = True
                case "ticket.closed":
                    assert resolved
                case "ticket.reopened":
                    resolved = False

    # ---- how -------------------------------------------------------------------------------------

    def _the_clocks_follow_from_the_log(self) -> None:
        """In whatever order the log is read, the clocks are the same, and the ticket's own."""
        own = [step_of(event) for event in self.desk.events(TICKET)]
        group = Group(self.links)
        heard = [
            step_of(event)
            for event in self.said
            if group.hears(CONVERSATION, str(event.conversationid), event.time, event.id)
        ]
        now = self.desk.now
        found, strays = agreement([*own, *heard], now)
        shuffled = [*own, *heard]
        random.Random(len(shuffled)).shuffle(shuffled)
        assert agreement(shuffled, now) == (found, strays)
        assert agreement([*shuffled, *heard], now) == (found, strays)
        assert {step.action for step in own} & TICKET_STEPS
        ticket = self._do(self.desk.ticket(TICKET))
        assert ticket.levels is not None
        kept = {reading.run.key: reading for reading in readings(ticket.levels.history, now)}
        told = {finding.reading.run.key: finding.reading for finding in found}
        for key in kept.keys() & told.keys():
            assert (kept[key].state, kept[key].due_at) == (told[key].state, told[key].due_at), key

    def _it_can_be_made_again(self) -> None:
        """By the fold of a rebuild: the ticket, its promises, and what was told of them."""
        ticket = self._do(self.desk.ticket(TICKET))
        place = Place(ticket.ticket_id, ticket.conversation_id, ticket.case_id)
        made: Ticket | None = None
        for event in self.desk.events(TICKET):
            made = apply(made, step_of(event), place)
        assert made is not None
        assert ticket_state(made.to_document()) == ticket_state(ticket.to_document())
        assert made.levels is not None
        assert made.ended_at == ticket.ended_at
        assert made.levels.history.standings == ticket.levels.history.standings
        assert made.levels.history.promises == ticket.levels.history.promises
        assert made.levels.told == ticket.levels.told

    def _answered(self, command: OnTicket, reply: CommandReply) -> None:
        assert self.answers.setdefault(command.id, reply) == reply

    def _version(self) -> int:
        return len(self.desk.events(TICKET))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def _let_it_die(self) -> None:
        """The store kills the process where `dies` says."""
        store = self.desk.tickets.store
        commit = store.commit

        async def dying(
            current: Loaded[Ticket],
            state: Ticket | None,
            events: Any,
            applied_id: str,
            result: Result,
        ) -> int:
            dies, self.dies = self.dies, None
            if dies == "before the write":
                raise Killed
            await asyncio.sleep(0)  # a rival may come in between
            version = await commit(current, state, events, applied_id, result)
            if dies == "after the write":
                raise Killed
            return version

        store.commit = dying  # type: ignore[method-assign]


TestTicketMachine = Machine.TestCase
TestTicketMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
