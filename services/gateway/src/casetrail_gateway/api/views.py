"""Paths of saved views."""

from typing import Annotated

from casetrail_contracts.views_api import SavedView, SaveViewBody, ViewPage
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtConditions, AtDesk, Desk
from casetrail_gateway.api.reads import Reads, problems, refuse_unknown_query
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.views import ChangeViews, ListViews

views = Reads("views")
changes = APIRouter(tags=["views"])

ViewId = Annotated[str, Path(pattern=r"^vw_[a-z0-9]{1,40}$", examples=["vw_0f1e2d3c"])]
_VIEWS, _VIEW = "/v1/views", "/v1/views/{view_id}"
_FAULTS = (400, 401, 403, 404, 422, 429, 503)


@views.get(_VIEWS, ViewPage, example=examples.VIEWS)
def list_views(desk: AtDesk) -> Read[ViewPage]:
    """The caller's own saved searches, and those that are shared."""
    return ListViews(desk.wiring.log, desk.caller)


@changes.post(
    _VIEWS,
    status_code=201,
    response_model=SavedView,
    responses={
        **problems(*_FAULTS),
        201: {"content": {"application/json": {"example": examples.VIEW}}},
    },
)
async def save_view(
    request: Request, desk: AtDesk, conditions: AtConditions, body: SaveViewBody
) -> Response:
    """Saves a search under a name; leads, reviewers and administrators may share it."""
    refuse_unknown_query(request)
    change = _change(desk, "POST", _VIEWS)
    view = await change.save(body, conditions.idempotency_key)
    return Response(view.model_dump_json(), 201, media_type="application/json")


@changes.delete(
    _VIEW, response_model=SavedView, responses=problems(*_FAULTS, example=examples.VIEW)
)
async def delete_view(request: Request, desk: AtDesk, view_id: ViewId) -> Response:
    """Deletes a view: one's own, or a shared one as a lead or an administrator."""
    refuse_unknown_query(request)
    view = await _change(desk, "DELETE", _VIEW).delete(view_id)
    return Response(view.model_dump_json(), media_type="application/json")


def _change(desk: Desk, method: str, path: str) -> ChangeViews:
    wiring = desk.wiring
    return ChangeViews(
        log=wiring.log,
        finder=desk.finder,
        stream=wiring.stream,
        clock=wiring.clock,
        caller=desk.caller,
        permitted=desk.caller.role in PERMITTED[method, path],
        correlation_id=desk.correlation_id,
    )
