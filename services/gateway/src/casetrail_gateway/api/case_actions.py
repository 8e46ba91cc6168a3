"""Paths that change a case."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    AcceptConversation,
    AddCaseNote,
    AddCaseNoteBody,
    AssignBody,
    AssignConversation,
    ClaimConversation,
    CloseCaseBody,
    CloseConversation,
    CreateTicket,
    CreateTicketBody,
    DeclineBody,
    DeclineConversation,
    DeescalateBody,
    DeescalateConversation,
    EscalateBody,
    EscalateConversation,
    LinkBody,
    ReleaseBody,
    ReleaseConversation,
    ReopenCaseBody,
    ReopenConversation,
    SendMessage,
    SendMessageBody,
    TagConversation,
    TagsBody,
    TransferBody,
    TransferConversation,
)
from fastapi import APIRouter
from fastapi import Body as JsonBody

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.orders import MADE, AnOrder, EmptyBody, post
from casetrail_gateway.api.parameters import CaseId
from casetrail_gateway.use_cases.addressing import AddressOf

router = APIRouter(tags=["cases"])


@post(router, "/v1/cases/{case_id}/assign", example=examples.ASSIGNED)
async def assign_case(order: AnOrder, case_id: CaseId, body: AssignBody) -> CommandReply:
    """Gives the case to somebody."""
    return await order.send.on_case(order.asked, AssignConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/escalate", example=examples.ESCALATED)
async def escalate_case(order: AnOrder, case_id: CaseId, body: EscalateBody) -> CommandReply:
    """Marks the case Escalated."""
    return await order.send.on_case(order.asked, EscalateConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/close", example=examples.CLOSED)
async def close_case(order: AnOrder, case_id: CaseId, body: CloseCaseBody) -> CommandReply:
    """Ends the case."""
    return await order.send.on_case(order.asked, CloseConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/tickets", status=MADE, example=examples.TICKET_MADE)
async def create_ticket(order: AnOrder, case_id: CaseId, body: CreateTicketBody) -> CommandReply:
    """Makes a ticket of the case, with its conversation so far attached."""
    return await order.send.on_case(order.asked, CreateTicket, case_id, body)


@post(router, "/v1/cases/{case_id}/claim", example=examples.ASSIGNED)
async def claim_case(
    order: AnOrder, case_id: CaseId, body: Annotated[EmptyBody | None, JsonBody()] = None
) -> CommandReply:
    """Gives a case that nobody owns to whoever asks."""
    return await order.send.on_case(order.asked, ClaimConversation, case_id, body or EmptyBody())


@post(router, "/v1/cases/{case_id}/accept", example=examples.ACCEPTED)
async def accept_case(
    order: AnOrder, case_id: CaseId, body: Annotated[EmptyBody | None, JsonBody()] = None
) -> CommandReply:
    """Takes a case that is offered to whoever asks."""
    return await order.send.on_case(order.asked, AcceptConversation, case_id, body or EmptyBody())


@post(router, "/v1/cases/{case_id}/decline", example=examples.RELEASED)
async def decline_case(order: AnOrder, case_id: CaseId, body: DeclineBody) -> CommandReply:
    """Leaves a case that is offered to somebody else: back to the queue."""
    return await order.send.on_case(order.asked, DeclineConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/transfer", example=examples.ASSIGNED)
async def transfer_case(order: AnOrder, case_id: CaseId, body: TransferBody) -> CommandReply:
    """Hands the case to somebody else; for its owner, or a lead."""
    return await order.send.on_case(order.asked, TransferConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/release", example=examples.RELEASED)
async def release_case(order: AnOrder, case_id: CaseId, body: ReleaseBody) -> CommandReply:
    """Gives the case back to the queue; no rule gives it to the same person again."""
    return await order.send.on_case(order.asked, ReleaseConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/deescalate", example=examples.DEESCALATED)
async def deescalate_case(order: AnOrder, case_id: CaseId, body: DeescalateBody) -> CommandReply:
    """Takes the mark Escalated away, with a reason."""
    return await order.send.on_case(order.asked, DeescalateConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/tags", example=examples.TAGGED)
async def tag_case(order: AnOrder, case_id: CaseId, body: TagsBody) -> CommandReply:
    """Puts tags on the case and takes some off."""
    return await order.send.on_case(order.asked, TagConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/notes", status=MADE, example=examples.CASE_NOTE_MADE)
async def add_case_note(order: AnOrder, case_id: CaseId, body: AddCaseNoteBody) -> CommandReply:
    """Writes a note."""
    return await order.send.on_case(order.asked, AddCaseNote, case_id, body)


@post(router, "/v1/cases/{case_id}/reopen", example=examples.REOPENED)
async def reopen_case(order: AnOrder, case_id: CaseId, body: ReopenCaseBody) -> CommandReply:
    """Goes on with a closed case: with the owner it had if they are free, else from the queue."""
    return await order.send.on_case(order.asked, ReopenConversation, case_id, body)


@post(router, "/v1/cases/{case_id}/link", example=examples.CASE_LINKED)
async def link_case(order: AnOrder, case_id: CaseId, body: LinkBody) -> CommandReply:
    """Lets another case go on in the place of this one, because both are one customer's.

    What is said in either conversation belongs to that case from now on; this one, if it is open,
    is closed and tells where it went.
    """
    return await order.send.link_case(order.asked, case_id, body)


@post(router, "/v1/cases/{case_id}/messages", status=MADE, example=examples.MESSAGE_SENT)
async def send_message(
    order: AnOrder, desk: AtDesk, case_id: CaseId, body: SendMessageBody
) -> CommandReply:
    """Writes to the customer over WhatsApp: a text, template, file or reaction.

    Answers `status` `sent` with the `message_id` under which its delivery is told, or `sending`
    when WhatsApp takes longer: the history of the case then says how it ended.
    """
    address = AddressOf(desk.wiring.log, desk.caller, body)
    return await order.send.on_case(order.asked, SendMessage, case_id, body, address)
