"""NATS in: the events routing acts on."""

from collections.abc import Awaitable, Callable

from casetrail_contracts import Event
from casetrail_contracts.registry.message import MessageReceived
from casetrail_contracts.subjects import ROUTING_DURABLE
from casetrail_runtime.failure import PermanentError
from casetrail_runtime.pull import Delivery, subscribe_keyed
from faststream.nats import NatsBroker

from casetrail_routing.use_cases.route_message import RouteMessage


def register_handlers(broker: NatsBroker, route_message: RouteMessage, *, concurrency: int) -> None:
    """Binds the durable `routing`; the events of one conversation are taken in order."""
    subscribe_keyed(
        broker,
        ROUTING_DURABLE,
        on_event(route_message),
        key=conversation_of,
        service="routing",
        conc=concurrency,
        title="routing",
        description="Messages open and reopen cases and flag complaints; other events pass by.",
    )


def on_event(route_message: RouteMessage) -> Callable[[Delivery], Awaitable[None]]:
    """The handler of the durable: `message.received` is routed, other types have no effect here."""

    async def handle(delivery: Delivery) -> None:
        event = delivery.event
        if not isinstance(event.data, MessageReceived):
            return
        if event.conversationid is None:
            raise PermanentError("message.received names no conversation")
        await route_message(event, event.data, event.conversationid)

    return handle


def conversation_of(event: Event) -> str:
    """What order is kept within: the conversation, or the event's own subject when it has none."""
    within = event.subject if event.conversationid is None else event.conversationid
    return f"{event.workspace}:{within}"
