"""What every request passes first: its id, its caller, and the headers of every answer.

Authentication stands here, in front of routing, so that no route can lack it and no body is read
for a stranger.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Final

import structlog
from casetrail_contracts.ids import derive_id
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casetrail_gateway.api.problems import problem
from casetrail_gateway.api.wiring import Wiring
from casetrail_gateway.domain.people import Caller

log: Final = structlog.get_logger()

GUARDED: Final = "/v1"
MAX_BODY: Final = 256 * 1024
"""Bytes: a note has at most 10,000 characters."""
_TOO_LARGE: Final = 413
_JWT_DOTS: Final = 2
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Gate:
    """ASGI middleware; the outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with `state.request_id`, `.correlation_id` and `.caller`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["correlation_id"] = _correlation_id(headers, request_id)
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    out.setdefault(name, value)
            await send(message)

        ids = {"request_id": request_id, "correlation_id": state["correlation_id"]}
        with structlog.contextvars.bound_contextvars(**ids):
            try:
                await self._admit(scope, headers, receive, answer)
            except Exception:
                log.exception("request_failed", path=_route(scope))
                if status is not None:
                    raise
                detail = "A fault of the gateway; it is in its log under this request id."
                await problem(request_id, 500, "internal", detail)(scope, receive, answer)
            log.debug("request answered", path=_route(scope), status=status)

    async def _admit(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        request_id = scope["state"]["request_id"]
        path: str = scope["path"]
        if path == GUARDED or path.startswith(f"{GUARDED}/"):
            wiring: Wiring = scope["app"].state.wiring
            scheme, _, token = headers.get("authorization", "").partition(" ")
            given = token.strip() if scheme.lower() == "bearer" else ""
            caller = await caller_of(wiring, given)
            if caller is None:
                await _stranger(request_id, named=bool(scheme))(scope, receive, send)
                return
            seconds = wiring.limit.wait_for(hashlib.sha256(given.encode()).hexdigest())
            if seconds:
                detail = f"This token asks more often than it may; again in {seconds} s."
                later = {"Retry-After": str(seconds)}
                refusal = problem(request_id, 429, "too-many-requests", detail, headers=later)
                await refusal(scope, receive, send)
                return
            scope["state"]["caller"] = caller
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > MAX_BODY:
            detail = f"At most {MAX_BODY} bytes are taken."
            await problem(request_id, 413, "body-too-large", detail)(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise HTTPException(_TOO_LARGE)
            return message

        await self._app(scope, limited, send)


async def caller_of(wiring: Wiring, token: str) -> Caller | None:
    """Who holds this token: by the tokens file, else by the issuer that signed it."""
    caller = wiring.tokens.holder_of(token) if token else None
    if caller is None and wiring.signed is not None and token.count(".") == _JWT_DOTS:
        caller = await wiring.signed.holder_of(token)
    return caller


def _stranger(request_id: str, *, named: bool) -> ASGIApp:
    """401, with the challenge of RFC 6750."""
    challenge = 'Bearer realm="casetrail"'
    if not named:
        detail = "Send Authorization: Bearer <token>."
        slug = "token-missing"
    else:
        detail = "This token is unknown or has expired; ask an administrator for another."
        slug = "token-invalid"
        challenge += ', error="invalid_token"'
    return problem(request_id, 401, slug, detail, headers={"WWW-Authenticate": challenge})


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def _correlation_id(headers: Headers, request_id: str) -> str:
    """The trace's id, or one derived from the request's.

    It becomes a public part of events, so nothing a caller can choose freely gets there verbatim.
    """
    trace = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if trace is not None and trace.group(1) != "0" * 32:
        return trace.group(1)
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        return derive_id("request", request_id)


def _route(scope: Scope) -> str:
    """The path template: an id in a path may be anything somebody typed."""
    return str(getattr(scope.get("route"), "path", "unrouted"))
