"""Paths that change people and their shifts."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    CreateUserBody,
    EndShift,
    StartShift,
    StartShiftBody,
)
from fastapi import APIRouter
from fastapi import Body as JsonBody

from casetrail_gateway.api import examples
from casetrail_gateway.api.orders import MADE, AnOrder, EmptyBody, post
from casetrail_gateway.api.parameters import UserId

router = APIRouter(tags=["users"])


@post(router, "/v1/users", status=MADE, example=examples.USER_MADE)
async def create_user(order: AnOrder, body: CreateUserBody) -> CommandReply:
    """Adds a person; a lead adds agents, an admin anybody."""
    return await order.send.create_user(order.asked, body)


@post(router, "/v1/users/{user_id}/shift/start", example=examples.SHIFT)
async def start_shift(
    order: AnOrder, user_id: UserId, body: Annotated[StartShiftBody | None, JsonBody()] = None
) -> CommandReply:
    """Puts a person on duty: from now on cases are assigned to them."""
    return await order.send.on_shift(order.asked, StartShift, user_id, body)


@post(router, "/v1/users/{user_id}/shift/end", example=examples.SHIFT)
async def end_shift(
    order: AnOrder, user_id: UserId, body: Annotated[EmptyBody | None, JsonBody()] = None
) -> CommandReply:
    """Takes a person off duty: they get no new cases."""
    return await order.send.on_shift(order.asked, EndShift, user_id, body)
