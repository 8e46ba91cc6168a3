"""Messages and commands as routing gets them."""

import uuid
from datetime import UTC, datetime
from typing import TypeVar

from casetrail_contracts import Actor, Event, EventData
from casetrail_contracts.commands import (
    AssignConversation,
    CloseConversation,
    CreateUser,
    CreateUserBody,
    EndShift,
    EscalateConversation,
    OnCase,
    OnUser,
    StartShift,
)
from casetrail_contracts.registry.customer import CustomerIdentified
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_contracts.registry.user import Role

from tests.unit.routing.memory import START

LEAD = Actor(kind="lead", id="lea", name="Lea")
ADMIN = Actor(kind="admin", id="root", name="Root")


def message(
    conversation_id: str = "cv_1",
    text: str | None = "salam",
    *,
    id: str | None = None,  # noqa: A002 - the attribute's name in CloudEvents
    at: datetime = START,
    workspace: str = "main",
) -> Event:
    """A customer's message; a new event id unless one is given."""
    origin = WebhookOrigin(received_at=at, body_mac="ab" * 32, position="0.0.messages.0")
    data = MessageReceived(
        actor=Actor(kind="customer", id=conversation_id),
        message_id="ms_1",
        message_type="text",
        phone_number_id="104400555000111",
        origin=origin,
    )
    return Event.build(
        data,
        workspace=workspace,
        source="ingest",
        subject="message/ms_1",
        time=at,
        id=str(uuid.uuid4()) if id is None else id,
        conversationid=conversation_id,
        private=None if text is None else {"text": text, "phone": "923001112233"},
    )


def identified(
    conversation_id: str,
    *others: str,
    id: str | None = None,  # noqa: A002
    at: datetime = START,
) -> Event:
    """WhatsApp tells that the customer of one conversation is that of others too."""
    origin = WebhookOrigin(received_at=at, body_mac="ab" * 32, position="0.0.messages.0")
    data = CustomerIdentified(
        actor=Actor(kind="service", id="whatsapp"),
        kind="number_changed",
        conversation_id=conversation_id,
        previous_conversation_id=others[0],
        alias_conversation_ids=list(others[1:]),
        phone_number_id="104400555000111",
        origin=origin,
    )
    return Event.build(
        data,
        workspace="main",
        source="ingest",
        subject=f"customer/{conversation_id}",
        time=at,
        id=_id(id),
        conversationid=conversation_id,
    )


def assign(
    owner: str,
    conversation_id: str = "cv_1",
    case_id: str = "CASE-1001",
    *,
    id: str | None = None,  # noqa: A002
    reason: str | None = None,
    expected_version: int | None = None,
) -> AssignConversation:
    """A lead assigns a case."""
    return AssignConversation(
        id=_id(id),
        workspace="main",
        actor=LEAD,
        conversation_id=conversation_id,
        case_id=case_id,
        owner=owner,
        reason=reason,
        expected_version=expected_version,
    )


def escalate(
    conversation_id: str = "cv_1",
    case_id: str = "CASE-1001",
    *,
    id: str | None = None,  # noqa: A002
) -> EscalateConversation:
    """A lead escalates a case."""
    return EscalateConversation(
        id=_id(id),
        workspace="main",
        actor=LEAD,
        conversation_id=conversation_id,
        case_id=case_id,
        reason="third call",
    )


def close(
    conversation_id: str = "cv_1",
    case_id: str = "CASE-1001",
    *,
    id: str | None = None,  # noqa: A002
    note: str | None = None,
) -> CloseConversation:
    """A lead closes a case."""
    return CloseConversation(
        id=_id(id),
        workspace="main",
        actor=LEAD,
        conversation_id=conversation_id,
        case_id=case_id,
        reason="solved",
        note=note,
    )


C = TypeVar("C", bound=OnCase)


def on_case(
    kind: type[C],
    conversation_id: str = "cv_1",
    case_id: str = "CASE-1001",
    *,
    by: str | None = None,
    id: str | None = None,  # noqa: A002
    **fields: object,
) -> C:
    """A command on a case: by an agent of this id, or by a lead."""
    actor = LEAD if by is None else Actor(kind="agent", id=by, name=f"Agent {by.upper()}")
    return kind.model_validate(
        {
            "id": _id(id),
            "workspace": "main",
            "actor": actor,
            "conversation_id": conversation_id,
            "case_id": case_id,
            **fields,
        }
    )


def user_create(
    user_id: str,
    *,
    capacity: int = 10,
    role: Role = "agent",
    id: str | None = None,  # noqa: A002
) -> CreateUser:
    """A lead adds `Agent <ID>`."""
    body = CreateUserBody(id=user_id, name=f"Agent {user_id.upper()}", role=role, capacity=capacity)
    return CreateUser(id=_id(id), workspace="main", actor=LEAD, user=body)


U = TypeVar("U", bound=OnUser)


def on_user(
    kind: type[U],
    user_id: str,
    *,
    by: Actor = LEAD,
    id: str | None = None,  # noqa: A002
    **fields: object,
) -> U:
    """A command on a person, by a lead unless somebody else is named."""
    return kind.model_validate(
        {"id": _id(id), "workspace": "main", "actor": by, "user_id": user_id, **fields}
    )


def shift_start(user_id: str, *, id: str | None = None) -> StartShift:  # noqa: A002
    """A user goes on duty, till far ahead of any clock of the tests."""
    return StartShift(
        id=_id(id),
        workspace="main",
        actor=Actor(kind="agent", id=user_id),
        user_id=user_id,
        ends_at=datetime(2099, 1, 1, tzinfo=UTC),
    )


def shift_end(user_id: str, *, id: str | None = None) -> EndShift:  # noqa: A002
    """A user goes off duty."""
    return EndShift(
        id=_id(id), workspace="main", actor=Actor(kind="agent", id=user_id), user_id=user_id
    )


def _id(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else given


def of_ticket(
    data: EventData,
    version: int,
    at: datetime,
    id_: str = "T-1001",
    *,
    conversation_id: str = "cv_1",
) -> Event:
    """An event of a ticket of CASE-1001."""
    return Event.build(
        data,
        workspace="main",
        source="tickets",
        subject=f"ticket/{id_}",
        time=at,
        id=f"{id_} {version}",
        sequence=version,
        conversationid=conversation_id,
        caseid="CASE-1001",
        ticketid=id_,
    )
