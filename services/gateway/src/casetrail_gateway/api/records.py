"""Paths of the log that read: records, a person's activity, and the log's own state."""

from typing import Annotated

from casetrail_contracts.api import ActivityAnswer, LogStatus, RecordPage, RecordView
from fastapi import APIRouter, Query

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import (
    ActionQuery,
    ActorQuery,
    After,
    CaseQuery,
    Cursor,
    CustomerQuery,
    InOrder,
    KindsQuery,
    Limit,
    MomentQuery,
    SearchQuery,
    Seq,
    TargetQuery,
    TicketQuery,
    UserId,
    customer_of,
    kinds_of,
    record_filter,
)
from casetrail_gateway.api.reads import Reads, problems
from casetrail_gateway.domain import cursors
from casetrail_gateway.domain.errors import NotPermitted
from casetrail_gateway.domain.log import Page
from casetrail_gateway.domain.people import PERMITTED
from casetrail_gateway.domain.search import records_asked
from casetrail_gateway.use_cases.log_status import ReadLogStatus
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.records import (
    ReadActivity,
    ReadRecord,
    SearchRecords,
    activity_list,
)

FromQuery = Annotated[MomentQuery, Query(alias="from")]
ToQuery = Annotated[MomentQuery, Query(alias="to")]

records = Reads("records")
users = Reads("users")
log = APIRouter(tags=["log"])
_STATUS = "/v1/log/status"


@records.get("/v1/records", RecordPage, example=examples.RECORDS)
def search_records(
    desk: AtDesk,
    *,
    actor: ActorQuery = None,
    action: ActionQuery = None,
    target: TargetQuery = None,
    case: CaseQuery = None,
    ticket: TicketQuery = None,
    customer: CustomerQuery = None,
    occurred_from: FromQuery = None,
    occurred_to: ToQuery = None,
    q: SearchQuery = None,
    limit: Limit = 50,
    order: InOrder = "desc",
    cursor: Cursor = None,
) -> Read[RecordPage]:
    """Records of the log, the newest first. An agent names a case or ticket of theirs, or self."""
    conversation_id, phone = customer_of(customer)
    given = record_filter(
        actor,
        action,
        target,
        case=case,
        ticket=ticket,
        conversation_id=conversation_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
    )
    return SearchRecords(
        log=desk.wiring.log,
        index=desk.wiring.words,
        customers=desk.wiring.customers,
        finder=desk.finder,
        caller=desk.caller,
        search=records_asked(q, given, phone),
        limit=limit,
        order=order,
        cursor=cursor,
    )


@records.get("/v1/records/{seq}", RecordView, example=examples.RECORD)
def read_record(desk: AtDesk, seq: Seq) -> Read[RecordView]:
    """One record with its leaf: `SHA-256(0x00 || leaf_input)` is `leaf`."""
    return ReadRecord(desk.wiring.log, desk.caller, seq)


@users.get("/v1/users/{user_id}/activity", ActivityAnswer, example=examples.ACTIVITY)
def read_activity(
    desk: AtDesk,
    *,
    user_id: UserId,
    after: After = None,
    limit: Limit = 50,
    order: InOrder = "desc",
    kinds: KindsQuery = None,
) -> Read[ActivityAnswer]:
    """What a person did, the newest first; `kinds=access` shows what they looked at."""
    page = Page(limit, order, cursors.place(activity_list(user_id), after))
    return ReadActivity(
        desk.wiring.log,
        desk.finder,
        desk.caller,
        user_id,
        kinds=kinds_of(kinds),
        page=page,
    )


@log.get(
    _STATUS,
    responses=problems(401, 403, 503, example=examples.LOG_STATUS),
)
async def read_log_status(desk: AtDesk) -> LogStatus:
    """How far the log is complete. Numbers of the log as a whole, so no look is recorded."""
    if desk.caller.role not in PERMITTED["GET", _STATUS]:
        raise NotPermitted(f"The role {desk.caller.role} may not read this.")
    return await ReadLogStatus(desk.wiring.log, desk.wiring.stream, desk.wiring.tree)()
