"""`python -m casetrail_routing rebuild EVENTS`: what routing knows, made again of the log."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from casetrail_contracts import CommandReply, Event
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.conversation import ConversationEscalated
from casetrail_contracts.registry.message import MessageReceived
from casetrail_runtime import rebuilding
from casetrail_runtime.mongo import Database
from casetrail_runtime.numbers import NumberSeries
from casetrail_runtime.outbox import HistoryHole, RemadeAggregates

from casetrail_routing.adapters import mongo
from casetrail_routing.adapters.mongo import CONVERSATION_CODEC, USER_CODEC
from casetrail_routing.adapters.mongo_activity import ACTIVITY, MongoActivity
from casetrail_routing.adapters.mongo_activity import INDEXES as ACTIVITY_INDEXES
from casetrail_routing.adapters.mongo_identities import IDENTITIES, MongoIdentities
from casetrail_routing.adapters.mongo_memories import (
    MEMORIES,
    MEMORY_INDEXES,
    MongoMemories,
)
from casetrail_routing.adapters.mongo_slots import MongoSlots
from casetrail_routing.domain import conversation as conversations
from casetrail_routing.domain import user as users
from casetrail_routing.domain.conversation import Conversation, HistoryBroken
from casetrail_routing.domain.custody_policy import CustodyPolicies, CustodyPolicy
from casetrail_routing.domain.facts import Recorded
from casetrail_routing.domain.patience import Heard, Memory, Waits
from casetrail_routing.main import assemble, open_rules
from casetrail_routing.ports import Key
from casetrail_routing.settings import RoutingSettings
from casetrail_routing.use_cases import recorded_facts, user_events
from casetrail_routing.use_cases.causes import SERVICE
from casetrail_routing.use_cases.escalate_waiting import HearAnswer
from casetrail_routing.use_cases.linking import Carrying, Roots, told_together
from casetrail_routing.use_cases.note_activity import NoteActivity
from casetrail_routing.use_cases.places_outside import PlacesOutside
from casetrail_routing.use_cases.route_message import heard_of

S = TypeVar("S")
F = TypeVar("F")

AT_ONCE: Final = 64
"""Events whose traces in the views are written at the same time; their order does not matter."""
CASE: Final = "CASE-"
LATELY: Final = timedelta(hours=1)
"""Before the newest event: what was in an outbox when MongoDB was lost is younger than that."""
INDEXES: Final = {**mongo.INDEXES, **ACTIVITY_INDEXES, **MEMORY_INDEXES}


async def rebuild(settings: RoutingSettings, arguments: Sequence[str]) -> int:
    """The exit code; see `casetrail_runtime.rebuilding`."""
    return await rebuilding.rebuild(
        settings, "routing", INDEXES, lambda db: RebuildRouting(db, settings), arguments
    )


class RebuildRouting:
    """Conversations, users and their numbers by folding; the views by hearing of everything again.

    Then what routing had taken from the stream just before the loss, and whose events were never
    published, is routed: a customer who wrote has a case.
    """

    def __init__(self, db: Database, settings: RoutingSettings) -> None:
        self._db = db
        self._settings = settings
        processed = db[mongo.PROCESSED]
        self._conversations = RemadeAggregates(
            db[mongo.CONVERSATIONS],
            processed,
            _folding(recorded_facts.recorded, conversations.apply),
            CONVERSATION_CODEC,
        )
        self._users = RemadeAggregates(
            db[mongo.USERS], processed, _folding(user_events.recorded, users.apply), USER_CODEC
        )
        self._numbers = db[mongo.NUMBERS]
        self._taken: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._rules = open_rules(settings).escalation()
        self._identities = MongoIdentities(db[IDENTITIES])
        self._memories = MongoMemories(db[MEMORIES])
        activity = MongoActivity(db[ACTIVITY])
        self._roots = Roots(_Led(self._conversations))
        places = PlacesOutside(
            MongoSlots(db[mongo.USERS]), activity, CustodyPolicies(CustodyPolicy()), NOBODY
        )
        carrying = Carrying(self._memories, activity)
        self._note = NoteActivity(activity, self._roots, carrying, places)
        self._hear_answer = HearAnswer(self._memories, self._roots)
        self._heard: list[Event] = []
        self._cases = 0
        self._unanswered: dict[str, Event] = {}
        self._newest: datetime | None = None

    async def take(self, event: Event) -> None:
        """One more event, of whatever noun."""
        self._newest = event.time if self._newest is None else max(self._newest, event.time)
        noun, _, name = event.subject.partition("/")
        id_ = f"{event.workspace}:{name}"
        if event.source == f"casetrail/{SERVICE}" and event.version is not None:
            if noun == "conversation":
                await self._take_conversation(id_, name, event)
            elif noun == "user":
                await self._users.take(id_, event)
        elif isinstance(event.data, CommandRejected) and event.data.refused_by == SERVICE:
            self._refused(event, event.data)
        await self._expect(event)
        self._heard.append(event)

    async def _expect(self, event: Event) -> None:
        """A message to nobody's open case must lead to one; noted until an event says it did."""
        if event.conversationid is None:
            return
        root = await self._roots.of(Key(event.workspace, event.conversationid))
        state = await self._conversations.state(root.document)
        if state is not None and state.is_open:
            self._unanswered.pop(root.document, None)
            self._unanswered.pop(f"{event.workspace}:{event.conversationid}", None)
        elif event.noun_verb == "message.received":
            first = self._unanswered.get(root.document)
            if first is None or first.time < event.time - LATELY:
                self._unanswered[root.document] = event

    async def _take_conversation(self, id_: str, name: str, event: Event) -> None:
        state = await self._conversations.take(id_, event)
        if event.noun_verb != "conversation.opened" or state is None or event.caseid is None:
            return
        number = event.caseid.removeprefix(CASE)
        if number.isdecimal():  # as `RouteMessage` asks for it: the n-th case of a conversation
            self._taken[event.workspace][f"{name}:{state.cases}"] = int(number)
            self._cases += 1

    def _refused(self, event: Event, data: CommandRejected) -> None:
        noun, _, name = data.target.partition("/")
        id_, reply = f"{event.workspace}:{name}", CommandReply.rejected(data.code, data.detail)
        if noun == "conversation":
            self._conversations.answered(id_, data.command_id, reply)
        elif noun == "user":
            self._users.answered(id_, data.command_id, reply)

    async def flush(self) -> None:
        """Everything taken so far."""
        await self._conversations.flush()
        await self._users.flush()
        for workspace, numbers in self._taken.items():
            await NumberSeries(self._numbers, f"{workspace}:case").restore(numbers)
        self._taken.clear()
        heard, self._heard = self._heard, []
        await _all(self._hear(event) for event in heard)
        await _all(self._told(event) for event in heard)  # of messages that are heard by now

    async def _hear(self, event: Event) -> None:
        await self._note(event)
        verb = event.noun_verb
        if verb == "customer.identified":
            ids = told_together(event)
            if len(ids) > 1:
                await self._identities.told(event.workspace, ids, event.id)
        elif verb == "message.received" and event.conversationid is not None:
            key = await self._roots.of(Key(event.workspace, event.conversationid))
            await self._memories.hear(key, heard_of(event, self._rules))
        elif verb in {"message.sent", "conversation.closed"}:
            await self._hear_answer(event)

    async def _told(self, event: Event) -> None:
        """A wait that has marked its case once does not do it again."""
        if not isinstance(event.data, ConversationEscalated):
            return
        waiting = {rule.name for rule in self._rules.waiting}
        first, rule = event.data.message_event_id, event.data.actor.rule
        if rule in waiting and first is not None and event.conversationid is not None:
            memory = Memory((Heard(first, event.time),))
            await self._memories.told(Waits(event.conversationid, event.workspace, memory), rule)

    async def end(self) -> Mapping[str, int]:
        """What was made of the events of this run."""
        return {
            "events of conversations": self._conversations.count,
            "events of people": self._users.count,
            "cases": self._cases,
            "messages routed late": await self._route(),
        }

    async def _route(self) -> int:
        """How many customers had written shortly before the end, and had no case.

        An older message without one was set aside: it waits on DEAD for somebody to look at it. A
        run that went on after a kill cannot tell: what it reads again is of before, its state not.
        """
        if self._newest is None or self._conversations.resumed:
            return 0
        since = self._newest - LATELY
        left = [event for event in self._unanswered.values() if event.time >= since]
        if left:
            routing = assemble(self._db, NOBODY, NOBODY, self._settings)
            await routing.reconcile()  # the places of whoever has a case already
            for event in sorted(left, key=lambda each: each.time):
                assert isinstance(event.data, MessageReceived)
                await routing.route_message(event, event.data, event.conversationid or "")
        return len(left)


class _Led:
    """Where conversations are led, as far as the log was read."""

    def __init__(self, made: RemadeAggregates[Conversation]) -> None:
        self._made = made

    async def linked_to(self, id: str) -> str | None:  # noqa: A002 - the port's word
        state = await self._made.state(id)
        return None if state is None else state.linked_to


class _Nobody:
    """Nothing is published or given out while the services are stopped; they do it at the start."""

    def ask(self, workspace: str, cause_id: str | None, correlation_id: str | None) -> None:
        """Nothing."""

    async def publish(self, event: Event) -> object:
        """Nothing."""


NOBODY: Final = _Nobody()


async def _all(works: Iterable[Awaitable[None]]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with turn:
            await work

    await asyncio.gather(*(one(work) for work in works))


def _folding(
    read: Callable[[Event], Recorded[F] | None], apply: Callable[[S | None, Recorded[F]], S]
) -> Callable[[S | None, Event], S]:
    """The fold of the domain over events as they were published."""

    def fold(state: S | None, event: Event) -> S:
        recorded = read(event)
        if recorded is None:
            raise HistoryHole(f"{event.subject}: this version of routing knows no {event.type}.")
        try:
            return apply(state, recorded)
        except HistoryBroken as fault:
            raise HistoryHole(f"{event.subject}: {fault}") from fault

    return fold
