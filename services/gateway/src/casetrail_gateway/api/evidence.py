"""The path of the evidence bundle."""

from typing import Annotated

from casetrail_evidence.bundle.choosing import PATTERN
from fastapi import Query

from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import CaseId
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain.evidence import EvidenceFile
from casetrail_gateway.use_cases.evidence import ExportEvidence
from casetrail_gateway.use_cases.looking import Read

evidence = Reads("cases")

Disclose = Annotated[
    str,
    Query(
        pattern=PATTERN,
        max_length=1299,
        description="`public`: no personal value, each only proven to be withheld. `full`: all "
        "that are still kept. Or the private fields to show, `phone,text`: the others are "
        "withheld. Personal values are for leads, reviewers and administrators.",
        examples=["public", "full", "text,phone"],
    ),
]


@evidence.get("/v1/cases/{case_id}/evidence", EvidenceFile, example="PK…", also=(409, 500))
def export_evidence(
    desk: AtDesk, *, case_id: CaseId, disclose: Disclose = "public"
) -> Read[EvidenceFile]:
    """Everything about a case in one zip that can be checked without us, offline.

    Check it with `casetrail-verify bundle FILE --key KEY`, or open its verify.html.
    """
    wiring = desk.wiring
    return ExportEvidence(
        log=wiring.log,
        tree=wiring.tree,
        records=wiring.case_records,
        finder=desk.finder,
        clock=wiring.clock,
        print_timeline=wiring.print_timeline,
        caller=desk.caller,
        case_id=case_id,
        disclosure=disclose,
        patience=wiring.patience,
    )
