"""The console put on the gateway's application."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from casetrail_gateway.console import (
    case_pages,
    desk_pages,
    figure_pages,
    posting,
    quality_pages,
    reviewing,
    saving,
)
from casetrail_gateway.console.page import Console, console_of
from casetrail_gateway.console.session import Sessions
from casetrail_gateway.console.templates import STATIC, Templates, static_file
from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.ports import Tokens

_FOR_GOOD: Final = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


def add_console(app: FastAPI) -> None:
    """Adds the pages; `open_console` has to be called before the first request."""
    for pages in (
        router,
        posting.router,
        case_pages.pages.router,
        desk_pages.pages.router,
        figure_pages.pages.router,
        quality_pages.pages.router,
        reviewing.router,
        saving.router,
    ):
        app.include_router(pages)


def open_console(app: FastAPI, tokens: Tokens, session_key: bytes) -> None:
    """Gives the pages what they work with."""
    app.state.console = Console(Sessions(session_key, tokens), Templates())


@router.get("/")
async def start(request: Request) -> Response:
    """Where everybody begins: the cases, or the way in."""
    signed_in = console_of(request).visit(request) is not None
    return RedirectResponse("/cases" if signed_in else "/sign-in", HTTPStatus.SEE_OTHER)


@router.get("/find")
async def find(request: Request) -> Response:
    """What the search box asks for: one thing by its number, or a list."""
    place = case_pages.looked_for(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(place or f"/cases{query}", HTTPStatus.SEE_OTHER)


@router.get("/static/{digest}/{name}")
async def static(request: Request, digest: str, name: str) -> Response:
    """A style, script or picture; its address changes with it, so a browser keeps it for good."""
    if name not in STATIC:
        visit = console_of(request).visit(request)
        if visit is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        fault = NotFound("file", f"There is no file {name[:80]} ({digest[:12]}).")
        return console_of(request).fault_page(visit, fault)
    content, media_type = static_file(name)
    return Response(content, media_type=media_type, headers={"Cache-Control": _FOR_GOOD})
