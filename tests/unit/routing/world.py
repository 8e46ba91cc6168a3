"""Routing as a whole, over the twins in memory."""

from datetime import datetime, timedelta
from typing import Any, Final

from casetrail_contracts import CommandReply, Event
from casetrail_contracts.commands import (
    AcceptConversation,
    AddCaseNote,
    AssignConversation,
    ChangePresence,
    ClaimConversation,
    CloseConversation,
    Command,
    CreateUser,
    DeactivateUser,
    DeclineConversation,
    DeescalateConversation,
    EndShift,
    EscalateConversation,
    LinkConversation,
    OpenHandover,
    ReactivateUser,
    ReleaseConversation,
    ReopenConversation,
    SignHandover,
    StartShift,
    TagConversation,
    TransferConversation,
    UpdateUser,
)
from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.custody_policy import CustodyPolicies, CustodyPolicy, Inbox
from casetrail_routing.domain.strategies import DEFAULT_PLANS, Pick
from casetrail_routing.domain.user import User
from casetrail_routing.handlers import reactions
from casetrail_routing.ports import Key
from casetrail_routing.use_cases.answering import Answering
from casetrail_routing.use_cases.case_commands import AssignCase, CloseCase
from casetrail_routing.use_cases.case_desk import CaseDesk
from casetrail_routing.use_cases.case_handing import (
    ClaimCase,
    Giving,
    ReleaseCase,
    ReopenCase,
    TransferCase,
)
from casetrail_routing.use_cases.case_offers import AcceptCase, DeclineCase
from casetrail_routing.use_cases.case_remarks import (
    AddNote,
    DeescalateCase,
    EscalateCase,
    TagCase,
)
from casetrail_routing.use_cases.close_idle import CloseIdle
from casetrail_routing.use_cases.custody import Custody
from casetrail_routing.use_cases.drain_queue import DrainQueue
from casetrail_routing.use_cases.escalate_waiting import EscalateWaiting, HearAnswer
from casetrail_routing.use_cases.expire_offers import ExpireOffers
from casetrail_routing.use_cases.hand_over import BeginHandover, PutSignature, WhatIsHeld
from casetrail_routing.use_cases.linking import (
    Carrying,
    JoinConversations,
    LinkCase,
    Links,
    Roots,
)
from casetrail_routing.use_cases.note_activity import NoteActivity
from casetrail_routing.use_cases.pass_on_shift import PassOnShift
from casetrail_routing.use_cases.places_outside import PlacesOutside
from casetrail_routing.use_cases.reconcile_slots import GRACE, ReconcileSlots
from casetrail_routing.use_cases.return_cases import ReturnCases
from casetrail_routing.use_cases.route_message import RouteMessage, RoutingPolicy
from casetrail_routing.use_cases.user_commands import BeginShift, FinishShift, NotePresence
from casetrail_routing.use_cases.user_desk import UserDesk
from casetrail_routing.use_cases.user_profile import (
    AddUser,
    ChangeUser,
    TakeUserBack,
    TakeUserOut,
)

from tests.unit.routing import samples
from tests.unit.routing.memory import (
    FakeClock,
    MemoryActivity,
    MemoryAggregates,
    MemoryConversationStore,
    MemoryIdentities,
    MemoryMemories,
    MemoryNumbers,
    MemoryProcessed,
    MemoryPublisher,
    MemorySlots,
    NotedRequests,
)

RULES: Final = load_rules(None)
REOPEN_WINDOW: Final = timedelta(hours=24)


class World:
    """Every use case of routing over one set of twins."""

    def __init__(self, custody_policy: CustodyPolicy | None = None) -> None:
        self.log: list[bytes] = []
        self.clock = FakeClock()
        self.plans = DEFAULT_PLANS
        self.rules = RULES
        self.memories = MemoryMemories()
        self.processed = MemoryProcessed()
        self.conversations = MemoryConversationStore("conversations", self.log, self.processed)
        self.users: MemoryAggregates[User] = MemoryAggregates("users", self.log, self.processed)
        self.slots = MemorySlots(self.users, self.clock)
        self.numbers = MemoryNumbers()
        self.publisher = MemoryPublisher()
        self.requests = NotedRequests()
        custody = Custody(self.conversations, self.slots, self.picks)
        answering = Answering(self.processed, self.publisher, self.clock)
        cases = CaseDesk(custody, answering, self.requests, self.clock)
        giving = Giving(cases, self.users)
        people = UserDesk(self.users, answering, self.requests, self.clock)
        held = WhatIsHeld(self.conversations)
        policies = CustodyPolicies(custody_policy or CustodyPolicy())
        inbox = Inbox("shared-inbox", policies)
        policy = RoutingPolicy(lambda: self.rules, REOPEN_WINDOW, inbox)
        self.activity = MemoryActivity()
        self.identities = MemoryIdentities()
        roots = Roots(self.conversations)
        carrying = Carrying(self.memories, self.activity)
        self.links = Links(custody, self.identities, roots, carrying, self.requests, self.clock)
        self.route_message = RouteMessage(
            custody,
            self.numbers,
            self.processed,
            self.requests,
            policy,
            self.memories,
            self.links,
            self.clock,
        )
        self.drain = DrainQueue(custody, self.clock)
        places = PlacesOutside(self.slots, self.activity, policies, self.requests)
        self.reconcile = ReconcileSlots(custody, places, GRACE)
        self.return_cases = ReturnCases(custody, self.users, self.requests, inbox, self.clock)
        self.note_activity = NoteActivity(self.activity, roots, carrying, places)
        self.close_idle = CloseIdle(custody, self.activity, policies, self.requests, self.clock)
        self.pass_on_shift = PassOnShift(
            custody, self.users, self.processed, inbox, self.requests, self.clock
        )
        self.reactions = reactions(
            self.route_message,
            self.return_cases,
            self.pass_on_shift,
            HearAnswer(self.memories, roots),
            JoinConversations(self.identities, self.links),
        )
        self.expire_offers = ExpireOffers(custody, inbox, self.requests, self.clock)
        self.escalate_waiting = EscalateWaiting(
            custody, self.memories, lambda: self.rules, self.clock
        )
        self._commands: dict[type[Command], Any] = {
            AssignConversation: AssignCase(giving),
            ClaimConversation: ClaimCase(giving),
            AcceptConversation: AcceptCase(cases),
            DeclineConversation: DeclineCase(cases, inbox),
            TransferConversation: TransferCase(giving),
            ReleaseConversation: ReleaseCase(cases, inbox),
            EscalateConversation: EscalateCase(cases),
            DeescalateConversation: DeescalateCase(cases),
            TagConversation: TagCase(cases),
            AddCaseNote: AddNote(cases),
            CloseConversation: CloseCase(cases),
            ReopenConversation: ReopenCase(cases, inbox),
            LinkConversation: LinkCase(cases, self.links),
            CreateUser: AddUser(people),
            UpdateUser: ChangeUser(people),
            DeactivateUser: TakeUserOut(people, held),
            ReactivateUser: TakeUserBack(people),
            ChangePresence: NotePresence(people),
            StartShift: BeginShift(people),
            EndShift: FinishShift(people, held),
            OpenHandover: BeginHandover(people),
            SignHandover: PutSignature(people),
        }

    def picks(self, workspace: str, case: Conversation, at: datetime) -> list[Pick]:
        """By the plans in force, which a test may exchange."""
        return self.plans.picks(workspace, case, at)

    async def receive(self, event: Event) -> None:
        """The event arrives."""
        await self.reactions[event.type](event)

    async def ask(self, command: Command) -> CommandReply:
        """The command's reply, after the queue was drained for whoever it freed."""
        reply: CommandReply = await self._commands[type(command)](command)
        await self.serve_queue()
        return reply

    async def serve_queue(self) -> None:
        """Carries out the requests to drain the queue."""
        while self.requests.asked:
            workspace, cause_id, correlation_id = self.requests.asked.pop(0)
            await self.drain(workspace, cause_id, correlation_id)

    async def on_duty(self, *user_ids: str, capacity: int = 10) -> None:
        """Users that exist and are on shift."""
        for user_id in user_ids:
            assert (await self.ask(samples.user_create(user_id, capacity=capacity))).status == "ok"
            assert (await self.ask(samples.shift_start(user_id))).status == "ok"

    async def on_shift_undrained(self, *user_ids: str) -> None:
        """Users whose shift has started, in a process that died before it drained the queue."""
        for user_id in user_ids:
            reply = await self._commands[StartShift](samples.shift_start(user_id))
            assert reply.status == "ok"
        self.requests.asked.clear()

    def conversation(self, conversation_id: str = "cv_1") -> Conversation:
        """The state of a conversation that exists."""
        state = self.conversations.documents[f"main:{conversation_id}"].state
        assert state is not None
        return state

    def verbs(self, conversation_id: str = "cv_1") -> list[str]:
        """What happened to a conversation: `opened`, `queued`, …"""
        return [event.type.split(".")[2] for event in self.events(conversation_id)]

    def events(self, conversation_id: str = "cv_1") -> list[Event]:
        """The events of a conversation."""
        return self.conversations.events(f"conversation/{conversation_id}")

    def user_events(self, user_id: str) -> list[Event]:
        """The events of a user."""
        return self.users.events(f"user/{user_id}")

    def load(self, user_id: str) -> int:
        """How many slots of the user are taken."""
        return len(self.slots.taken.get(Key("main", user_id).document, []))
