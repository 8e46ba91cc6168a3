"""Tickets, people, privacy, and how the log is doing."""

from typing import Any, Final

from casetrail_contracts.api import (
    ActivityAnswer,
    RecordPage,
    TicketAnswer,
    Timeline,
)
from casetrail_contracts.letters_api import DeadLetterPage

from casetrail_gateway.console import acting
from casetrail_gateway.console.page import Context, Pages, Together, Visit
from casetrail_gateway.console.rail import rail_of
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.log import Kinds, Page, Record, RecordFilter
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.domain.search import RecordSearch
from casetrail_gateway.use_cases.handover import ReadHandover
from casetrail_gateway.use_cases.letters import ListLetters
from casetrail_gateway.use_cases.log_status import ReadLogStatus
from casetrail_gateway.use_cases.looking import Look, Read
from casetrail_gateway.use_cases.records import ReadActivity, SearchRecords, activity_list
from casetrail_gateway.use_cases.tickets import ReadTicket, ReadTicketTimeline

pages = Pages()
ROWS: Final = 50
ENTRIES: Final = 200
SHIFTS: Final = 12
_LETTERS: Final = "/v1/dead-letters"
_HANDOVER: Final = "/v1/shifts/{shift_id}/handover"
STATES: Final = (
    *("New", "In Progress", "Awaiting Customer", "Awaiting Courier"),
    *("Resolved", "Closed", "Reopened"),
)


class _Listed:
    """A list that is looked at as a whole: recorded as a search, filled by `fill`."""

    def __init__(self, what: str, filters: dict[str, Any], fill: Any) -> None:
        self._look = Look(what=what, filters=filters)
        self._fill = fill

    async def look(self) -> Look:
        """A search."""
        return self._look

    async def answer(self) -> Context:
        """The list."""
        filled: Context = await self._fill()
        return filled


@pages.get("/tickets", "tickets.html", like="/v1/records")
def tickets(visit: Visit, status: str | None = None, after: str | None = None) -> Read[Context]:
    """Tickets, the newest first; an agent's list holds those that are theirs."""
    mine = visit.caller.ref if visit.caller.role == "agent" else None
    wanted = status if status in STATES else None
    place = int(after) if after is not None and after.isdecimal() and len(after) < 19 else None  # noqa: PLR2004

    async def fill() -> Context:
        workspace = visit.caller.workspace
        found = await visit.wiring.lists.tickets(
            workspace, status=wanted, owner=mine, after=place, limit=ROWS + 1
        )
        head = await visit.wiring.log.head()
        return {
            "tickets": found[:ROWS],
            "more_after": found[ROWS - 1].first_seq if len(found) > ROWS else None,
            "states": STATES,
            "status": wanted,
            "complete_through": head.complete_through,
        }

    filters = {} if wanted is None else {"status": wanted}
    return _Listed("tickets", filters, fill)


@pages.get("/tickets/{ticket_id}", "ticket.html", like="/v1/tickets/{ticket_id}/timeline")
def ticket(visit: Visit, ticket_id: str) -> Read[Context]:
    """One ticket and its history."""
    wiring, caller, finder = visit.wiring, visit.caller, visit.finder
    history = ReadTicketTimeline(
        wiring.log, finder, caller, ticket_id, kinds=Kinds(), page=Page(ENTRIES)
    )

    def tell(timeline: Timeline, answer: TicketAnswer) -> Context:
        return {
            "timeline": timeline,
            "rail": rail_of(timeline),
            "ticket": answer,
            "names": {},
            "actions": acting.on_ticket(caller, answer),
        }

    return Together(tell, history, ReadTicket(wiring.log, finder, caller, ticket_id, wiring.clock))


@pages.get("/people", "people.html", like="/v1/records")
def people(visit: Visit, team: str | None = None) -> Read[Context]:
    """Who works here, in one team or all, who is on shift, and how many open cases each has."""

    async def fill() -> Context:
        workspace = visit.caller.workspace
        hands_over = visit.caller.role in PERMITTED["GET", _HANDOVER]
        ended = await _ended_shifts(visit) if hands_over else []
        load = await visit.wiring.lists.open_cases(workspace)
        head = await visit.wiring.log.head()
        everybody = await visit.wiring.lists.users(workspace)
        return {
            "people": [one for one in everybody if team is None or team in one.teams],
            "teams": sorted({one for user in everybody for one in user.teams}),
            "team": team,
            "load": load,
            "ended": ended,
            "shift": acting.on_shift(visit.caller),
            "complete_through": head.complete_through,
        }

    return _Listed("users", {} if team is None else {"team": team}, fill)


async def _ended_shifts(visit: Visit) -> list[Record]:
    """The records of the newest shifts that ended, to be handed over."""
    wanted = RecordFilter(action="shift.ended")
    found = await visit.wiring.log.records(visit.caller.workspace, wanted, Page(SHIFTS, "desc"))
    return [record for record in found if isinstance(record.data.get("shift_id"), str)]


@pages.get("/shifts/{shift_id}", "shift.html", like=_HANDOVER)
def shift(visit: Visit, shift_id: str) -> Read[Context]:
    """The hand-over of a shift that ended: what became of its cases, and who signed for it."""
    wiring, caller = visit.wiring, visit.caller
    read = ReadHandover(wiring.log, visit.finder, caller, shift_id, through=None)

    class _Shift:
        async def look(self) -> Look:
            return await read.look()

        async def answer(self) -> Context:
            answer = await read.answer()
            users = await wiring.lists.users(caller.workspace)
            return {
                "shift": answer,
                "names": {f"agent:{user.user_id}": user.name for user in users},
                "leads": {u.user_id: u for u in users if u.role in {"lead", "admin"}},
                "actions": acting.on_handover(
                    caller, opened=answer.opened is not None, complete=answer.complete
                ),
            }

    return _Shift()


@pages.get("/people/{user_id}", "person.html", like="/v1/users/{user_id}/activity")
def person(visit: Visit, user_id: str, after: str | None = None) -> Read[Context]:
    """What one person did, the newest first."""
    place = cursors.place(activity_list(user_id), after)
    read = ReadActivity(
        visit.wiring.log,
        visit.finder,
        visit.caller,
        user_id,
        kinds=Kinds(),
        page=Page(ROWS, "desc", place),
    )

    def tell(answer: ActivityAnswer) -> Context:
        return {"activity": answer}

    return Together(tell, read)


@pages.get("/privacy", "privacy.html", like="/v1/privacy/erasures/{erasure_id}")
def privacy(visit: Visit, cursor: str | None = None) -> Read[Context]:
    """Erasures and holds, as the log has them."""
    read = SearchRecords(
        log=visit.wiring.log,
        index=visit.wiring.words,
        customers=visit.wiring.customers,
        finder=visit.finder,
        caller=visit.caller,
        search=RecordSearch(wanted=RecordFilter(action="privacy")),
        limit=ROWS,
        order="desc",
        cursor=cursor,
    )

    def tell(page: RecordPage) -> Context:
        return {"page": page, "actions": acting.on_privacy(visit.caller)}

    return Together(tell, read)


@pages.get("/log", "log.html", like="/v1/log/status")
def log_health(visit: Visit) -> Read[Context]:
    """How far the log is complete and sealed, and what it lacks."""
    wiring = visit.wiring

    async def fill() -> Context:
        status = await ReadLogStatus(wiring.log, wiring.stream, wiring.tree)()
        return {
            "status": status,
            "sealed": await wiring.tree.head(),
            "lists_letters": visit.caller.role in PERMITTED["GET", _LETTERS],
        }

    return _Listed("log_status", {}, fill)


@pages.get("/letters", "letters.html", like=_LETTERS)
def letters(visit: Visit, after: str | None = None) -> Read[Context]:
    """What was set aside in this workspace, and for who may: having it handled again."""
    place = int(after) if after is not None and after.isdecimal() and len(after) < 19 else 0  # noqa: PLR2004
    read = ListLetters(visit.wiring.stream, visit.caller, after=place, limit=ROWS)

    def tell(page: DeadLetterPage) -> Context:
        return {"page": page, "actions": acting.on_letter(visit.caller)}

    return Together(tell, read)
