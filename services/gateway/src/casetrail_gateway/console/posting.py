"""Forms in: signing in and out, the language, and every action of `acting`."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import CreateTicket, LinkConversation, SendMessage
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from casetrail_gateway.api.orders import EmptyBody
from casetrail_gateway.api.problems import status_of_fault, status_of_reply
from casetrail_gateway.api.wiring import wiring_of
from casetrail_gateway.console import acting
from casetrail_gateway.console.page import Console, Visit, console_of, html
from casetrail_gateway.console.session import COOKIE, LASTS
from casetrail_gateway.console.words import COOKIE as LANGUAGE_COOKIE
from casetrail_gateway.console.words import LANGUAGES, Words, language_of
from casetrail_gateway.domain.errors import Fault, MovedOn, NotFound, NotPermitted
from casetrail_gateway.use_cases.addressing import AddressOf
from casetrail_gateway.use_cases.commanding import Asked, SendCommand
from casetrail_gateway.use_cases.conflicts import TellChanges

router = APIRouter(include_in_schema=False)
_YEAR: Final = 365 * 24 * 3600
_FORM: Final = "application/x-www-form-urlencoded"


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """The way in: an API token, kept nowhere but in a signed cookie of this browser."""
    return _sign_in(console_of(request), request, wrong=False)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """A new session, and back to where the person wanted to go."""
    console = console_of(request)
    form = await form_of(request)
    if not _from_here(request):
        return _sign_in(console, request, wrong=True)
    cookie = console.sessions.begin(form.get("token", "").strip(), time.time())
    if cookie is None:
        return _sign_in(console, request, wrong=True)
    answer = RedirectResponse(inside(form.get("next", "")), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=LASTS,
        httponly=True,
        secure=needs_tls(request),
        samesite="lax",
        path="/",
    )
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """The session ended in this browser."""
    answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    if _from_here(request):
        answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """The same page in another language."""
    form = await form_of(request)
    answer = RedirectResponse(inside(form.get("back", "")), HTTPStatus.SEE_OTHER)
    if form.get("language") in LANGUAGES and _from_here(request):
        answer.set_cookie(LANGUAGE_COOKIE, form["language"], max_age=_YEAR, samesite="lax")
    return answer


@router.post("/act/{noun}/{name}/{target}")
async def act(request: Request, noun: str, name: str, target: str) -> Response:
    """The action done and its page shown again, or the form with what is in the way."""
    console = console_of(request)
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, form = asked
    action = acting.ACTIONS.get((noun, name))
    if action is None:
        return console.fault_page(visit, NotFound("action", f"There is no action {noun}/{name}."))
    status, problems = await _done(visit, action, target, form)
    back = inside(form.get("back", ""))
    if problems:
        context = {
            "action": action,
            "target": target,
            "form": form,
            "problems": problems,
            "back": back,
        }
        return console.page(visit, "again.html", context, status)
    mark = "&" if "?" in back else "?"
    return RedirectResponse(f"{back}{mark}said={noun}.{name}", HTTPStatus.SEE_OTHER)


async def asked_of(request: Request) -> tuple[Visit, dict[str, str]] | Response:
    """Who sent a form of this console, and its fields; or what is answered to anybody else."""
    console = console_of(request)
    visit = console.visit(request)
    if visit is None:
        return console.to_sign_in(request)
    form = await form_of(request)
    ours = console.sessions.form_is_ours(visit.session, form.get("f", ""))
    if not (ours and _from_here(request)):
        detail = "This form was not made by this console for your session. Open the page again."
        return console.fault_page(visit, NotPermitted(detail))
    return visit, form


async def _done(
    visit: Visit, action: acting.Action, target: str, form: Mapping[str, str]
) -> tuple[int, list[str]]:
    """Nothing, or what is in the way: the status of the answer, and sentences."""
    try:
        reply = await _sent(visit, action, target, action.asked(form), form)
    except ValidationError as error:
        return HTTPStatus.UNPROCESSABLE_ENTITY, told_faults(visit, error)
    except MovedOn as moved:
        return status_of_fault(moved), [
            moved.detail,
            *(each.summary for each in moved.changed or ()),
        ]
    except Fault as fault:
        return status_of_fault(fault), [fault.detail]
    if reply.status != "ok":
        return status_of_reply(reply), [reply.detail or visit.words("no_reason")]
    return HTTPStatus.OK, []


async def _sent(
    visit: Visit, action: acting.Action, target: str, body: Any, form: Mapping[str, str]
) -> CommandReply:
    # A page shows the version of its case; a ticket or message that is made there has none yet.
    makes = action.command in {CreateTicket, SendMessage}
    version = "" if makes else form.get("version", "")
    asked = Asked(
        caller=visit.caller,
        permitted=action.permits(visit.caller),
        correlation_id=visit.correlation_id,
        idempotency_key=form.get("key") or None,
        expected_version=int(version) if version.isascii() and version.isdecimal() else None,
    )
    wiring = wiring_of(visit.request)
    changes = TellChanges(wiring.log, wiring.stream, wiring.clock, wiring.patience)
    send = SendCommand(visit.finder, wiring.commands, wiring.stream, wiring.clock, changes)
    if action.command is SendMessage:
        address = AddressOf(wiring.log, visit.caller, body)
        return await send.on_case(asked, SendMessage, target, body, address)
    if action.command is LinkConversation:
        return await send.link_case(asked, target, body)
    if action.noun == "case":
        return await send.on_case(asked, action.command, target, body or EmptyBody())
    match action.noun:
        case "ticket":
            reply = await send.on_ticket(asked, action.command, target, body or EmptyBody())
        case "shift":
            reply = await send.on_shift(asked, action.command, target, body)
        case "letter":
            number = int(target) if target.isascii() and target.isdecimal() else 0
            reply = await send.on_letter(asked, number, body)
        case "user":
            reply = await send.on_own(asked, action.command, target, body)
        case _:
            reply = await send.on_privacy(asked, action.command, body)
    return reply


def told_faults(visit: Visit, error: ValidationError) -> list[str]:
    """Each faulty field of a form by its label, with what is wrong."""
    return [f"{_label(visit, fault)}: {fault['msg']}" for fault in error.errors()]


def _label(visit: Visit, fault: Any) -> str:
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    labels: dict[str, str] = visit.words.said["fields"]
    return labels.get(name, name)


def _sign_in(console: Console, request: Request, *, wrong: bool) -> Response:
    words = Words.of(language_of(request))
    context = {"wrong": wrong, "next": inside(request.query_params.get("next", "")), "path": ""}
    text = console.templates.render("sign_in.html", words, {**context, "caller": None})
    return html(text, HTTPStatus.UNAUTHORIZED if wrong else HTTPStatus.OK)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; nothing for anything that is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        return {}
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=250))


def inside(path: str) -> str:
    """The path if it stays in this console, else the list of cases: nobody is sent elsewhere."""
    plain = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if plain and "\\" not in path else "/cases"


def needs_tls(request: Request) -> bool:
    """True unless the browser talks to this machine itself, where no one can listen in."""
    return (request.url.hostname or "") not in {"127.0.0.1", "localhost", "::1"}


def _from_here(request: Request) -> bool:
    """True when the form was sent from a page of this console, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return origin is None
    return urlsplit(origin).netloc == request.headers.get("host")
