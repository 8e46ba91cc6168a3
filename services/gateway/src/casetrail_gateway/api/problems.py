"""Facts to HTTP: the one table of statuses, and `application/problem+json` for every error."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from casetrail_contracts import CommandReply
from casetrail_contracts.api import Conflict, Problem, ProblemField
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from casetrail_gateway.domain import errors
from casetrail_gateway.domain.errors import Fault, MovedOn

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "urn:casetrail:problem:"

_FAULTS: Final[tuple[tuple[type[Fault], int], ...]] = (
    (errors.NotFound, 404),
    (errors.NotPermitted, 403),
    (errors.CursorMalformed, 400),
    (errors.QueryNotUnderstood, 400),
    (errors.FilterNotAvailable, 400),
    (errors.HeaderMalformed, 400),
    (errors.PreconditionNotAvailable, 400),
    (errors.MovedOn, 409),
    (errors.AccessNotRecorded, 503),
    (errors.LogUnavailable, 503),
    (errors.StreamUnavailable, 503),
    (errors.TreeInconsistent, 500),
    (errors.CustomerUnreachable, 409),
    (errors.EvidenceNotReady, 503),
    (errors.EvidenceTooLarge, 422),
    (errors.BadDisclosure, 422),
    (errors.NoSuchFields, 422),
    (errors.EvidenceArchived, 409),
    (errors.ShiftNotEnded, 409),
    (errors.LetterOfAnother, 409),
    (errors.ThroughOutside, 422),
    (errors.ReviewState, 409),
    (errors.ScoresInvalid, 422),
    (errors.CitesInvalid, 422),
    (errors.PopulationTooLarge, 422),
    (errors.LogBehind, 503),
    (errors.OutcomeUnknown, 504),
)
_REJECTED: Final[dict[str, int]] = {
    "version-conflict": 409,
    "held": 409,
    "second-person-needed": 409,
    "transition-not-allowed": 409,
    "resolution-note-missing": 422,
    "not-permitted": 403,
    "case-not-current": 409,
    "case-closed": 409,
    "sending-not-configured": 409,
    "message-unreachable": 503,
    "message-unknown": 504,
    "owner-at-capacity": 409,
    "not-offered": 409,
    "user-exists": 409,
    "user-unchanged": 409,
    "user-deactivated": 409,
    "owner-deactivated": 409,
    "shift-already-started": 409,
    "shift-not-started": 409,
    "shift-not-ended": 409,
    "letter-failed-again": 409,
    "letter-no-event": 409,
    "letter-of-another": 409,
    "letter-without-bytes": 409,
    "handover-not-opened": 409,
}
_FAILED: Final[dict[str, int]] = {
    "invalid": 400,
    "unavailable": 503,
    "idempotency-key-reused": 422,
}
_HTTP: Final[dict[int, tuple[str, str]]] = {
    400: ("request-malformed", "The request cannot be read."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take that method; see the Allow header."),
    413: ("body-too-large", "The body is longer than any command."),
    415: ("media-type-not-supported", "Send application/json."),
}


def status_of_fault(fault: Fault) -> int:
    """The HTTP status of a fault of the gateway."""
    return next(status for kind, status in _FAULTS if isinstance(fault, kind))


def status_of_reply(reply: CommandReply) -> int:
    """The HTTP status of a reply that is not ok."""
    code = reply.code or ""
    if reply.status == "failed":
        return _FAILED.get(code, 500)
    if code.endswith("-not-found"):
        return 404
    if code.startswith("already-"):
        return 409
    return _REJECTED.get(code, 422)


def problem(
    request_id: str | None,
    status: int,
    slug: str,
    detail: str,
    *,
    errors: Sequence[ProblemField] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An RFC 9457 answer: `type` is stable, `detail` says what to do."""
    body = _body(request_id, status, slug, detail, errors)
    return _response(body, headers)


def _body(
    request_id: str | None,
    status: int,
    slug: str,
    detail: str,
    errors: Sequence[ProblemField] = (),
) -> Problem:
    return Problem(
        type=PREFIX + slug,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_printable(detail),
        request_id=request_id,
        errors=list(errors),
    )


def _response(body: Problem, headers: Mapping[str, str] | None = None) -> Response:
    extra = dict(headers or {})
    if body.status == HTTPStatus.SERVICE_UNAVAILABLE:
        extra.setdefault("Retry-After", "2")
    return Response(body.model_dump_json(), body.status, extra, media_type=MEDIA_TYPE)


def request_id_of(request: Request) -> str | None:
    """The id the middleware gave this request."""
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found


def reply_problem(request: Request, reply: CommandReply) -> Response:
    """The answer to a command that was rejected or failed."""
    code = reply.code or reply.status
    detail = reply.detail or "The service gave no reason."
    if reply.status == "failed" and code == "internal":
        detail = (
            "The service could not judge the command; nothing is known to be done. "
            "Repeat it with the same Idempotency-Key."
        )
    return problem(request_id_of(request), status_of_reply(reply), code, detail)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem."""
    app.add_exception_handler(Fault, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)
    if isinstance(error, MovedOn):
        body = _body(request_id_of(request), status_of_fault(error), error.slug, error.detail)
        changed = None if error.changed is None else list(error.changed)
        return _response(Conflict(**body.model_dump(), version=error.version, changed=changed))
    fields = []
    if isinstance(error, errors.QueryNotUnderstood) and error.at is not None:
        fields = [ProblemField(where=f"query.q[{error.at}]", problem=_printable(error.detail))]
    status = status_of_fault(error)
    return problem(request_id_of(request), status, error.slug, error.detail, errors=fields)


async def _on_invalid(request: Request, error: Exception) -> Response:
    """A path that no thing can have is 404; a faulty body, query or header is 422."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"] and fault["loc"][0] == "path" for fault in faults):
        return problem(
            request_id_of(request), 404, "not-found", "There is nothing with an id like this."
        )
    fields = [_field(fault) for fault in faults[:20]]
    detail = "; ".join(f"{field.where}: {field.problem}" for field in fields[:3])
    return problem(
        request_id_of(request), 422, "request-invalid", detail or "invalid", errors=fields
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = _HTTP.get(error.status_code)
    slug, detail = known if known is not None else (_slug(error.status_code), str(error.detail))
    return problem(
        request_id_of(request), error.status_code, slug, detail, headers=error.headers or {}
    )


def _field(fault: Mapping[str, Any]) -> ProblemField:
    where = ".".join(str(part) for part in fault["loc"]) or "request"
    if fault["type"] == "json_invalid":
        return ProblemField(where="body", problem="is not JSON")
    return ProblemField(where=_printable(where), problem=_printable(str(fault["msg"])))


def _printable(text: str) -> str:
    """The text without lone surrogates, which JSON in UTF-8 cannot carry."""
    return text.encode("utf-8", "backslashreplace").decode()[:1000]


def _slug(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-")
