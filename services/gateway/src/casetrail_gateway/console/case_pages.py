"""Cases: the list with its search box, one case with its whole history, one record."""

from typing import Any, Final

from casetrail_contracts.api import CaseAnswer, CasePage, RecordView, TicketAnswer, Timeline
from casetrail_contracts.views_api import ViewPage
from starlette.requests import Request

from casetrail_gateway.api.cases import list_cases
from casetrail_gateway.api.desk import Desk
from casetrail_gateway.api.evidence import export_evidence
from casetrail_gateway.console import acting
from casetrail_gateway.console.drawing import Drawing, drawn
from casetrail_gateway.console.page import Context, Pages, Together, Visit, console_of
from casetrail_gateway.console.rail import rail_of, row_of
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.domain.evidence import MAY_DISCLOSE
from casetrail_gateway.domain.live import LiveRecord
from casetrail_gateway.domain.log import Case, Kinds, Page, RecordFilter
from casetrail_gateway.domain.people import QUALITY
from casetrail_gateway.domain.search import RecordSearch
from casetrail_gateway.use_cases.case_proofs import ReadCaseProofs
from casetrail_gateway.use_cases.cases import ReadCase, ReadCaseTimeline, timeline_list
from casetrail_gateway.use_cases.live import LONGEST, FollowLive
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.records import ReadRecord
from casetrail_gateway.use_cases.reviews.reading import ListReviews, WantedReviews
from casetrail_gateway.use_cases.tickets import ReadTicket
from casetrail_gateway.use_cases.timelines import entry_of
from casetrail_gateway.use_cases.views import ListViews, may_delete

pages = Pages()
ENTRIES: Final = 200
CASES: Final = 50
MOST_TICKETS: Final = 20
MOST_REVIEWS: Final = 20


def desk_of(visit: Visit) -> Desk:
    """The visit as the API's own functions take it."""
    return Desk(visit.caller, visit.correlation_id, visit.wiring)


def yes_or_no(text: str | None) -> bool | None:
    """A filter that has two values; anything else is no filter."""
    return {"yes": True, "no": False}.get(text or "")


@pages.get("/cases", "cases.html", like="/v1/cases")
def cases(
    visit: Visit,
    *,
    q: str | None = None,
    status: str | None = None,
    owner: str | None = None,
    escalated: str | None = None,
    cursor: str | None = None,
) -> Read[Context]:
    """Cases, the newest first."""
    read = list_cases(
        desk_of(visit),
        q=q,
        status=status if status in {"open", "closed"} else None,
        owner=owner,
        escalated=yes_or_no(escalated),
        limit=CASES,
        cursor=cursor,
    )

    def tell(page: CasePage, saved: ViewPage) -> Context:
        chosen = {"q": q, "status": status, "owner": owner, "escalated": escalated}
        return {
            "page": page,
            "chosen": {k: v for k, v in chosen.items() if v},
            "cursor": cursor,
            "views": [
                {**view.model_dump(), "deletable": may_delete(visit.caller, view)}
                for view in saved.items
                if view.of == "cases"
            ],
        }

    return Together(tell, read, ListViews(visit.wiring.log, visit.caller))


class _CasePage:
    """A case with its history, its tickets and who had it: one look, one page."""

    def __init__(self, visit: Visit, case_id: str, after: str | None, sample: str | None) -> None:
        self._visit = visit
        self._sample = sample
        self._case_id = case_id
        log, caller = visit.wiring.log, visit.caller
        place = cursors.place(timeline_list(f"case/{case_id}"), after)
        self._timeline = ReadCaseTimeline(
            log,
            visit.finder,
            caller,
            case_id,
            kinds=Kinds(),
            page=Page(ENTRIES, "asc", place),
        )
        self._case = ReadCase(log, visit.finder, caller, case_id, visit.wiring.clock)
        self._together = Together(self._tell, self._timeline, self._case)

    async def look(self) -> Any:
        """The look at the case's timeline."""
        return await self._together.look()

    async def answer(self) -> Context:
        """The page, with the tickets and reviews the case has now."""
        context = await self._together.answer()
        wiring, caller = self._visit.wiring, self._visit.caller
        case = await wiring.log.case(caller.workspace, self._case_id)
        tickets: list[TicketAnswer] = []
        for ticket_id in context["case"].ticket_ids[:MOST_TICKETS]:
            read = ReadTicket(wiring.log, self._visit.finder, caller, ticket_id, wiring.clock)
            tickets.append(await read.answer())
        people = {u.user_id: u for u in await wiring.lists.users(caller.workspace)}
        reviews = ListReviews(
            wiring.log,
            self._visit.finder,
            caller,
            WantedReviews(case_id=self._case_id),
            limit=MOST_REVIEWS,
            cursor=None,
        )
        drawing: Drawing | None = None
        if case is not None:
            drawing = drawn(case.custody, case.closed_at or wiring.clock.now())
        return {
            **context,
            "tickets": tickets,
            "drawing": drawing,
            "people": people,
            "names": {f"agent:{user.user_id}": user.name for user in people.values()},
            "actions": acting.on_case(caller, context["case"], _offered_to(case)),
            "may_disclose": caller.role in MAY_DISCLOSE,
            "reviews": (await reviews.answer()).items,
            "may_review": caller.role in QUALITY,
            "scorecards": wiring.scorecards,
            "sample": self._sample,
            "reviewable": [] if case is None else _who_had(case),
        }

    def _tell(self, timeline: Timeline, case: CaseAnswer) -> Context:
        return {"case": case, "timeline": timeline, "rail": rail_of(timeline)}


def _offered_to(case: Case | None) -> str | None:
    """Who has the case to accept or decline now; None when nobody has."""
    last = case.custody[-1] if case is not None and case.custody else None
    return last.holder if last is not None and last.kind == "offered" else None


def _who_had(case: Case) -> list[str]:
    """The ids of everybody who ever had a case."""
    held = {*case.held_by, *([] if case.owner is None else [case.owner])}
    return sorted(holder.removeprefix("agent:") for holder in held)


@pages.get("/cases/{case_id}", "case.html", like="/v1/cases/{case_id}/timeline")
def case(
    visit: Visit, case_id: str, after: str | None = None, sample: str | None = None
) -> Read[Context]:
    """One case: who did what, when and why; `sample` is the one that a review would belong to."""
    return _CasePage(visit, case_id, after, sample)


@pages.get("/cases/{case_id}/live", None, like="/v1/live")
def case_live(visit: Visit, case_id: str, last: str = "", seconds: str = "") -> Read[Any]:
    """The entries of the case as they are recorded, each as its row of the page."""
    known = _number(visit.request.headers.get("last-event-id", last))
    longest = _number(seconds)
    names: dict[str, str] = {}

    def tell(live: LiveRecord) -> str:
        entry = entry_of(
            live.record, reads_text=visit.caller.reads_text, late=False, copies=0, cause=None
        )
        context = {"row": row_of(entry), "names": names}
        return console_of(visit.request).part(visit, "entry.html", context)

    return FollowLive(
        log=visit.wiring.log,
        hub=visit.wiring.hub,
        customers=visit.wiring.customers,
        finder=visit.finder,
        caller=visit.caller,
        search=RecordSearch(wanted=RecordFilter(case_id=case_id)),
        last=known,
        seconds=LONGEST if longest is None else min(longest, LONGEST),
        monotonic=visit.wiring.monotonic,
        tell=tell,
    )


@pages.get("/cases/{case_id}/proofs", None, like="/v1/records/{seq}/proof")
def case_proofs(visit: Visit, case_id: str) -> Read[Any]:
    """What the page's own check of the case needs."""
    return ReadCaseProofs(
        log=visit.wiring.log,
        tree=visit.wiring.tree,
        records=visit.wiring.case_records,
        finder=visit.finder,
        caller=visit.caller,
        case_id=case_id,
    )


@pages.get("/cases/{case_id}/evidence", None, like="/v1/cases/{case_id}/evidence")
def evidence(visit: Visit, case_id: str, disclose: str = "public") -> Read[Any]:
    """The evidence bundle of the case as a download."""
    return export_evidence(
        desk_of(visit), case_id=case_id, disclose="full" if disclose == "full" else "public"
    )


@pages.get("/records/{seq}", "record.html", like="/v1/records/{seq}")
def record(visit: Visit, seq: str) -> Read[Context]:
    """One record of the log, whole."""
    number = _number(seq)
    if number is None:
        raise NotFound("record", f"{seq[:40]} is no number of a record.")

    def tell(view: RecordView) -> Context:
        return {"record": view}

    return Together(tell, ReadRecord(visit.wiring.log, visit.caller, number))


def _number(text: str) -> int | None:
    """The sequence that a text says; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004


def looked_for(request: Request) -> str | None:
    """The address of the one thing the search box names by its number; None for a real search."""
    text = request.query_params.get("q", "").strip().upper()
    for prefix, place in (("CASE-", "cases"), ("T-", "tickets")):
        number = text.removeprefix(prefix)
        if text.startswith(prefix) and number.isdecimal():
            return f"/{place}/{text}"
    return None
