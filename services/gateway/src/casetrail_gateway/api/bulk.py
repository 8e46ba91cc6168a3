"""Paths of one action on many tickets."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.api import BulkProgress
from casetrail_contracts.commands import BulkTicketsBody
from fastapi import APIRouter, Path

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.orders import TAKEN, AnOrder, post
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.use_cases.bulks import ReadBulkProgress
from casetrail_gateway.use_cases.looking import Read

router = APIRouter(tags=["tickets"])
progress = Reads("tickets")


@post(router, "/v1/tickets/bulk", status=TAKEN, example=examples.BULK_TAKEN)
async def change_many_tickets(order: AnOrder, body: BulkTicketsBody) -> CommandReply:
    """Does the same to up to 1,000 tickets, one event each; `GET` its progress at `bulk_id`."""
    return await order.send.on_many_tickets(order.asked, body)


@progress.get("/v1/tickets/bulk/{bulk_id}", BulkProgress, example=examples.BULK_PROGRESS)
def read_bulk(
    desk: AtDesk,
    bulk_id: Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=[examples.BULK_ID])],
) -> Read[BulkProgress]:
    """How far an action on many tickets is, and what became of each."""
    wiring = desk.wiring
    return ReadBulkProgress(wiring.commands, wiring.clock, desk.caller, bulk_id)
