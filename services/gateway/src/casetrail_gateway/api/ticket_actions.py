"""Paths that change a ticket."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    AddTicketNote,
    AddTicketNoteBody,
    AssignTicket,
    AssignTicketBody,
    ChangeTicketPriority,
    ChangeTicketPriorityBody,
    ChangeTicketStatus,
    ChangeTicketStatusBody,
    ChaseTicket,
    ChaseTicketBody,
    CloseTicket,
    CloseTicketBody,
    HandOffTicket,
    HandOffTicketBody,
    LinkTicketBody,
    ReopenTicket,
    ReopenTicketBody,
    ResolveTicket,
    ResolveTicketBody,
)
from fastapi import APIRouter
from fastapi import Body as JsonBody

from casetrail_gateway.api import examples
from casetrail_gateway.api.orders import MADE, AnOrder, post
from casetrail_gateway.api.parameters import TicketId

router = APIRouter(tags=["tickets"])


@post(router, "/v1/tickets/{ticket_id}/status", example=examples.TICKET_MOVED)
async def change_ticket_status(
    order: AnOrder, ticket_id: TicketId, body: ChangeTicketStatusBody
) -> CommandReply:
    """Moves the ticket; resolving, closing and reopening have paths of their own."""
    return await order.send.on_ticket(order.asked, ChangeTicketStatus, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/assign", example=examples.TICKET_MOVED)
async def assign_ticket(
    order: AnOrder, ticket_id: TicketId, body: AssignTicketBody
) -> CommandReply:
    """Gives the ticket to somebody, or to nobody; its case keeps its owner."""
    return await order.send.on_ticket(order.asked, AssignTicket, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/priority", example=examples.TICKET_MOVED)
async def change_ticket_priority(
    order: AnOrder, ticket_id: TicketId, body: ChangeTicketPriorityBody
) -> CommandReply:
    """Says how urgent the ticket is."""
    return await order.send.on_ticket(order.asked, ChangeTicketPriority, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/link", example=examples.TICKET_MOVED)
async def link_ticket(order: AnOrder, ticket_id: TicketId, body: LinkTicketBody) -> CommandReply:
    """Ties the ticket to another case it concerns, or to another ticket."""
    return await order.send.link(order.asked, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/handoff", example=examples.TICKET_MOVED)
async def hand_off_ticket(
    order: AnOrder, ticket_id: TicketId, body: HandOffTicketBody
) -> CommandReply:
    """Gives the ticket to somebody outside, usually the courier."""
    return await order.send.on_ticket(order.asked, HandOffTicket, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/chase", example=examples.TICKET_MOVED)
async def chase_ticket(order: AnOrder, ticket_id: TicketId, body: ChaseTicketBody) -> CommandReply:
    """Notes that whoever outside has the ticket was asked where it stays, and their promise."""
    return await order.send.on_ticket(order.asked, ChaseTicket, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/notes", status=MADE, example=examples.NOTE_MADE)
async def add_ticket_note(
    order: AnOrder, ticket_id: TicketId, body: AddTicketNoteBody
) -> CommandReply:
    """Writes a note."""
    return await order.send.on_ticket(order.asked, AddTicketNote, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/resolve", example=examples.TICKET_MOVED)
async def resolve_ticket(
    order: AnOrder, ticket_id: TicketId, body: ResolveTicketBody
) -> CommandReply:
    """Resolves the ticket; the note says how it ended and is required."""
    return await order.send.on_ticket(order.asked, ResolveTicket, ticket_id, body)


@post(router, "/v1/tickets/{ticket_id}/close", example=examples.TICKET_MOVED)
async def close_ticket(
    order: AnOrder, ticket_id: TicketId, body: Annotated[CloseTicketBody | None, JsonBody()] = None
) -> CommandReply:
    """Closes the ticket; one that is not resolved yet needs the resolution note here."""
    return await order.send.on_ticket(
        order.asked, CloseTicket, ticket_id, CloseTicketBody() if body is None else body
    )


@post(router, "/v1/tickets/{ticket_id}/reopen", example=examples.TICKET_MOVED)
async def reopen_ticket(
    order: AnOrder, ticket_id: TicketId, body: ReopenTicketBody
) -> CommandReply:
    """Goes on with a resolved or closed ticket."""
    return await order.send.on_ticket(order.asked, ReopenTicket, ticket_id, body)
