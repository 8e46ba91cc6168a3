"""The clocks of tickets: what starts them, what breaks them, who says so and why."""

import asyncio
from datetime import timedelta

from casetrail_contracts import Event, commands
from casetrail_contracts.clocks import MESSAGE_STEPS, Step, agreement
from casetrail_contracts.registry.ticket import SlaBreached, SlaStarted, TicketCreated
from casetrail_tickets.use_cases.keeping_time import step_of

from tests.unit.tickets.desk import (
    CONVERSATION,
    MINUTE,
    MONDAY,
    PRESS,
    REST,
    URGENT,
    Desk,
    linked,
    message,
    tagged,
)


def started(events: list[Event]) -> list[tuple[str, str]]:
    """Which clocks began, under which policy."""
    found = [event.data for event in events if isinstance(event.data, SlaStarted)]
    return [(data.clock, data.policy.name) for data in found]


def breaches(events: list[Event]) -> list[Event]:
    """The events of what fell due."""
    return [event for event in events if isinstance(event.data, SlaBreached)]


def steps(desk: Desk, messages: list[Event]) -> list[Step]:
    """The log of a ticket and its conversation, as clocks see it."""
    assert all(event.noun_verb in MESSAGE_STEPS for event in messages)
    return [step_of(event) for event in [*desk.events(), *messages]]


async def test_a_new_ticket_starts_its_clocks() -> None:
    """One write: created, first response, resolution; by the rule, because of the creation."""
    desk = Desk()
    await desk.make(priority="urgent")
    created, first, resolution = desk.events()
    assert started(desk.events()) == [("first_response", "urgent"), ("resolution", "urgent")]
    assert (first.causationid, resolution.causationid) == (created.id, created.id)
    actor = first.data.actor
    assert (actor.kind, actor.rule, actor.rule_version) == ("rule", "urgent", URGENT.version)
    assert isinstance(first.data, SlaStarted)
    assert first.data.due_at == MONDAY + 15 * MINUTE
    assert first.data.policy.text == URGENT.plain()
    assert [event.version for event in desk.events()] == [1, 2, 3]


async def test_nothing_is_promised_without_policies() -> None:
    """A ticket of a team without service levels keeps no history of clocks."""
    desk = Desk(policies=())
    await desk.make()
    await desk.deliver(message(1, MONDAY + MINUTE))
    assert desk.names() == ["ticket.created"]
    assert (await desk.ticket()).levels is None


async def test_an_answer_stops_the_wait_and_the_next_question_starts_one() -> None:
    """Answered in time; then the customer asks, and nobody answers."""
    desk = Desk()
    await desk.make(priority="urgent")
    for number, (minute, side) in enumerate([(10, "agent"), (30, "customer"), (31, "customer")]):
        desk.now = MONDAY + minute * MINUTE
        await desk.deliver(message(number, desk.now, side))
    desk.now = MONDAY + 49 * MINUTE
    assert await desk.notice() == 0
    desk.now = MONDAY + 51 * MINUTE
    assert await desk.notice() == 1
    (breach,) = breaches(desk.events())
    assert isinstance(breach.data, SlaBreached)
    assert (breach.data.clock, breach.time) == ("next_response", MONDAY + 50 * MINUTE)
    assert breach.data.late_seconds is None
    assert await desk.notice() == 0


async def test_a_breach_that_is_noticed_late_says_so() -> None:
    """INVARIANT I10: down for five hours, the breach is told once, with when it really fell due."""
    desk = Desk()
    await desk.make(priority="urgent")
    desk.now = MONDAY + timedelta(hours=5)
    await asyncio.gather(desk.notice(), desk.notice())  # two replicas
    first, resolution = breaches(desk.events())
    assert isinstance(first.data, SlaBreached)
    assert first.time == first.data.due_at == MONDAY + 15 * MINUTE
    assert first.data.noticed_at == desk.now
    assert first.data.late_seconds == 5 * 3600 - 15 * 60
    assert resolution.time == MONDAY + timedelta(hours=2)
    begun = {event.id for event in desk.events() if isinstance(event.data, SlaStarted)}
    assert {first.causationid, resolution.causationid} == begun


async def test_a_command_tells_of_what_fell_due_before_it() -> None:
    """Resolved too late while nobody looked: the breach stands in the same write."""
    desk = Desk()
    ticket_id = await desk.make(priority="urgent")
    await desk.do(commands.ChangeTicketStatus, ticket_id, "s", status="in_progress")
    desk.now = MONDAY + timedelta(hours=3)
    await desk.do(commands.ResolveTicket, ticket_id, "r", note="found it")
    assert desk.names()[-3:] == ["ticket.resolved", "ticket.sla_breached", "ticket.sla_breached"]
    assert [event.version for event in desk.events()] == list(range(1, len(desk.events()) + 1))


async def test_a_pausing_state_stops_the_clock() -> None:
    """Three hours with the customer do not count; the log recomputed says the same."""
    desk = Desk()
    ticket_id = await desk.make(priority="urgent")
    await desk.deliver(message(1, MONDAY + MINUTE, "agent"))
    for key, minute, status in [("a", 60, "in_progress"), ("b", 90, "awaiting_customer")]:
        desk.now = MONDAY + minute * MINUTE
        await desk.do(commands.ChangeTicketStatus, ticket_id, key, status=status)
    assert (await desk.ticket()).due_at is None
    desk.now = MONDAY + 270 * MINUTE
    assert await desk.notice() == 0
    await desk.do(commands.ChangeTicketStatus, ticket_id, "c", status="in_progress")
    assert (await desk.ticket()).due_at == MONDAY + 300 * MINUTE
    desk.now = MONDAY + 301 * MINUTE
    await desk.notice()
    findings, strays = agreement(
        steps(desk, [message(1, MONDAY + MINUTE, "agent")]), desk.now + timedelta(hours=1)
    )
    assert strays == []
    assert [(each.reading.run.clock, each.reading.state) for each in findings] == [
        ("first_response", "met"),
        ("resolution", "breached"),
    ]
    assert all(each.agrees for each in findings)


async def test_another_priority_brings_another_policy() -> None:
    """From the rest to urgent after half an hour: from then on, and not before."""
    desk = Desk()
    ticket_id = await desk.make()
    desk.now = MONDAY + 30 * MINUTE
    await desk.do(commands.ChangeTicketPriority, ticket_id, "p", priority="urgent")
    first, resolution = [each for each in desk.events() if isinstance(each.data, SlaStarted)][2:]
    assert isinstance(first.data, SlaStarted)
    assert first.data.replaces is not None
    assert first.data.replaces.version == REST.version
    assert first.time == desk.now
    assert first.data.due_at == desk.now  # fifteen minutes are over already
    changed = desk.events()[3]
    assert changed.noun_verb == "ticket.priority_changed"
    assert {first.causationid, resolution.causationid} == {changed.id}
    assert [each.time for each in breaches(desk.events())] == [desk.now]


async def test_a_tag_of_the_case_brings_another_policy() -> None:
    """Tagged press: half an hour; a tag taken off earlier in the log changes nothing."""
    desk = Desk()
    await desk.make()
    await desk.deliver(tagged("press", 5))
    await desk.deliver(tagged("press", 4, on=False))
    assert started(desk.events()) == [
        ("first_response", "rest"),
        ("resolution", "rest"),
        ("resolution", PRESS.name),
    ]


async def test_hours_and_week_ends_count() -> None:
    """On a Saturday nobody works: an hour to respond ends on Monday at ten."""
    desk = Desk()
    desk.now = MONDAY - timedelta(days=2) + timedelta(hours=2, minutes=30)  # Saturday
    await desk.make()
    (first, _) = [each.data for each in desk.events() if isinstance(each.data, SlaStarted)]
    assert isinstance(first, SlaStarted)
    assert first.due_at == MONDAY - timedelta(hours=4)  # 10:00 in Karachi


async def test_a_message_that_overtakes_the_ticket_reaches_its_clocks() -> None:
    """Heard between the decision to make a ticket and its write: caught up from its own event."""
    desk = Desk()
    await desk.deliver(message(1, MONDAY + MINUTE, "agent"))  # no ticket knows of it
    await desk.make(priority="urgent")
    (created,) = [each for each in desk.events() if each.noun_verb == "ticket.created"]
    await desk.deliver(created)
    await desk.deliver(created)
    desk.now = MONDAY + 16 * MINUTE
    await desk.notice()
    assert breaches(desk.events()) == []


async def test_an_answer_to_the_new_number_stops_the_clock_of_the_old_conversation() -> None:
    """What is said in a linked conversation counts from the link on, whichever is heard first."""
    desk = Desk()
    await desk.make(priority="urgent")
    asked = message(1, MONDAY + MINUTE, "customer", "cv_new")
    answered = message(2, MONDAY + 3 * MINUTE, "agent", "cv_new")
    await desk.deliver(asked)
    await desk.deliver(answered)  # nobody knows of the link yet
    assert desk.names().count("ticket.sla_breached") == 0
    await desk.deliver(linked("cv_new", CONVERSATION, MONDAY + 2 * MINUTE, cause=asked.id))
    desk.now = MONDAY + 16 * MINUTE
    assert await desk.notice() == 0
    await desk.deliver(message(3, MONDAY + 17 * MINUTE, "customer", "cv_new"))
    assert started(desk.events())[-1] == ("next_response", "urgent")


async def test_the_ticket_of_a_merged_case_hears_what_is_said_in_the_leading_one() -> None:
    """The customer is answered there."""
    desk = Desk()
    await desk.make(priority="urgent")
    await desk.deliver(linked(CONVERSATION, "cv_root", MONDAY + MINUTE, case="CASE-1000"))
    await desk.deliver(message(1, MONDAY + 2 * MINUTE, "agent", "cv_root"))
    desk.now = MONDAY + 16 * MINUTE
    assert await desk.notice() == 0


async def test_a_new_ticket_shows_what_was_said_in_both_conversations() -> None:
    """As many messages as of one."""
    desk = Desk()
    await desk.deliver(message(1, MONDAY - 3 * MINUTE))
    await desk.deliver(message(2, MONDAY - 2 * MINUTE))
    await desk.deliver(message(3, MONDAY - MINUTE, "customer", "cv_new"))
    await desk.deliver(linked("cv_new", CONVERSATION, MONDAY))
    await desk.make()
    data = desk.events()[0].data
    assert isinstance(data, TicketCreated)
    ids = [message(n, MONDAY).id for n in (2, 3)]
    assert data.context.event_ids == ids
