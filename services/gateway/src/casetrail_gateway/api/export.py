"""The path of exports."""

from importlib.metadata import version
from typing import Annotated, Final

from fastapi import Query

from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import (
    ActionQuery,
    ActorQuery,
    CaseQuery,
    CustomerQuery,
    MomentQuery,
    SearchQuery,
    TargetQuery,
    TicketQuery,
    customer_of,
    record_filter,
)
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain.export_forms import Form
from casetrail_gateway.domain.search import records_asked
from casetrail_gateway.use_cases.exports import Export, ExportRecords
from casetrail_gateway.use_cases.looking import Read

export = Reads("records")

FromQuery = Annotated[MomentQuery, Query(alias="from")]
ToQuery = Annotated[MomentQuery, Query(alias="to")]
_VERSION: Final = version("casetrail-gateway")


@export.get("/v1/export", Export)
def export_records(
    desk: AtDesk,
    *,
    form: Annotated[
        Form,
        Query(
            alias="format",
            description="`csv` for spreadsheets, `jsonl` one record a line as `/v1/records/{seq}` "
            "gives it, `ocsf` one event of the class API Activity (OCSF 1.3.0) a line.",
        ),
    ],
    actor: ActorQuery = None,
    action: ActionQuery = None,
    target: TargetQuery = None,
    case: CaseQuery = None,
    ticket: TicketQuery = None,
    customer: CustomerQuery = None,
    occurred_from: FromQuery = None,
    occurred_to: ToQuery = None,
    q: SearchQuery = None,
    after: Annotated[
        int | None,
        Query(ge=0, lt=2**63, description="Go on after the last sequence you have."),
    ] = None,
) -> Read[Export]:
    """The records of a search as a file, in log order, however many; the filters of `/v1/records`.

    `X-Complete-Through` says as of which sequence. `after` goes on with a file that broke off.
    """
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
    wiring = desk.wiring
    return ExportRecords(
        log=wiring.log,
        index=wiring.words,
        customers=wiring.customers,
        finder=desk.finder,
        caller=desk.caller,
        search=records_asked(q, given, phone),
        form=form,
        after=after,
        version=_VERSION,
    )
