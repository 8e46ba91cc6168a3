"""Paths that change people, their shifts and their presence."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import (
    ChangePresence,
    ChangePresenceBody,
    CreateUserBody,
    DeactivateUser,
    DeactivateUserBody,
    EndShift,
    ReactivateUser,
    ReactivateUserBody,
    StartShift,
    StartShiftBody,
    UpdateUser,
    UpdateUserBody,
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


@post(router, "/v1/users/{user_id}", example=examples.USER_CHANGED, method="PATCH")
async def change_user(order: AnOrder, user_id: UserId, body: UpdateUserBody) -> CommandReply:
    """Changes what a person is called, does and can take; what is left out stays as it is."""
    return await order.send.on_user(order.asked, UpdateUser, user_id, body)


@post(router, "/v1/users/{user_id}/deactivate", example=examples.USER_DEACTIVATED)
async def deactivate_user(
    order: AnOrder, user_id: UserId, body: DeactivateUserBody
) -> CommandReply:
    """Takes a person out: their shift ends, their cases go back to the queue."""
    return await order.send.on_user(order.asked, DeactivateUser, user_id, body)


@post(router, "/v1/users/{user_id}/reactivate", example=examples.USER_REACTIVATED)
async def reactivate_user(
    order: AnOrder, user_id: UserId, body: Annotated[ReactivateUserBody | None, JsonBody()] = None
) -> CommandReply:
    """Lets a deactivated person have cases again."""
    return await order.send.on_user(order.asked, ReactivateUser, user_id, body)


@post(router, "/v1/users/{user_id}/presence", example=examples.PRESENCE)
async def change_presence(
    order: AnOrder, user_id: UserId, body: ChangePresenceBody
) -> CommandReply:
    """Says whether a person is at their desk; while they are not, no rule gives them a case."""
    return await order.send.on_own(order.asked, ChangePresence, user_id, body)


@post(router, "/v1/users/{user_id}/shift/start", example=examples.SHIFT)
async def start_shift(
    order: AnOrder, user_id: UserId, body: Annotated[StartShiftBody | None, JsonBody()] = None
) -> CommandReply:
    """Puts a person on duty: from now on cases are assigned to them."""
    return await order.send.on_own(order.asked, StartShift, user_id, body)


@post(router, "/v1/users/{user_id}/shift/end", example=examples.SHIFT)
async def end_shift(
    order: AnOrder, user_id: UserId, body: Annotated[EmptyBody | None, JsonBody()] = None
) -> CommandReply:
    """Takes a person off duty: they get no new cases."""
    return await order.send.on_own(order.asked, EndShift, user_id, body)
