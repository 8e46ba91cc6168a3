"""The path of the live tail."""

from typing import Annotated

from fastapi import Header, Query

from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import (
    ActionQuery,
    ActorQuery,
    CaseQuery,
    CustomerQuery,
    SearchQuery,
    TargetQuery,
    TicketQuery,
    customer_of,
    record_filter,
)
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain.search import records_asked
from casetrail_gateway.use_cases.live import LONGEST, FollowLive, LiveFeed
from casetrail_gateway.use_cases.looking import Read

live = Reads("records")


@live.get("/v1/live", LiveFeed, example='id: 12\nevent: entry\ndata: {"seq":12,"summary":"…"}')
def follow_live(
    desk: AtDesk,
    *,
    actor: ActorQuery = None,
    action: ActionQuery = None,
    target: TargetQuery = None,
    case: CaseQuery = None,
    ticket: TicketQuery = None,
    customer: CustomerQuery = None,
    q: SearchQuery = None,
    seconds: Annotated[
        int, Query(ge=0, le=LONGEST, description="How long to go on; 0 for what was missed only.")
    ] = LONGEST,
    last_event_id: Annotated[
        int | None,
        Header(ge=0, lt=2**63, description="The sequence of the last event, to go on after it."),
    ] = None,
) -> Read[LiveFeed]:
    """Records as they are recorded, as server-sent events with `id` the sequence.

    Looks are shown when `action=access` asks for them. `status` events say how far everything was
    sent. A client that does not keep up gets `dropped`, or its connection is closed; it comes back
    with `Last-Event-ID`. An agent sees records of cases they may open, and their own acts.
    """
    conversation_id, phone = customer_of(customer)
    given = record_filter(
        actor, action, target, case=case, ticket=ticket, conversation_id=conversation_id
    )
    return FollowLive(
        log=desk.wiring.log,
        hub=desk.wiring.hub,
        customers=desk.wiring.customers,
        finder=desk.finder,
        caller=desk.caller,
        search=records_asked(q, given, phone),
        last=last_event_id,
        seconds=seconds,
        monotonic=desk.wiring.monotonic,
    )
