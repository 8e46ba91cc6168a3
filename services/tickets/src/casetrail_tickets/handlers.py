"""Events in: what is said, tagged and erased in a conversation, new tickets, and who there is."""

from dataclasses import dataclass

from casetrail_contracts import Event
from casetrail_contracts.subjects import TICKETS_DURABLE, TICKETS_PEOPLE_DURABLE
from casetrail_runtime.pull import Delivery, KeyedWorker, subscribe_keyed
from faststream.nats import NatsBroker

from casetrail_tickets.events import SERVICE
from casetrail_tickets.use_cases.remembering import ForgetErased, RememberMessage, RememberPerson
from casetrail_tickets.use_cases.watching import CatchUp, HearLink, HearMessage, HearTag


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """What is done on an event."""

    remember_message: RememberMessage
    forget_erased: ForgetErased
    remember_person: RememberPerson
    hear_message: HearMessage
    hear_tag: HearTag
    hear_link: HearLink
    catch_up: CatchUp


def subscribe(broker: NatsBroker, do: Listeners) -> dict[str, KeyedWorker]:
    """Feeds the use cases; events of one conversation, and of one user, in order."""

    async def on_event(delivery: Delivery) -> None:
        event = delivery.event
        match event.noun_verb:
            case "message.received" | "message.sent":
                # Remembered first: a ticket that is being made right now catches up from there.
                await do.remember_message(event)
                await do.hear_message(event)
            case "conversation.tagged" | "conversation.untagged":
                await do.hear_tag(event)
            case "conversation.linked":
                await do.hear_link(event)
            case "ticket.created":
                await do.catch_up(event)
            case "privacy.erasure_requested" | "privacy.erased":
                await do.forget_erased(event)

    async def on_user(delivery: Delivery) -> None:
        await do.remember_person(delivery.event)

    tickets = subscribe_keyed(
        broker,
        TICKETS_DURABLE,
        on_event,
        key=belongs_to,
        service=SERVICE,
        title="tickets",
        description="Remembers the newest messages of each conversation, and keeps the clocks.",
    )
    people = subscribe_keyed(
        broker,
        TICKETS_PEOPLE_DURABLE,
        on_user,
        key=belongs_to,
        service=SERVICE,
        title="tickets-people",
        description="Remembers who there is, so that a ticket is given to somebody who exists.",
    )
    return {TICKETS_DURABLE: tickets, TICKETS_PEOPLE_DURABLE: people}


def belongs_to(event: Event) -> str:
    """The conversation, else what the event is about; what belongs together is taken in order."""
    within = event.subject if event.conversationid is None else event.conversationid
    return f"{event.workspace}:{within}"
