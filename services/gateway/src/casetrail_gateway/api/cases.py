"""Paths of cases, tickets and conversations that read."""

from datetime import datetime
from typing import Annotated

from casetrail_contracts.api import CaseAnswer, CasePage, TicketAnswer, Timeline
from fastapi import Query

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import (
    After,
    AsKnown,
    AsOf,
    CaseId,
    ConversationId,
    Cursor,
    CustomerQuery,
    InOrder,
    KindsQuery,
    Limit,
    MomentQuery,
    OwnerQuery,
    SearchQuery,
    StatusQuery,
    TicketId,
    TicketQuery,
    customer_of,
    kinds_of,
)
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.log import CaseFilter, Order, Page
from casetrail_gateway.domain.search import cases_asked
from casetrail_gateway.use_cases.cases import (
    ListCases,
    ReadCase,
    ReadCaseTimeline,
    ReadConversationTimeline,
    timeline_list,
)
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.tickets import ReadTicket, ReadTicketTimeline

cases = Reads("cases")
tickets = Reads("tickets")
conversations = Reads("conversations")


@cases.get("/v1/cases", CasePage, example=examples.CASES)
def list_cases(
    desk: AtDesk,
    *,
    q: SearchQuery = None,
    status: StatusQuery = None,
    owner: OwnerQuery = None,
    customer: CustomerQuery = None,
    ticket: TicketQuery = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=80, examples=["refund"])] = None,
    escalated: bool | None = None,
    opened_from: MomentQuery = None,
    opened_to: MomentQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Read[CasePage]:
    """Cases, the newest first. An agent sees those they own, ever held, or that nobody owns."""
    conversation_id, phone = customer_of(customer)
    given = CaseFilter(
        status=status,
        owner=owner,
        ticket_id=ticket,
        escalated=escalated,
        opened_from=opened_from,
        opened_to=opened_to,
        conversation_id=conversation_id,
        tags=() if tag is None else (tag,),
    )
    return ListCases(
        log=desk.wiring.log,
        index=desk.wiring.words,
        customers=desk.wiring.customers,
        caller=desk.caller,
        search=cases_asked(q, given, phone),
        limit=limit,
        cursor=cursor,
    )


@cases.get("/v1/cases/{case_id}", CaseAnswer, example=examples.CASE_ANSWER)
def read_case(desk: AtDesk, case_id: CaseId) -> Read[CaseAnswer]:
    """A case as it stands."""
    return ReadCase(desk.wiring.log, desk.finder, desk.caller, case_id, desk.wiring.clock)


@cases.get("/v1/cases/{case_id}/timeline", Timeline, example=examples.TIMELINE)
def read_case_timeline(
    desk: AtDesk,
    *,
    case_id: CaseId,
    after: After = None,
    limit: Limit = 50,
    order: InOrder = "asc",
    kinds: KindsQuery = None,
    as_of: AsOf = None,
    as_known: AsKnown = None,
) -> Read[Timeline]:
    """Who did what, when and why: the case's conversation and tickets in one history."""
    return ReadCaseTimeline(
        desk.wiring.log,
        desk.finder,
        desk.caller,
        case_id,
        kinds=kinds_of(kinds),
        page=_page(f"case/{case_id}", limit, order, after, as_of, as_known),
    )


@tickets.get("/v1/tickets/{ticket_id}", TicketAnswer, example=examples.TICKET_ANSWER)
def read_ticket(desk: AtDesk, ticket_id: TicketId) -> Read[TicketAnswer]:
    """A ticket as it stands."""
    return ReadTicket(desk.wiring.log, desk.finder, desk.caller, ticket_id, desk.wiring.clock)


@tickets.get("/v1/tickets/{ticket_id}/timeline", Timeline, example=examples.TIMELINE)
def read_ticket_timeline(
    desk: AtDesk,
    *,
    ticket_id: TicketId,
    after: After = None,
    limit: Limit = 50,
    order: InOrder = "asc",
    kinds: KindsQuery = None,
    as_of: AsOf = None,
    as_known: AsKnown = None,
) -> Read[Timeline]:
    """The history of one ticket."""
    return ReadTicketTimeline(
        desk.wiring.log,
        desk.finder,
        desk.caller,
        ticket_id,
        kinds=kinds_of(kinds),
        page=_page(f"ticket/{ticket_id}", limit, order, after, as_of, as_known),
    )


@conversations.get(
    "/v1/conversations/{conversation_id}/timeline", Timeline, example=examples.TIMELINE
)
def read_conversation_timeline(
    desk: AtDesk,
    *,
    conversation_id: ConversationId,
    after: After = None,
    limit: Limit = 50,
    order: InOrder = "asc",
    kinds: KindsQuery = None,
    as_of: AsOf = None,
    as_known: AsKnown = None,
) -> Read[Timeline]:
    """The history of a conversation over all its cases; an agent needs all of them to be theirs."""
    return ReadConversationTimeline(
        desk.wiring.log,
        desk.caller,
        conversation_id,
        kinds=kinds_of(kinds),
        page=_page(f"conversation/{conversation_id}", limit, order, after, as_of, as_known),
    )


def _page(
    name: str,
    limit: int,
    order: Order,
    after: str | None,
    *moments: datetime | None,
) -> Page:
    happened_by, known_by = moments
    place = cursors.place(timeline_list(name), after)
    return Page(limit, order, place, happened_by=happened_by, known_by=known_by)
