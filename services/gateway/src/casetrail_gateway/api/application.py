"""The HTTP application: every router, every guard, no clients."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from casetrail_contracts.api import Conflict, Problem
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from casetrail_gateway.api import (
    bulk,
    case_actions,
    cases,
    customers,
    evidence,
    export,
    figures,
    letters,
    live,
    log_proofs,
    pages,
    people_actions,
    privacy,
    privacy_actions,
    problems,
    records,
    reviews,
    shifts,
    ticket_actions,
    views,
)
from casetrail_gateway.api.gate import Gate
from casetrail_gateway.api.reads import every_read_is_recorded

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION = """\
Who did what, when and why, in a support operation on WhatsApp: cases, tickets, people, and the log
itself.

Every read of a case is recorded before it is answered. Errors are `application/problem+json` with
a stable `type`. Cursors are opaque. Commands take an `Idempotency-Key`: the same key again answers
the same result. `complete_through` says up to which sequence of the log an answer is complete."""

_CORS_SENT = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    *("Last-Event-ID", "X-Request-Id", "traceparent"),
)
_CORS_SEEN = ("ETag", "Retry-After", "X-Complete-Through", "X-Request-Id", "Content-Disposition")
_TAGS = [
    {"name": "cases", "description": "Episodes of a conversation with one customer."},
    {"name": "tickets", "description": "Work that a case needs."},
    {"name": "conversations", "description": "Everything with one customer, over all cases."},
    {"name": "customers", "description": "Who wrote; masked unless revealed for a purpose."},
    {"name": "records", "description": "The log, one record for each place of the stream."},
    {"name": "views", "description": "Saved searches."},
    {"name": "users", "description": "People, their shifts and what they did."},
    {"name": "reviews", "description": "Quality reviews, samples and coaching sets."},
    {"name": "figures", "description": "What people did, and cases and shifts side by side."},
    {"name": "privacy", "description": "Erasures, their certificates, and legal holds."},
    {"name": "log", "description": "How far the log is complete."},
    {"name": "dead letters", "description": "Messages that a service could not handle."},
]


def make_api(lifespan: Lifespan | None = None, cors_origins: Sequence[str] = ()) -> FastAPI:
    """The application; `app.state.wiring` has to be set before the first request of `/v1`."""
    app = FastAPI(
        title="Casetrail",
        version=version("casetrail-gateway"),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    for reads in (
        cases.cases,
        evidence.evidence,
        bulk.progress,
        cases.tickets,
        cases.conversations,
        customers.customers,
        records.records,
        live.live,
        export.export,
        views.views,
        records.users,
        shifts.shifts,
        reviews.reads,
        figures.figures,
        log_proofs.proofs,
        privacy.privacy,
        letters.reads,
    ):
        app.include_router(reads.router)
    app.include_router(records.log)
    app.include_router(log_proofs.log)
    for actions in (
        case_actions,
        bulk,
        ticket_actions,
        people_actions,
        shifts,
        privacy_actions,
        letters,
    ):
        app.include_router(actions.router)
    app.include_router(views.changes)
    app.include_router(reviews.changes)
    app.include_router(pages.router)
    every_read_is_recorded(app)
    _honest_openapi(app)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(Gate)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=_CORS_SENT,
            expose_headers=_CORS_SEEN,
            max_age=600,
        )
    return app


def _honest_openapi(app: FastAPI) -> None:
    """Puts the one shape of an error into the document, in place of the library's own for a 422."""
    make: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = make()
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        reference = "#/components/schemas/{model}"
        for model in (Problem, Conflict):
            schema = model.model_json_schema(ref_template=reference, mode="serialization")
            schemas.update({**schema.pop("$defs", {}), model.__name__: schema})
        return document

    app.openapi = openapi  # type: ignore[method-assign]
