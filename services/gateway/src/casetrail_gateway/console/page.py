"""The only way to a page with data: a route that returns a `Read`, like those of the API.

Who is not signed in is sent to the sign-in page. The look is recorded before the page is made,
by the same `AccessBeforeAnswer` as everywhere. A fault becomes a page that says what to do.
"""

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from casetrail_contracts.api import Problem
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from casetrail_gateway.api.events import EventStreamResponse
from casetrail_gateway.api.problems import MEDIA_TYPE, PREFIX, status_of_fault
from casetrail_gateway.api.reads import OPERATIONAL, download
from casetrail_gateway.api.wiring import Wiring, wiring_of
from casetrail_gateway.console.session import COOKIE, Session, Sessions
from casetrail_gateway.console.templates import Templates
from casetrail_gateway.console.words import Words, language_of
from casetrail_gateway.domain.errors import Fault
from casetrail_gateway.domain.evidence import EvidenceFile
from casetrail_gateway.domain.people import PERMITTED, Caller
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.live import LiveFeed
from casetrail_gateway.use_cases.looking import AccessBeforeAnswer, Look, Read

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one signed-in person."""

    request: Request
    session: Session
    wiring: Wiring
    words: Words

    @property
    def caller(self) -> Caller:
        """Who is signed in."""
        return self.session.caller

    @property
    def correlation_id(self) -> str:
        """The id of this request's chain."""
        return str(self.request.scope["state"]["correlation_id"])

    @property
    def finder(self) -> Finder:
        """Finds cases and tickets for the caller."""
        return Finder(self.wiring.log, self.wiring.stream, self.wiring.patience)


class Together:
    """Several reads shown on one page: one look is recorded, the first one's, and all answer."""

    def __init__(self, tell: Callable[..., Context], first: Read[Any], *others: Read[Any]) -> None:
        self._tell = tell
        self._reads = (first, *others)

    async def look(self) -> Look:
        """The first one's look; refused when any of them is."""
        looks = [await read.look() for read in self._reads]
        fault = next((look.fault for look in looks if look.fault is not None), None)
        return replace(looks[0], fault=fault)

    async def answer(self) -> Context:
        """What the page shows."""
        return self._tell(*[await read.answer() for read in self._reads])


class Pages:
    """Pages of the console; `app.state.console` has its parts."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)

    def get(
        self, path: str, template: str | None, *, like: str
    ) -> Callable[[Callable[..., Read[Any]]], Callable[..., Read[Any]]]:
        """Registers a page for who may `GET` the API path `like`; without a template it is JSON."""
        roles = PERMITTED["GET", like]

        def register(ask: Callable[..., Read[Any]]) -> Callable[..., Read[Any]]:
            async def page(request: Request) -> Response:
                console = console_of(request)
                visit = console.visit(request)
                if visit is None:
                    return console.to_sign_in(request)
                give = AccessBeforeAnswer(visit.wiring.stream, visit.wiring.clock)
                try:
                    read = ask(visit, **_asked(ask, request))
                    if like in OPERATIONAL:
                        context = await read.answer()
                    else:
                        context = await give(
                            visit.caller,
                            read,
                            permitted=visit.caller.role in roles,
                            correlation_id=visit.correlation_id,
                        )
                except Fault as fault:
                    if template is None:
                        return _problem(fault)
                    return console.fault_page(visit, fault)
                return _answer(console, visit, template, context)

            self.router.add_api_route(path, page, methods=["GET"], name=ask.__name__)
            return ask

        return register


def _answer(console: "Console", visit: Visit, template: str | None, context: Any) -> Response:
    """What a read answers, as a page, a download, a stream or JSON."""
    if isinstance(context, EvidenceFile):
        return download(context)
    if isinstance(context, LiveFeed):
        return EventStreamResponse(context.pieces)
    return JSONResponse(context) if template is None else console.page(visit, template, context)


def _asked(ask: Callable[..., Any], request: Request) -> dict[str, str]:
    """What the page takes of the path and the query; the query's empty fields count as absent."""
    known = set(inspect.signature(ask).parameters) - {"visit"}
    query = {name: value for name, value in request.query_params.items() if value.strip()}
    return {name: v for name, v in {**query, **request.path_params}.items() if name in known}


def _problem(fault: Fault) -> Response:
    status = status_of_fault(fault)
    title = HTTPStatus(status).phrase
    body = Problem(type=PREFIX + fault.slug, title=title, status=status, detail=fault.detail)
    return Response(body.model_dump_json(), status, media_type=MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that every page needs."""

    sessions: Sessions
    templates: Templates

    def visit(self, request: Request) -> Visit | None:
        """The visit of a signed-in person; None for anybody else."""
        session = self.sessions.read(request.cookies.get(COOKIE), time.time())
        if session is None:
            return None
        return Visit(request, session, wiring_of(request), Words.of(language_of(request)))

    def page(
        self, visit: Visit, template: str, context: Mapping[str, Any], status: int = 200
    ) -> Response:
        """A page of the console for a person who is signed in."""
        shown = {
            "caller": visit.caller,
            "form_token": self.sessions.form_token(visit.session),
            "path": visit.request.url.path,
            "said": visit.request.query_params.get("said"),
            "new_key": visit.wiring.clock.new_id,
            "now": visit.wiring.clock.now(),
            **context,
        }
        return html(self.templates.render(template, visit.words, shown), status)

    def part(self, visit: Visit, template: str, context: Mapping[str, Any]) -> str:
        """A piece of a page that a script puts into it."""
        return self.templates.render(template, visit.words, {"caller": visit.caller, **context})

    def fault_page(self, visit: Visit, fault: Fault) -> Response:
        """What is in the way, and what to do."""
        status = status_of_fault(fault)
        context = {"status": status, "detail": fault.detail}
        return self.page(visit, "fault.html", context, status)

    def to_sign_in(self, request: Request) -> Response:
        """The way to the sign-in page, and back to here afterwards."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", HTTPStatus.SEE_OTHER)


def console_of(request: Request) -> Console:
    """The console of the application that serves this request."""
    console: Console = request.app.state.console
    return console


def html(text: str, status: int = 200) -> Response:
    """A page with the headers that keep everything foreign out."""
    # With "no-referrer" a browser hides where a form came from, and no form could be told as ours.
    headers = {"Content-Security-Policy": CSP, "Referrer-Policy": "same-origin"}
    return HTMLResponse(text, status, headers=headers)
