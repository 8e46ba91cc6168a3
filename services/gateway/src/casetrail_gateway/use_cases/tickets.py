"""Reads of tickets."""

from casetrail_contracts.api import Hole, TicketAnswer, TicketView, Timeline

from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.domain.log import Kinds, Page, Scope, Ticket
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, Log
from casetrail_gateway.use_cases.cases import look_at, timeline
from casetrail_gateway.use_cases.clocks import TellClocks
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.timelines import TellTimeline


class ReadTicket:
    """One ticket as it stands."""

    def __init__(
        self, log: Log, finder: Finder, caller: Caller, ticket_id: str, clock: Clock
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._ticket_id = ticket_id
        self._clock = clock

    async def look(self) -> Look:
        """The ticket, if its case is theirs."""
        found = await self._finder.ticket(self._caller, self._ticket_id)
        return look_at("ticket", f"ticket/{self._ticket_id}", found)

    async def answer(self) -> TicketAnswer:
        """The view, read again after the look was recorded."""
        ticket = await _there(self._log, self._caller, self._ticket_id)
        head = await self._log.head()
        workspace = self._caller.workspace
        case = None if ticket.case_id is None else await self._log.case(workspace, ticket.case_id)
        tell = TellClocks(self._log, head.complete_through, self._clock.now())
        told = await tell(workspace, case, [ticket.ticket_id])
        return TicketAnswer(
            **TicketView.model_validate(ticket).model_dump(),
            **vars(told),
            holes=[Hole.model_validate(hole) for hole in ticket.holes],
            complete_through=head.complete_through,
        )


class ReadTicketTimeline:
    """The history of one ticket."""

    def __init__(
        self,
        log: Log,
        finder: Finder,
        caller: Caller,
        ticket_id: str,
        *,
        kinds: Kinds,
        page: Page,
    ) -> None:
        self._log = log
        self._finder = finder
        self._caller = caller
        self._ticket_id = ticket_id
        self._kinds = kinds
        self._page = page

    async def look(self) -> Look:
        """The ticket, if its case is theirs."""
        found = await self._finder.ticket(self._caller, self._ticket_id)
        return look_at("ticket_timeline", f"ticket/{self._ticket_id}", found)

    async def answer(self) -> Timeline:
        """The stretch asked for."""
        head = await self._log.head()
        ticket = await _there(self._log, self._caller, self._ticket_id)
        case = (
            None
            if ticket.case_id is None
            else await self._log.case(self._caller.workspace, ticket.case_id)
        )
        scope = Scope(ticket_id=ticket.ticket_id)
        tell = TellTimeline(self._log, head)
        told = await tell(self._caller, scope, self._kinds, self._page)
        return timeline(
            told,
            head,
            f"ticket/{ticket.ticket_id}",
            case=case,
            holes=ticket.holes,
            ticket=TicketView.model_validate(ticket),
        )


async def _there(log: Log, caller: Caller, ticket_id: str) -> Ticket:
    ticket = await log.ticket(caller.workspace, ticket_id)
    if ticket is None:
        raise NotFound("ticket", f"There is no ticket {ticket_id}.")
    return ticket
