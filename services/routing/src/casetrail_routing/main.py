"""The routing service, put together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casetrail_contracts.commands import HandleRoutingLetter
from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.letters import serve_letters
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.migrations import require_migrations
from casetrail_runtime.mongo import Database, database, ensure_indexes, make_client, ping
from casetrail_runtime.outbox import ProcessedLog
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.relay import Relay
from casetrail_runtime.settings import load_settings
from casetrail_runtime.streams import ROUTING_DURABLE, require
from casetrail_runtime.streams import SUPPORT as SUPPORT_STREAM
from casetrail_runtime.telemetry import setup_telemetry
from faststream.asgi import AsgiFastStream

from casetrail_routing.adapters import mongo
from casetrail_routing.adapters.assignment_yaml import load_plans, parse_plans
from casetrail_routing.adapters.clock import now
from casetrail_routing.adapters.custody_yaml import load_policies
from casetrail_routing.adapters.mongo_activity import ACTIVITY, MongoActivity
from casetrail_routing.adapters.mongo_activity import INDEXES as ACTIVITY_INDEXES
from casetrail_routing.adapters.mongo_identities import IDENTITIES, MongoIdentities
from casetrail_routing.adapters.mongo_memories import (
    MEMORIES,
    MEMORY_INDEXES,
    MongoMemories,
)
from casetrail_routing.adapters.mongo_slots import MongoSlots
from casetrail_routing.adapters.queue_drainer import QueueDrainer, Round
from casetrail_routing.adapters.rule_files import RuleFile, RuleWatch
from casetrail_routing.adapters.rules_yaml import load_rules, parse_rules
from casetrail_routing.commands import CommandUseCases, register_commands
from casetrail_routing.domain.complaints import EscalationRules
from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.domain.strategies import Pick, Plans
from casetrail_routing.handlers import reactions, register_handlers
from casetrail_routing.migrations import MIGRATIONS
from casetrail_routing.ports import Clock, DrainRequests, Publishing
from casetrail_routing.settings import RoutingSettings
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
from casetrail_routing.use_cases.reconcile_slots import ReconcileSlots
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


@dataclass(frozen=True)
class Routing:
    """The use cases of routing over one database."""

    route_message: RouteMessage
    commands: CommandUseCases
    drain: DrainQueue
    reconcile: ReconcileSlots
    return_cases: ReturnCases
    expire_offers: ExpireOffers
    pass_on_shift: PassOnShift
    note_activity: NoteActivity
    close_idle: CloseIdle
    hear_answer: HearAnswer
    escalate_waiting: EscalateWaiting
    join: JoinConversations


@dataclass(frozen=True)
class RuleBook:
    """The rule files of the service, each as it stands at the moment it is asked for."""

    escalation: RuleFile[EscalationRules]
    plans: RuleFile[Plans]

    def picks(self, workspace: str, case: Conversation, at: datetime) -> list[Pick]:
        """The choices to try for a waiting case, by the plans in force."""
        return self.plans().picks(workspace, case, at)


def open_rules(settings: RoutingSettings) -> RuleBook:
    """The rule files that the settings name, or what ships.

    Raises:
        FileInvalid: one of them cannot be used; the message has each fault with its line.
    """
    return RuleBook(
        RuleFile("escalation", settings.rules_file, parse_rules, lambda: load_rules(None)),
        RuleFile("assignment", settings.assignment_file, parse_plans, lambda: load_plans(None)),
    )


def create_app(settings: RoutingSettings | None = None) -> AsgiFastStream:
    """The ASGI app: the durable, the commands, the relay, and the health routes.

    Raises:
        FileInvalid: the rules file cannot be used; the message has each fault with its line.
    """
    settings = load_settings(RoutingSettings) if settings is None else settings
    configure_logging("routing", settings)
    telemetry = setup_telemetry("routing", settings)
    broker = make_broker(settings, "routing", telemetry=telemetry)
    publisher = StreamPublisher(broker, SUPPORT)
    client = make_client(settings, "routing")
    db = database(client)
    relay = Relay(db, [mongo.CONVERSATIONS, mongo.USERS], publisher)
    drainer = QueueDrainer(
        sweep_every=settings.sweep_seconds, reconcile_every=settings.reconcile_seconds
    )
    rules = open_rules(settings)
    routing = assemble(db, publisher, drainer, settings, rules=rules)
    watch = RuleWatch(rules.escalation, rules.plans, registry=telemetry.registry)
    reacting = reactions(
        routing.route_message,
        routing.return_cases,
        routing.pass_on_shift,
        routing.hear_answer,
        routing.join,
    )
    workers = register_handlers(
        broker, reacting, routing.note_activity, concurrency=settings.concurrency
    )
    register_commands(broker, routing.commands)
    serve_letters(
        broker,
        HandleRoutingLetter,
        workers,
        answered=ProcessedLog(db[mongo.PROCESSED]),
        publisher=publisher,
        now=now,
    )

    async def before_broker() -> None:
        await require(broker, [SUPPORT_STREAM], [ROUTING_DURABLE])
        await ensure_indexes(db, {**mongo.INDEXES, **ACTIVITY_INDEXES, **MEMORY_INDEXES})
        await require_migrations(db, MIGRATIONS, "routing")
        await relay.start()

    async def after_broker() -> None:
        drainer.start(
            routing.drain,
            routing.reconcile,
            Round("customers who wait", settings.waiting_seconds, routing.escalate_waiting.look),
            Round("rule files", settings.rules_poll_seconds, watch.look),
            Round("cases of barred owners", settings.reconcile_seconds, routing.return_cases.sweep),
            Round("offers: expire", settings.sweep_seconds, routing.expire_offers),
            Round("cases: close idle", settings.reconcile_seconds, routing.close_idle),
        )

    async def before_stop() -> None:
        await drainer.stop()
        await relay.stop()  # what is committed from now on waits in its outbox for a relay

    async def after_stop() -> None:
        await publisher.close()
        client.close()

    pings = {
        "nats": nats_ping(broker),
        "mongo": lambda: ping(client),
        "relay": relay.ping,
        "queue": drainer.ping,
        "rules": watch.ping,
    }
    return make_app(
        broker,
        title="Casetrail routing",
        version="1",
        description="Opens cases, gives them owners, flags complaints; owns users and shifts.",
        routes=health_routes(pings, telemetry.registry),
        on_startup=[before_broker],
        after_startup=[after_broker],
        on_shutdown=[before_stop],
        after_shutdown=[after_stop],
    )


def assemble(
    db: Database,
    publisher: Publishing,
    drainer: DrainRequests,
    settings: RoutingSettings,
    clock: Clock = now,
    *,
    rules: RuleBook | None = None,
) -> Routing:
    """The use cases over this database; nothing is connected yet."""
    rules = open_rules(settings) if rules is None else rules
    processed = ProcessedLog(db[mongo.PROCESSED])
    custody = Custody(
        mongo.MongoConversationStore(db[mongo.CONVERSATIONS], processed),
        MongoSlots(db[mongo.USERS]),
        rules.picks,
    )
    memories = MongoMemories(db[MEMORIES])
    users = mongo.user_store(db[mongo.USERS], processed)
    inbox = Inbox(settings.queue, load_policies(settings.custody_file))
    activity = MongoActivity(db[ACTIVITY])
    places = PlacesOutside(custody.slots, activity, inbox.policies, drainer)
    policy = RoutingPolicy(rules.escalation, timedelta(hours=settings.reopen_hours), inbox)
    identities, roots = MongoIdentities(db[IDENTITIES]), Roots(custody.conversations)
    carrying = Carrying(memories, activity)
    links = Links(custody, identities, roots, carrying, drainer, clock)
    answering = Answering(processed, publisher, clock)
    cases = CaseDesk(custody, answering, drainer, clock)
    giving = Giving(cases, users)
    people = UserDesk(users, answering, drainer, clock)
    held = WhatIsHeld(custody.conversations)
    return Routing(
        RouteMessage(
            custody,
            mongo.MongoCaseNumbers(db[mongo.NUMBERS]),
            processed,
            drainer,
            policy,
            memories,
            links,
            clock,
        ),
        CommandUseCases(
            AssignCase(giving),
            ClaimCase(giving),
            AcceptCase(cases),
            DeclineCase(cases, inbox),
            TransferCase(giving),
            ReleaseCase(cases, inbox),
            EscalateCase(cases),
            DeescalateCase(cases),
            TagCase(cases),
            AddNote(cases),
            CloseCase(cases),
            ReopenCase(cases, inbox),
            LinkCase(cases, links),
            AddUser(people),
            ChangeUser(people),
            TakeUserOut(people, held),
            TakeUserBack(people),
            NotePresence(people),
            BeginShift(people),
            FinishShift(people, held),
            BeginHandover(people),
            PutSignature(people),
        ),
        DrainQueue(custody, clock),
        ReconcileSlots(custody, places, timedelta(seconds=settings.slot_grace_seconds)),
        ReturnCases(custody, users, drainer, inbox, clock),
        ExpireOffers(custody, inbox, drainer, clock),
        PassOnShift(custody, users, processed, inbox, drainer, clock),
        NoteActivity(activity, roots, carrying, places),
        CloseIdle(custody, activity, inbox.policies, drainer, clock),
        HearAnswer(memories, roots),
        EscalateWaiting(custody, memories, rules.escalation, clock),
        JoinConversations(identities, links),
    )
