"""Paths of erasures and legal holds that change something."""

from casetrail_contracts import CommandReply
from casetrail_contracts.privacy_commands import (
    Erase,
    ErasureBody,
    HoldBody,
    HoldReleaseBody,
    PlaceHold,
    ReleaseHold,
)
from fastapi import APIRouter

from casetrail_gateway.api import examples
from casetrail_gateway.api.orders import MADE, TAKEN, AnOrder, post
from casetrail_gateway.api.parameters import HoldId

router = APIRouter(tags=["privacy"])


@post(router, "/v1/privacy/erasures", status=TAKEN, example=examples.ERASURE_TAKEN)
async def erase(order: AnOrder, body: ErasureBody) -> CommandReply:
    """Erases what is personal in a case, of a customer, or of a record; refused under a hold."""
    return await order.send.on_privacy(order.asked, Erase, body)


@post(router, "/v1/privacy/holds", status=MADE, example=examples.HOLD_PLACED)
async def place_hold(order: AnOrder, body: HoldBody) -> CommandReply:
    """Places a legal hold: nothing in the scope is erased until two people release it."""
    return await order.send.on_privacy(order.asked, PlaceHold, body)


@post(router, "/v1/privacy/holds/{hold_id}/release", example=examples.HOLD_RELEASE)
async def release_hold(order: AnOrder, hold_id: HoldId, body: HoldReleaseBody) -> CommandReply:
    """Asks for the release of a hold; a second person who asks as well releases it."""
    return await order.send.on_privacy(order.asked, ReleaseHold, body, hold_id)
