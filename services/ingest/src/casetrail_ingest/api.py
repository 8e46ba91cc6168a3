"""The webhook endpoint: 200 means every item of the body is safe.

Answers: 200 stored in the stream, or synced to the spool while the stream is away; 400 an
incomplete handshake; 401 no or a wrong signature; 403 a wrong verify token; 413 longer than
WhatsApp sends; 503 not stored, try again. WhatsApp repeats whatever is not answered 200.
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Annotated, Final

import structlog
from casetrail_runtime.publisher import NotStored
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from casetrail_ingest.domain.signature import (
    SignatureMissing,
    SignatureWrong,
    check_signature,
    token_is_known,
)
from casetrail_ingest.ports import SpoolFull
from casetrail_ingest.settings import IngestSettings
from casetrail_ingest.use_cases.take_webhook import Taken, TakeWebhook

log: Final = structlog.get_logger()
PROBLEM: Final = "application/problem+json"


class BodyTooLarge(Exception):
    """The body is longer than any webhook."""


PATH: Final = "/webhooks/whatsapp"
Receive = Callable[[Request], Awaitable[Response]]


def webhook_router(settings: IngestSettings, receive: Receive) -> APIRouter:
    """`GET` and `POST /webhooks/whatsapp`; `receive` answers the latter."""
    router = APIRouter(prefix=PATH, tags=["webhooks"])
    tokens = [token.get_secret_value().encode() for token in settings.verify_tokens]

    @router.get("", response_class=PlainTextResponse)
    async def handshake(
        mode: Annotated[str | None, Query(alias="hub.mode")] = None,
        token: Annotated[str | None, Query(alias="hub.verify_token")] = None,
        challenge: Annotated[str | None, Query(alias="hub.challenge")] = None,
    ) -> Response:
        """The challenge, when the verify token is one of ours."""
        if mode != "subscribe" or token is None or challenge is None:
            return problem(
                400,
                "handshake-incomplete",
                "A handshake has hub.mode=subscribe, hub.verify_token and hub.challenge.",
            )
        if not token_is_known(token, tokens):
            log.warning("handshake_refused")
            return problem(403, "verify-token-unknown", "The verify token is not one of ours.")
        return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})

    router.add_api_route("", receive, methods=["POST"])
    return router


def webhook_receiver(settings: IngestSettings, take_webhook: TakeWebhook) -> Receive:
    """What answers a POST of a webhook."""
    secrets = [secret.get_secret_value().encode() for secret in settings.app_secrets]

    async def receive(request: Request) -> Response:
        """How many events the body became, once all of them are stored."""
        try:
            body = await read_body(request, settings.max_body_bytes)
        except (BodyTooLarge, ClientDisconnect) as fault:
            return unread(fault, settings.max_body_bytes)
        try:
            check_signature(body, signature_of(request), secrets)
        except SignatureMissing:
            log.warning("signature_missing", size=len(body))
            return problem(401, "signature-missing", "X-Hub-Signature-256: sha256=<hex> is needed.")
        except SignatureWrong:
            log.warning("signature_wrong", size=len(body))
            return problem(401, "signature-wrong", "No configured app secret signed this body.")
        try:
            taken = await take_webhook(body)
        except NotStored as error:
            log.warning("webhook_not_stored", reason=error.reason, size=len(body))
            return problem(
                503, "not-stored", "The event stream did not take it; send it again.", retry_after=2
            )
        except SpoolFull as error:
            log.critical("webhook_not_spooled", reason=str(error), size=len(body))
            return problem(
                503,
                "spool-full",
                "The event stream is away and the spool takes no more; send it again.",
                retry_after=30,
            )
        return accepted(taken)

    return receive


@lru_cache(maxsize=1_000)  # most say one event, no duplicate
def accepted(taken: Taken) -> Response:
    """The answer to a webhook that is safe; it holds nothing of the request, so it serves many."""
    answer = {"events": taken.events, "duplicates": taken.duplicates}
    return JSONResponse(answer if not taken.spooled else {**answer, "spooled": taken.spooled})


async def read_body(request: Request, limit: int) -> bytes:
    """The body's bytes as they came.

    Raises:
        BodyTooLarge: by the announced length, or as soon as more arrives than allowed.
    """
    announced = header(request, b"content-length")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def signature_of(request: Request) -> str | None:
    """The signature that a webhook came with."""
    return header(request, b"x-hub-signature-256").decode("latin-1") or None


def unread(fault: BodyTooLarge | ClientDisconnect, limit: int) -> Response:
    """The answer to a body that was not read to its end."""
    if isinstance(fault, BodyTooLarge):
        return problem(413, "body-too-large", f"At most {limit} bytes are taken.")
    return problem(400, "body-cut-off", "The body ended before it was whole: send it again.")


def header(request: Request, name: bytes) -> bytes:
    """The header of this name, in lower case; empty when there is none."""
    headers: list[tuple[bytes, bytes]] = request.scope["headers"]
    return next((value for key, value in headers if key == name), b"")


def problem(status: int, slug: str, detail: str, *, retry_after: int | None = None) -> Response:
    """An RFC 9457 problem; `type` is stable, `detail` says what to do."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    content = {"type": f"urn:casetrail:problem:{slug}", "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type=PROBLEM)
