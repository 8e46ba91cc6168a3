"""The tickets service, put together."""

from datetime import UTC, datetime
from typing import Final

from casetrail_contracts import subjects
from casetrail_contracts.commands import HandleTicketsLetter
from casetrail_runtime.broker import make_app, make_broker
from casetrail_runtime.health import health_routes, nats_ping
from casetrail_runtime.letters import serve_letters
from casetrail_runtime.logging import configure_logging
from casetrail_runtime.mongo import database, ensure_indexes, make_client, ping
from casetrail_runtime.outbox import ProcessedLog
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.relay import Relay
from casetrail_runtime.streams import (
    DEAD,
    SUPPORT,
    TICKETS_DURABLE,
    TICKETS_PEOPLE_DURABLE,
    require,
)
from casetrail_runtime.telemetry import setup_telemetry
from faststream.asgi import AsgiFastStream

from casetrail_tickets.adapters import mongo_tickets
from casetrail_tickets.adapters.due_watch import DueWatch
from casetrail_tickets.adapters.life_cycles_yaml import load_life_cycles
from casetrail_tickets.adapters.mongo_bulks import MongoBulks
from casetrail_tickets.adapters.mongo_contexts import MongoContexts
from casetrail_tickets.adapters.mongo_links import MongoLinks
from casetrail_tickets.adapters.mongo_open_tickets import MongoCaseTags, MongoOpenTickets
from casetrail_tickets.adapters.mongo_people import MongoPeople
from casetrail_tickets.adapters.service_levels_yaml import load_service_levels
from casetrail_tickets.commands import serve_bulks, serve_commands
from casetrail_tickets.handlers import Listeners, subscribe
from casetrail_tickets.ports import Clock
from casetrail_tickets.settings import TicketsSettings
from casetrail_tickets.use_cases.acting import ActOnTicket, AssignTicket, MakeTicket
from casetrail_tickets.use_cases.bulk import CarryOutBulk, TakeBulk, TellBulk
from casetrail_tickets.use_cases.keeping_time import KeepTime
from casetrail_tickets.use_cases.linked import Conversations
from casetrail_tickets.use_cases.remembering import ForgetErased, RememberMessage, RememberPerson
from casetrail_tickets.use_cases.watching import (
    ROUND,
    CatchUp,
    HearLink,
    HearMessage,
    HearTag,
    NoticeBreaches,
    Timekeeper,
)

BULK_EVERY: Final = 0.5
"""Seconds between two looks for a bulk to carry on."""


def create_app(settings: TicketsSettings, clock: Clock | None = None) -> AsgiFastStream:
    """The ASGI app: commands and events over NATS, health over HTTP; `clock` tells the time.

    Raises:
        FileInvalid: a file of life cycles or service levels is faulty; each fault with its line.
    """
    now = _now if clock is None else clock
    configure_logging("tickets", settings)
    telemetry = setup_telemetry("tickets", settings)
    broker = make_broker(settings, "tickets", telemetry=telemetry)
    publisher = StreamPublisher(broker, subjects.SUPPORT)
    client = make_client(settings, "tickets")
    db = database(client)
    relay = Relay(db, [mongo_tickets.TICKETS], publisher)
    tickets = mongo_tickets.ticket_aggregates(db)
    contexts = MongoContexts(db[mongo_tickets.CONTEXTS], settings.context_messages)
    links = MongoLinks(db[mongo_tickets.LINKS])
    conversations = Conversations(contexts, links, settings.context_messages)
    numbers = mongo_tickets.MongoTicketNumbers(db[mongo_tickets.NUMBERS])

    people = MongoPeople(db[mongo_tickets.PEOPLE])
    life_cycles = load_life_cycles(settings.life_cycles_file)
    keep = KeepTime(load_service_levels(settings.service_levels_file, life_cycles.states))
    tags = MongoCaseTags(db[mongo_tickets.CASE_TAGS])
    open_tickets = MongoOpenTickets(db[mongo_tickets.TICKETS])
    time = Timekeeper(tickets, keep, now)
    notice = NoticeBreaches(open_tickets, time)
    due_watch = DueWatch(notice, settings.due_every, full=ROUND, what="what falls due")
    act_on = ActOnTicket(tickets, publisher, life_cycles, now, tags, keep)
    assign = AssignTicket(act_on, people)
    bulks = MongoBulks(db[mongo_tickets.BULKS], settings.instance)
    carry_out = CarryOutBulk(bulks, act_on, assign, publisher, now)
    bulk_watch = DueWatch(carry_out, BULK_EVERY, full=1, what="bulks")

    serve_commands(
        broker,
        MakeTicket(tickets, numbers, conversations, life_cycles, now, tags, keep),
        act_on,
        assign,
    )
    serve_bulks(broker, TakeBulk(bulks, now), TellBulk(bulks))
    workers = subscribe(
        broker,
        Listeners(
            remember_message=RememberMessage(contexts),
            forget_erased=ForgetErased(contexts, links),
            remember_person=RememberPerson(people),
            hear_message=HearMessage(open_tickets, conversations, time),
            hear_tag=HearTag(open_tickets, tags, time),
            hear_link=HearLink(open_tickets, conversations, time),
            catch_up=CatchUp(conversations, tags, time),
        ),
    )
    serve_letters(
        broker,
        HandleTicketsLetter,
        workers,
        answered=ProcessedLog(db[mongo_tickets.PROCESSED]),
        publisher=publisher,
        now=now,
    )

    async def prepare() -> None:
        await ensure_indexes(db, mongo_tickets.INDEXES)
        await require(broker, [SUPPORT, DEAD], [TICKETS_DURABLE, TICKETS_PEOPLE_DURABLE])

    async def begin() -> None:
        await relay.start()
        await due_watch.start()
        await bulk_watch.start()

    async def stop() -> None:
        await bulk_watch.stop()
        await due_watch.stop()
        await relay.stop()
        await publisher.close()

    async def close() -> None:
        client.close()

    async def mongo_ping() -> None:
        await ping(client)

    return make_app(
        broker,
        title="Casetrail tickets",
        version="1",
        description="Runs the life cycle of tickets.",
        routes=health_routes(
            {
                "nats": nats_ping(broker),
                "mongo": mongo_ping,
                "relay": relay.ping,
                "clocks": due_watch.ping,
                "bulks": bulk_watch.ping,
            },
            telemetry.registry,
        ),
        on_startup=[prepare],
        after_startup=[begin],
        on_shutdown=[stop],
        after_shutdown=[close],
    )


def _now() -> datetime:
    return datetime.now(UTC)
