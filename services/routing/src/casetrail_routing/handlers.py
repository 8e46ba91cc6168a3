"""NATS in: the events routing acts on."""

from collections.abc import Awaitable, Callable, Mapping

from casetrail_contracts import Event
from casetrail_contracts.registry.message import MessageReceived
from casetrail_contracts.registry.shift import ShiftEnded
from casetrail_contracts.registry.user import UserDeactivated, UserRoleChanged
from casetrail_contracts.subjects import ROUTING_DURABLE
from casetrail_runtime.failure import PermanentError
from casetrail_runtime.pull import Delivery, KeyedWorker, subscribe_keyed
from faststream.nats import NatsBroker

from casetrail_routing.ports import Key
from casetrail_routing.use_cases.escalate_waiting import HearAnswer
from casetrail_routing.use_cases.linking import JoinConversations
from casetrail_routing.use_cases.note_activity import NoteActivity
from casetrail_routing.use_cases.pass_on_shift import PassOnShift
from casetrail_routing.use_cases.return_cases import ReturnCases
from casetrail_routing.use_cases.route_message import RouteMessage

Reaction = Callable[[Event], Awaitable[object]]
Reactions = Mapping[str, Reaction]
"""What is done about an event, by the CloudEvents type; other events pass by."""


def reactions(
    route_message: RouteMessage,
    return_cases: ReturnCases,
    pass_on_shift: PassOnShift,
    hear_answer: HearAnswer,
    join: JoinConversations,
) -> Reactions:
    """Everything routing does because of an event."""
    return {
        "casetrail.message.received.v1": on_message(route_message),
        "casetrail.message.sent.v1": hear_answer,
        "casetrail.conversation.closed.v1": hear_answer,
        "casetrail.customer.identified.v1": join,
        "casetrail.user.deactivated.v1": on_barred(return_cases),
        "casetrail.user.role_changed.v1": on_barred(return_cases),
        "casetrail.shift.ended.v1": on_shift_ended(pass_on_shift),
    }


def register_handlers(
    broker: NatsBroker, reactions: Reactions, note: NoteActivity, *, concurrency: int
) -> dict[str, KeyedWorker]:
    """Binds the durable `routing`; the events of one conversation are taken in order."""
    worker = subscribe_keyed(
        broker,
        ROUTING_DURABLE,
        on_event(reactions, note),
        key=conversation_of,
        service="routing",
        conc=concurrency,
        title="routing",
        description="Messages open and reopen cases and flag complaints; conversations of one "
        "customer are linked; the cases of people who "
        "may no longer own any go back to the queue; those of a shift that ended go on by policy; "
        "messages, cases and tickets are noted for closing idle cases; other events pass by.",
    )
    return {ROUTING_DURABLE: worker}


def on_event(reactions: Reactions, note: NoteActivity) -> Callable[[Delivery], Awaitable[None]]:
    """The handler of the durable."""

    async def handle(delivery: Delivery) -> None:
        react = reactions.get(delivery.event.type)
        if react is not None:
            await react(delivery.event)
        await note(delivery.event)

    return handle


def on_message(route_message: RouteMessage) -> Reaction:
    """A customer's message is routed."""

    async def react(event: Event) -> None:
        assert isinstance(event.data, MessageReceived)
        if event.conversationid is None:
            raise PermanentError("message.received names no conversation")
        await route_message(event, event.data, event.conversationid)

    return react


def on_barred(return_cases: ReturnCases) -> Reaction:
    """Somebody may own cases no longer, if that is what the event led to."""

    async def react(event: Event) -> None:
        assert isinstance(event.data, UserDeactivated | UserRoleChanged)
        await return_cases(Key(event.workspace, event.data.user_id), event.correlationid)

    return react


def on_shift_ended(pass_on_shift: PassOnShift) -> Reaction:
    """The cases of a shift go on."""

    async def react(event: Event) -> None:
        assert isinstance(event.data, ShiftEnded)
        await pass_on_shift(event, event.data)

    return react


def conversation_of(event: Event) -> str:
    """What order is kept within: the conversation, or the event's own subject when it has none."""
    within = event.subject if event.conversationid is None else event.conversationid
    return f"{event.workspace}:{within}"
