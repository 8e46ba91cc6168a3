"""How a path that changes something is made: one command sent, its reply the answer."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from casetrail_contracts import CommandReply
from casetrail_contracts.api import CommandAnswer
from casetrail_contracts.commands import Body
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from casetrail_gateway.api.desk import AtConditions, AtDesk
from casetrail_gateway.api.problems import MEDIA_TYPE, reply_problem
from casetrail_gateway.api.reads import etag_of, problems, refuse_unknown_query
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.use_cases.commanding import Asked, SendCommand
from casetrail_gateway.use_cases.conflicts import TellChanges

CONFLICT: Final[dict[str, Any]] = {
    "description": "The state does not allow it, or the version of `If-Match` has moved on: then "
    "with what has changed since.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/Conflict"},
                    {"$ref": "#/components/schemas/Problem"},
                ]
            }
        }
    },
}
DONE: Final = 200
MADE: Final = 201
TAKEN: Final = 202


class EmptyBody(Body):
    """There is nothing to say."""


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody asks for something to be done."""

    asked: Asked
    send: SendCommand


async def _order(request: Request, desk: AtDesk, conditions: AtConditions) -> Order:
    wiring = desk.wiring
    roles = PERMITTED[request.method, request.scope["route"].path]
    asked = Asked(
        caller=desk.caller,
        permitted=desk.caller.role in roles,
        correlation_id=desk.correlation_id,
        idempotency_key=conditions.idempotency_key,
        expected_version=conditions.expected_version,
    )
    changes = TellChanges(wiring.log, wiring.stream, wiring.clock, wiring.patience)
    send = SendCommand(desk.finder, wiring.commands, wiring.stream, wiring.clock, changes)
    return Order(asked, send)


AnOrder = Annotated[Order, Depends(_order)]
Command = Callable[..., Awaitable[CommandReply]]


def post(
    router: APIRouter,
    path: str,
    *,
    status: int = DONE,
    example: Any = None,
    method: Literal["POST", "PATCH"] = "POST",
) -> Callable[[Command], Command]:
    """Registers an endpoint that returns a reply; the reply becomes the answer here."""
    assert (method, path) in PERMITTED

    def register(command: Command) -> Command:
        signature = inspect.signature(command)

        async def answered(request: Request, **asked: Any) -> Response:
            refuse_unknown_query(request)
            reply = await command(**asked)
            if reply.status != "ok":
                return reply_problem(request, reply)
            body = orjson.dumps({**reply.result, "version": reply.version}, default=str)
            return Response(body, status, etag_of(reply.version), "application/json")

        keyword = inspect.Parameter.KEYWORD_ONLY
        answered.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("request", keyword, annotation=Request),
                *(p.replace(kind=keyword) for p in signature.parameters.values()),
            ]
        )
        answered.__name__, answered.__doc__ = command.__name__, command.__doc__
        responses = problems(400, 401, 403, 404, 409, 422, 503, 504)
        responses[409] = CONFLICT
        good: dict[str, Any] = {"description": "Done."}
        if example is not None:
            good["content"] = {"application/json": {"example": example}}
        router.add_api_route(
            path,
            answered,
            methods=[method],
            status_code=status,
            response_model=CommandAnswer,
            responses={**responses, status: good},
        )
        return command

    return register
