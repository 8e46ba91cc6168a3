"""The only way to a `/v1` answer of the log: a route that returns a `Read`, never data.

`Reads.get` registers an endpoint that says what is asked for. Running it, recording the look first
and answering afterwards is done here, once, for all of them; `every_read_is_recorded` refuses to
start an application with a `GET /v1/…` that came another way.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from casetrail_gateway.api.desk import Desk
from casetrail_gateway.api.events import EventStreamResponse
from casetrail_gateway.api.problems import MEDIA_TYPE
from casetrail_gateway.domain.evidence import EvidenceFile
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.use_cases.exports import Export
from casetrail_gateway.use_cases.live import LiveFeed
from casetrail_gateway.use_cases.looking import AccessBeforeAnswer, Read

OPERATIONAL: Final = frozenset({"/v1/log/status"})
"""Figures of the log as a whole, read by monitoring every few seconds: nothing of any case."""
_MARK: Final = "__records_the_look__"
_PIECE: Final = 1 << 16
_FAULTS: Final = (400, 401, 403, 404, 422, 429, 503)


Answers = BaseModel | str | EvidenceFile | LiveFeed | Export


class Reads:
    """Routes whose answers are recorded before they are given."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag])

    def get(
        self, path: str, answers: type[Answers], *, example: Any = None, also: tuple[int, ...] = ()
    ) -> Callable[[Callable[..., Read[Any]]], Callable[..., Read[Any]]]:
        """Registers an endpoint with a parameter `desk` that returns a `Read` of `answers`.

        `also`: the statuses of faults that only this one knows.
        """
        return self._route("GET", path, answers, example, also)

    def post(
        self, path: str, answers: type[BaseModel], *, example: Any = None
    ) -> Callable[[Callable[..., Read[Any]]], Callable[..., Read[Any]]]:
        """The same for a read that has to be asked for with a body, as a purpose."""
        return self._route("POST", path, answers, example)

    def _route(
        self,
        method: str,
        path: str,
        answers: type[Answers],
        example: Any,
        also: tuple[int, ...] = (),
    ) -> Callable[[Callable[..., Read[Any]]], Callable[..., Read[Any]]]:
        roles = PERMITTED[method, path]
        made = _CLASSES.get(answers, JSONResponse)

        def register(ask: Callable[..., Read[Any]]) -> Callable[..., Read[Any]]:
            signature = inspect.signature(ask)

            async def recorded(request: Request, **asked: Any) -> Response:
                refuse_unknown_query(request)
                desk: Desk = asked["desk"]
                give = AccessBeforeAnswer(desk.wiring.stream, desk.wiring.clock)
                answer = await give(
                    desk.caller,
                    ask(**asked),
                    permitted=desk.caller.role in roles,
                    correlation_id=desk.correlation_id,
                )
                if not isinstance(answer, answers):
                    raise TypeError(f"{path} answered {type(answer).__name__}")
                if isinstance(answer, str):
                    return PlainTextResponse(answer)
                if isinstance(answer, EvidenceFile):
                    return download(answer)
                if isinstance(answer, LiveFeed):
                    return EventStreamResponse(answer.pieces)
                if isinstance(answer, Export):
                    return _export(answer)
                version = getattr(answer, "version", None)
                return _validated(request, answer.model_dump_json().encode(), version)

            parameters = [
                inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
                *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in _typed(signature)),
            ]
            recorded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
            recorded.__name__, recorded.__doc__ = ask.__name__, ask.__doc__
            setattr(recorded, _MARK, True)
            self.router.add_api_route(
                path,
                recorded,
                methods=[method],
                response_model=answers if issubclass(answers, BaseModel) else None,
                response_class=made,
                responses={
                    **problems(*_FAULTS, *also, example=example, media_type=made.media_type or ""),
                    **_FURTHER.get(answers, {}),
                },
            )
            return ask

        return register


def etag_of(version: int | None) -> dict[str, str]:
    """The header that names a version as `If-Match` takes it; none for what has no version."""
    return {} if version is None else {"ETag": f'"{version}"'}


class _Zip(StreamingResponse):
    media_type = "application/zip"


class _Lines(StreamingResponse):
    media_type = "text/csv"


class _Events(StreamingResponse):
    media_type = EventStreamResponse.media_type


_CLASSES: Final[dict[type, type[Response]]] = {
    str: PlainTextResponse,
    EvidenceFile: _Zip,
    LiveFeed: _Events,
    Export: _Lines,
}


_FURTHER: Final[dict[type, dict[int | str, dict[str, Any]]]] = {
    Export: {
        200: {
            "description": "The file; which of the types, `format` says.",
            "content": {
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": "seq,at,recorded_at,kind,action,summary,…",
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    }
}
"""Answers of more than one type."""


def _validated(request: Request, body: bytes, version: int | None) -> Response:
    """The answer, or 304 when the client has these very bytes; the look is recorded either way.

    The tag of a thing with a version begins with it, so that it goes into an `If-Match` as it is.
    """
    digest = hashlib.sha256(body).hexdigest()[:32]
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    known = request.headers.get("if-none-match", "")
    if tag in {each.strip().removeprefix("W/") for each in known.split(",")}:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, headers={"ETag": tag}, media_type="application/json")


def _export(answer: Export) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{answer.name}"',
        "X-Complete-Through": str(answer.through),
    }
    return _Lines(answer.pieces, headers=headers, media_type=answer.media_type)


def download(answer: EvidenceFile) -> Response:
    """The file, streamed under its name and closed at the end."""
    headers = {
        "Content-Length": str(answer.size),
        "Content-Disposition": f'attachment; filename="{answer.name}"',
    }
    return _Zip(_pieces(answer.file), headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while data := file.read(_PIECE):
            yield data


def _typed(signature: inspect.Signature) -> Iterable[inspect.Parameter]:
    parameters = list(signature.parameters.values())
    if "desk" not in signature.parameters:
        raise TypeError("an endpoint that reads takes a parameter named desk")
    return parameters


def problems(
    *statuses: int, example: Any = None, media_type: str = "application/json"
) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, and an example of the good one, for OpenAPI."""
    found: dict[int | str, dict[str, Any]] = {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
    if example is not None:
        found[200] = {"content": {media_type: {"example": example}}}
    return found


_MEANINGS: Final = {
    400: "A cursor, search or header that cannot be read.",
    401: "No token, or one that is unknown or expired.",
    403: "Not for this role, or a case that is somebody else's; the attempt is recorded.",
    404: "No such thing in this workspace.",
    429: "More often than this token may; `Retry-After` says when again.",
    409: "The state does not allow it, or the version has moved on.",
    422: "A value that is not allowed; `errors` names each.",
    500: "What is stored contradicts itself; `detail` says what.",
    503: "Not now: the look cannot be recorded, or the log does not answer. Nothing was given out.",
    504: "The service did not answer in time: the outcome is unknown. "
    "Repeat with the same Idempotency-Key.",
}


def refuse_unknown_query(request: Request) -> None:
    """Nothing; a parameter nobody knows, or one given twice, is an error and not ignored.

    A filter with a typing mistake would otherwise show everything and look like an answer.
    """
    route = request.scope["route"]
    known = {
        parameter.alias
        for dependant in (route.dependant, *route.dependant.dependencies)
        for parameter in dependant.query_params
    }
    faults = []
    for name in dict.fromkeys(request.query_params):
        if name not in known:
            message = f"is not known here; known are {', '.join(sorted(known)) or 'none'}"
            faults.append({"loc": ("query", name), "type": "unknown", "msg": message})
        elif len(request.query_params.getlist(name)) > 1:
            faults.append({"loc": ("query", name), "type": "repeated", "msg": "is given twice"})
    if faults:
        raise RequestValidationError(faults)


def every_read_is_recorded(app: FastAPI) -> None:
    """Nothing, or `RuntimeError` naming the routes that would answer without a record."""
    bare = [path for path, route in guarded_reads(app.routes) if not _is_recorded(route)]
    if bare:
        raise RuntimeError(f"routes that would answer without a record: {', '.join(bare)}")


def guarded_reads(routes: Iterable[BaseRoute]) -> list[tuple[str, APIRoute]]:
    """The `GET /v1/…` routes with their paths."""
    return [
        (route.path, route)
        for route in routes
        if isinstance(route, APIRoute)
        and route.path.startswith("/v1")
        and "GET" in (route.methods or ())
    ]


def _is_recorded(route: APIRoute) -> bool:
    return route.path in OPERATIONAL or getattr(route.endpoint, _MARK, False)
