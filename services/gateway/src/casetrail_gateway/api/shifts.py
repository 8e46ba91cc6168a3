"""Paths of the hand-over of a shift."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.api import HandoverAnswer
from casetrail_contracts.commands import (
    OpenHandover,
    OpenHandoverBody,
    SignHandover,
    SignHandoverBody,
)
from fastapi import APIRouter, Query
from fastapi import Body as JsonBody

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.orders import MADE, AnOrder, post
from casetrail_gateway.api.parameters import ShiftId
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.use_cases.handover import ReadHandover
from casetrail_gateway.use_cases.looking import Read

shifts = Reads("users")
router = APIRouter(tags=["users"])
_PATH = "/v1/shifts/{shift_id}/handover"


@shifts.get(_PATH, HandoverAnswer, example=examples.HANDOVER, also=(409,))
def read_handover(
    desk: AtDesk,
    *,
    shift_id: ShiftId,
    through: Annotated[
        int | None,
        Query(ge=1, lt=2**63, description="A record of the log; without it, all of the log."),
    ] = None,
) -> Read[HandoverAnswer]:
    """What became of the cases somebody held when their shift ended, and who signed it."""
    wiring = desk.wiring
    return ReadHandover(wiring.log, desk.finder, desk.caller, shift_id, through=through)


@post(router, _PATH, status=MADE, example=examples.HANDOVER_OPENED)
async def open_handover(
    order: AnOrder, shift_id: ShiftId, body: Annotated[OpenHandoverBody | None, JsonBody()] = None
) -> CommandReply:
    """Begins the hand-over of a shift that ended; `to` names the lead who takes over."""
    asked = OpenHandoverBody() if body is None else body
    return await order.send.on_shift(order.asked, OpenHandover, shift_id, asked)


@post(router, f"{_PATH}/sign", example=examples.HANDOVER_SIGNED)
async def sign_handover(order: AnOrder, shift_id: ShiftId, body: SignHandoverBody) -> CommandReply:
    """Signs what was read, up to its `through`; the second of two leads completes it."""
    return await order.send.on_shift(order.asked, SignHandover, shift_id, body)
