"""Forms of saved searches in."""

from http import HTTPStatus
from urllib.parse import quote

from casetrail_contracts.views_api import SaveViewBody
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from casetrail_gateway.console.page import Visit, console_of
from casetrail_gateway.console.posting import asked_of, told_faults
from casetrail_gateway.domain.errors import Fault, QueryNotUnderstood
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.use_cases.views import ChangeViews

router = APIRouter(include_in_schema=False)


@router.post("/views/save")
async def save_view(request: Request) -> Response:
    """The search saved under a name, and shown again."""
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, form = asked
    try:
        body = SaveViewBody(
            name=form.get("name", "").strip(), q=form.get("q", ""), shared="shared" in form
        )
        view = await _change(visit, "POST", "/v1/views").save(body, form.get("key") or None)
    except ValidationError as error:
        fault: Fault = QueryNotUnderstood("; ".join(told_faults(visit, error)))
        return console_of(request).fault_page(visit, fault)
    except Fault as fault:
        return console_of(request).fault_page(visit, fault)
    return RedirectResponse(f"/cases?q={quote(view.q)}", HTTPStatus.SEE_OTHER)


@router.post("/views/delete/{view_id}")
async def delete_view(request: Request, view_id: str) -> Response:
    """A saved search taken away."""
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    visit, _ = asked
    try:
        await _change(visit, "DELETE", "/v1/views/{view_id}").delete(view_id)
    except Fault as fault:
        return console_of(request).fault_page(visit, fault)
    return RedirectResponse("/cases", HTTPStatus.SEE_OTHER)


def _change(visit: Visit, method: str, path: str) -> ChangeViews:
    wiring = visit.wiring
    return ChangeViews(
        log=wiring.log,
        finder=visit.finder,
        stream=wiring.stream,
        clock=wiring.clock,
        caller=visit.caller,
        permitted=visit.caller.role in PERMITTED[method, path],
        correlation_id=visit.correlation_id,
    )
