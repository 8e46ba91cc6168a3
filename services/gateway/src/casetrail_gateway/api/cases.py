"""Paths of cases, tickets and conversations that read."""

from dataclasses import replace
from typing import Annotated

from casetrail_contracts.api import CaseAnswer, CasePage, TicketAnswer, Timeline
from fastapi import Query

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import (
    After,
    CaseId,
    ConversationId,
    Cursor,
    InOrder,
    KindsQuery,
    Limit,
    MomentQuery,
    OwnerQuery,
    StatusQuery,
    TicketId,
    TicketQuery,
    kinds_of,
)
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import FilterNotAvailable, QueryNotUnderstood
from casetrail_gateway.domain.log import CaseFilter, Order, Page
from casetrail_gateway.domain.search import understood
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
    q: Annotated[
        str | None,
        Query(max_length=200, description="A case, a ticket or an owner.", examples=["T-1001"]),
    ] = None,
    status: StatusQuery = None,
    owner: OwnerQuery = None,
    ticket: TicketQuery = None,
    escalated: bool | None = None,
    opened_from: MomentQuery = None,
    opened_to: MomentQuery = None,
    customer: Annotated[
        str | None, Query(max_length=200, description="Not available yet.", deprecated=True)
    ] = None,
    tag: Annotated[
        str | None, Query(max_length=200, description="Not available yet.", deprecated=True)
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Read[CasePage]:
    """Cases, the newest first. An agent sees those they own, ever held, or that nobody owns."""
    for name, value in (("customer", customer), ("tag", tag)):
        if value is not None:
            raise FilterNotAvailable(
                f"Cases cannot be looked up by {name} yet; what was given has not been kept."
            )
    wanted = CaseFilter(
        status=status,
        owner=owner,
        ticket_id=ticket,
        escalated=escalated,
        opened_from=opened_from,
        opened_to=opened_to,
    )
    if q is not None:
        found = understood(q)
        for name, value in found.items():
            if getattr(wanted, name) not in {None, value}:
                raise QueryNotUnderstood(f"q and a filter name two different values of {name}.")
        wanted = replace(wanted, **found)  # type: ignore[arg-type]
    return ListCases(
        desk.wiring.log,
        desk.caller,
        wanted,
        limit=limit,
        cursor=cursor,
        query={} if q is None else {"q": q},
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
) -> Read[Timeline]:
    """Who did what, when and why: the case's conversation and tickets in one history."""
    return ReadCaseTimeline(
        desk.wiring.log,
        desk.finder,
        desk.caller,
        case_id,
        kinds=kinds_of(kinds),
        page=_page(f"case/{case_id}", limit, order, after),
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
) -> Read[Timeline]:
    """The history of one ticket."""
    return ReadTicketTimeline(
        desk.wiring.log,
        desk.finder,
        desk.caller,
        ticket_id,
        kinds=kinds_of(kinds),
        page=_page(f"ticket/{ticket_id}", limit, order, after),
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
) -> Read[Timeline]:
    """The history of a conversation over all its cases; an agent needs all of them to be theirs."""
    return ReadConversationTimeline(
        desk.wiring.log,
        desk.caller,
        conversation_id,
        kinds=kinds_of(kinds),
        page=_page(f"conversation/{conversation_id}", limit, order, after),
    )


def _page(name: str, limit: int, order: Order, after: str | None) -> Page:
    return Page(limit, order, cursors.place(timeline_list(name), after))
