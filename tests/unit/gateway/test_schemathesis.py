"""The whole API as somebody else's tool sees it: requests made by Schemathesis of the document.

test_whole_document.py walks the same document with our own requests and from every role; this one
shows that the document says of itself what is true, to a reader who knows nothing else.
"""

from typing import Any

import schemathesis
from casetrail_evidence.leaves import leaf_hash
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.gateway.world import EVIDENCE, LAST_SEQ, World

WORLD = World()
WORLD.log.documents[LAST_SEQ]["leaf"] = leaf_hash(EVIDENCE)  # as the tree has it
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
schema = schemathesis.openapi.from_asgi("/openapi.json", WORLD.app).exclude(path="/v1/live")
"""A live tail goes on for as long as it is asked to; test_live.py has it."""


@schema.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_the_document_names(case: schemathesis.Case[Any]) -> None:
    """No 5xx, no status, type or body that is not in the document; whatever is sent."""
    answer = case.call(headers={"Authorization": "Bearer token-admin"})
    case.validate_response(answer, checks=CHECKS)
