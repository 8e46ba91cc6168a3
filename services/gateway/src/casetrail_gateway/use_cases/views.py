"""Saved searches of a workspace: events, folded when they are read."""

from collections.abc import Mapping
from typing import Any, Final

from casetrail_contracts import Actor, Event, EventData
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.view import ViewDeleted, ViewSaved
from casetrail_contracts.views_api import SavedView, SaveViewBody, ViewPage

from casetrail_gateway.domain.errors import Fault, NotFound, NotPermitted, QueryNotUnderstood
from casetrail_gateway.domain.log import CaseFilter, Page, Record, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import cases_asked, records_asked
from casetrail_gateway.ports import Clock, EventStream, Log
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import SOURCE, Look, actor_of
from casetrail_gateway.use_cases.refusing import Refusals

MOST: Final = 500
"""Views of a workspace; each read folds all of them."""
_AT_ONCE: Final = 200
_SHARERS: Final = frozenset({"lead", "reviewer", "admin"})


class ListViews:
    """The views the caller may use: their own and the shared ones, by name."""

    def __init__(self, log: Log, caller: Caller) -> None:
        self._log = log
        self._caller = caller

    async def look(self) -> Look:
        """A look at the saved views."""
        return Look(what="views", filters={})

    async def answer(self) -> ViewPage:
        """All of them."""
        head = await self._log.head()
        views = await folded(self._log, self._caller.workspace)
        mine = [view for view in views.values() if view.shared or view.owner == _ref(self._caller)]
        items = sorted(mine, key=lambda view: (view.name.casefold(), view.view_id))
        return ViewPage(items=items, complete_through=head.complete_through)


class ChangeViews:
    """Saves and deletes views for one caller; refusals leave a record."""

    def __init__(
        self,
        *,
        log: Log,
        finder: Finder,
        stream: EventStream,
        clock: Clock,
        caller: Caller,
        permitted: bool,
        correlation_id: str,
    ) -> None:
        self._log = log
        self._finder = finder
        self._stream = stream
        self._clock = clock
        self._caller = caller
        self._correlation_id = correlation_id
        self._refusals = Refusals(
            stream=stream,
            clock=clock,
            caller=caller,
            permitted=permitted,
            correlation_id=correlation_id,
        )

    async def save(self, body: SaveViewBody, idempotency_key: str | None) -> SavedView:
        """The view; the same key of the same person gives the same one.

        Raises:
            QueryNotUnderstood: nobody could use it.
            NotPermitted: an agent shares nothing.
        """
        caller = self._caller
        fault: Fault | None = None
        if body.shared and caller.role not in _SHARERS:
            fault = NotPermitted("Leads, reviewers and admins share views; save it unshared.")
        name = idempotency_key or self._clock.new_id()
        view_id = "vw_" + derive_id(caller.workspace, _ref(caller), name).replace("-", "")[:24]
        await self._refusals.allow(fault, "save-view", f"view/{view_id}")
        if body.of == "cases":
            cases_asked(body.q, CaseFilter())
        else:
            records_asked(body.q, RecordFilter())
        views = await folded(self._log, caller.workspace)
        if view_id not in views and len(views) >= MOST:
            raise QueryNotUnderstood(f"There are {MOST} views already; delete one first.")
        data = ViewSaved(actor=actor_of(caller), view_id=view_id, of=body.of, shared=body.shared)
        private = {"name": body.name, "query": body.q}
        await self._publish(data, f"view/{view_id}", derive_id(view_id, "saved"), private)
        await self._finder.catch_up()
        return SavedView(
            **body.model_dump(), view_id=view_id, owner=_ref(caller), saved_at=self._clock.now()
        )

    async def delete(self, view_id: str) -> SavedView:
        """The view that is gone; its owner's, or any shared one for a lead or an administrator."""
        caller = self._caller
        view = (await folded(self._log, caller.workspace)).get(view_id)
        fault: Fault | None = None
        if view is None or not (view.shared or view.owner == _ref(caller)):
            fault = NotFound("view", f"There is no view {view_id}.")
        elif not may_delete(caller, view):
            fault = NotPermitted("A view is deleted by who saved it, a lead or an administrator.")
        await self._refusals.allow(fault, "delete-view", f"view/{view_id}")
        assert view is not None
        data = ViewDeleted(actor=actor_of(caller), view_id=view_id)
        await self._publish(data, f"view/{view_id}", derive_id(view_id, "deleted"))
        await self._finder.catch_up()
        return view

    async def _publish(
        self,
        data: EventData,
        subject: str,
        event_id: str,
        private: Mapping[str, Any] | None = None,
    ) -> None:
        event = Event.build(
            data,
            workspace=self._caller.workspace,
            source=SOURCE,
            subject=subject,
            time=self._clock.now(),
            id=event_id,
            correlationid=self._correlation_id,
            private=None if private is None else dict(private),
        )
        await self._stream.record(event)


def may_delete(caller: Caller, view: SavedView) -> bool:
    """Whether they may delete a view that they are shown."""
    return view.owner == _ref(caller) or caller.role in {"lead", "admin"}


async def folded(log: Log, workspace: str) -> dict[str, SavedView]:
    """The views that stand, by id. One whose name was erased is gone."""
    views: dict[str, SavedView] = {}
    after: int | None = None
    while True:
        page = Page(_AT_ONCE, "asc", after)
        records = await log.records(workspace, RecordFilter(action="view"), page)
        for record in records:
            view_id = str(record.data.get("view_id"))
            view = _view(record) if record.action == "view.saved" else None
            views.pop(view_id, None)
            if view is not None:
                views[view_id] = view
        if len(records) < _AT_ONCE:
            return views
        after = records[-1].seq


def _view(record: Record) -> SavedView | None:
    name, query = record.private.get("name"), record.private.get("query")
    if not isinstance(name, str) or not isinstance(query, str):
        return None
    actor: Mapping[str, Any] = record.actor or {}
    return SavedView(
        view_id=str(record.data.get("view_id")),
        name=name,
        q=query,
        of="records" if record.data.get("of") == "records" else "cases",
        shared=record.data.get("shared") is True,
        owner=f"{actor.get('kind')}:{actor.get('id')}",
        saved_at=record.at,
    )


def _ref(caller: Caller) -> str:
    actor: Actor = actor_of(caller)
    return f"{actor.kind}:{actor.id}"
