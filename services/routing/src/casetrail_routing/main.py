"""The routing service, put together."""

from dataclasses import dataclass
from datetime import timedelta

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.logging import configure_logging
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
from casetrail_routing.adapters.clock import now
from casetrail_routing.adapters.custody_yaml import load_policies
from casetrail_routing.adapters.mongo_activity import ACTIVITY, MongoActivity
from casetrail_routing.adapters.mongo_activity import INDEXES as ACTIVITY_INDEXES
from casetrail_routing.adapters.mongo_slots import MongoSlots
from casetrail_routing.adapters.queue_drainer import QueueDrainer, Round
from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.commands import CommandUseCases, register_commands
from casetrail_routing.domain.custody_policy import Inbox
from casetrail_routing.handlers import reactions, register_handlers
from casetrail_routing.ports import Clock, Publishing
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
from casetrail_routing.use_cases.expire_offers import ExpireOffers
from casetrail_routing.use_cases.note_activity import NoteActivity
from casetrail_routing.use_cases.pass_on_shift import PassOnShift
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
    routing = assemble(db, publisher, drainer, settings)
    reacting = reactions(routing.route_message, routing.return_cases, routing.pass_on_shift)
    register_handlers(broker, reacting, routing.note_activity, concurrency=settings.concurrency)
    register_commands(broker, routing.commands)

    async def before_broker() -> None:
        await require(broker, [SUPPORT_STREAM], [ROUTING_DURABLE])
        await ensure_indexes(db, {**mongo.INDEXES, **ACTIVITY_INDEXES})
        await relay.start()

    async def after_broker() -> None:
        drainer.start(
            routing.drain,
            routing.reconcile,
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
    drainer: QueueDrainer,
    settings: RoutingSettings,
    clock: Clock = now,
) -> Routing:
    """The use cases over this database; nothing is connected yet."""
    processed = ProcessedLog(db[mongo.PROCESSED])
    custody = Custody(
        mongo.MongoConversationStore(db[mongo.CONVERSATIONS]), MongoSlots(db[mongo.USERS])
    )
    users = mongo.user_store(db[mongo.USERS])
    inbox = Inbox(settings.queue, load_policies(settings.custody_file))
    activity = MongoActivity(db[ACTIVITY])
    policy = RoutingPolicy(
        load_rules(settings.rules_file), timedelta(hours=settings.reopen_hours), inbox
    )
    answering = Answering(processed, publisher, clock)
    cases = CaseDesk(custody, answering, drainer, clock)
    giving = Giving(cases, users)
    people = UserDesk(users, answering, drainer, clock)
    return Routing(
        RouteMessage(
            custody, mongo.MongoCaseNumbers(db[mongo.NUMBERS]), processed, drainer, policy, clock
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
            AddUser(people),
            ChangeUser(people),
            TakeUserOut(people),
            TakeUserBack(people),
            NotePresence(people),
            BeginShift(people),
            FinishShift(people),
        ),
        DrainQueue(custody, clock),
        ReconcileSlots(custody, timedelta(seconds=settings.slot_grace_seconds)),
        ReturnCases(custody, users, drainer, inbox, clock),
        ExpireOffers(custody, inbox, drainer, clock),
        PassOnShift(custody, users, processed, inbox, drainer, clock),
        NoteActivity(activity),
        CloseIdle(custody, activity, inbox.policies, drainer, clock),
    )
