"""What routing set aside is seen, handled again, and told in the history of its case."""

from typing import Any

import httpx
from casetrail_contracts.subjects import DEAD, dead_subject
from nats.js import JetStreamContext

from tests.integration.gateway import test_handover_on_real_servers as handover
from tests.support.waiting import eventually
from tests.unit.routing import samples

tokens_file, gateway = handover.tokens_file, handover.gateway


async def test_a_message_that_routing_could_not_take_opens_its_case_after_all(
    gateway: httpx.AsyncClient, streams_applied: JetStreamContext
) -> None:
    """Listed without what is in it; the admin's reason and name stand in the case; then gone."""
    message = samples.message("cv_2", id="m-2")
    js = streams_applied
    ack = await js.publish(message.nats_subject, message.to_bytes(), stream="SUPPORT")
    await eventually(lambda: owned(gateway, "CASE-1002"), within=20)
    late = samples.message("cv_3", id="m-3")
    await js.publish(
        dead_subject("routing", "routing"),
        late.to_bytes(),
        headers={
            "reason": "ValueError: no plan for the queue returns",
            "stream": "SUPPORT",
            "stream_sequence": str(ack.seq),
            "num_delivered": "1",
            "original_subject": late.nats_subject,
        },
    )
    listed = await gateway.get("/v1/dead-letters", headers=handover.ADMIN)
    (letter,) = listed.json()["letters"]
    assert (letter["letter"], letter["handled_again"]) == (1, "here")
    path, why = "/v1/dead-letters/1/handle", {"reason": "the plan is there now"}
    refused = await gateway.post(path, json=why, headers=handover.LEAD)
    assert refused.status_code == 403
    key = {**handover.ADMIN, "Idempotency-Key": "once"}
    done = await gateway.post(path, json=why, headers=key)
    assert done.status_code == 200, done.text
    assert (await gateway.get("/v1/dead-letters", headers=handover.ADMIN)).json()["letters"] == []
    assert (await js.stream_info(DEAD)).state.messages == 0
    await eventually(lambda: owned(gateway, "CASE-1003"), within=20)

    async def told() -> Any:
        query = "/v1/records?action=letter.handled"
        records = (await gateway.get(query)).json()["items"]
        assert len(records) == 1
        return records[0]

    record = await eventually(told, within=20)
    assert record["actor"]["id"] == "admin"
    assert "the plan is there now" in record["summary"]
    again = await gateway.post(path, json=why, headers=key)
    assert (again.status_code, again.json()) == (200, done.json())


async def owned(gateway: httpx.AsyncClient, case: str) -> bool:
    """The case is there."""
    return (await gateway.get(f"/v1/cases/{case}")).is_success
