"""Paths of erasures that read; those that change something stand with the other actions."""

from casetrail_contracts.privacy_api import ErasureAnswer

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import ErasureId
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.use_cases.erasures import ReadErasure
from casetrail_gateway.use_cases.looking import Read

privacy = Reads("privacy")


@privacy.get("/v1/privacy/erasures/{erasure_id}", ErasureAnswer, example=examples.ERASURE)
def read_erasure(desk: AtDesk, erasure_id: ErasureId) -> Read[ErasureAnswer]:
    """An erasure and its certificate: who, why, under which policy, what is gone, what stays."""
    return ReadErasure(desk.wiring.log, desk.caller, erasure_id)
