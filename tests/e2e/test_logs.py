"""Logs of a busy and troubled stack: what happened can be followed, nobody can be found."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from casetrail_local.whatsapp import Customer, post_webhook, text_webhook

from tests.e2e.conftest import RunningStack, running_stack
from tests.support.waiting import eventually

SERVICES = ("ingest", "routing", "tickets", "audit", "gateway")
SAID = "zarghun-marker mera number 03001234567 hai"
NOTED = "quetta-marker called the customer's sister"


@pytest.mark.stack
async def test_logs_hold_nothing_personal_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT I8: at the most talkative level, with faults on the way, every line is searched."""
    for service in SERVICES:
        monkeypatch.setenv(f"{service.upper()}_LOG_LEVEL", "debug")
        monkeypatch.setenv(f"{service.upper()}_LOG_FORMAT", "json")
    with running_stack(tmp_path / "stack") as stack:
        told = await asyncio.to_thread(stack.story().play)
        customer = Customer.new()
        await asyncio.to_thread(trouble, stack, customer, told.case_id, told.ticket_id)
        description = stack.description
        identity = stack.identity()

        async def recovered() -> bool:
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                token = {"Authorization": f"Bearer {description.tokens.reviewer}"}
                url = f"{description.gateway_url}/v1/cases/{told.case_id}"
                return (await client.get(url, headers=token)).is_success

        assert await eventually(recovered, within=60)
    logs = [path for path in (tmp_path / "stack" / "logs").iterdir() if path.is_file()]
    text = "\n".join(path.read_text("utf-8", "replace") for path in logs)
    assert all(any(service in path.name for path in logs) for service in SERVICES)
    secrets = [
        *description.tokens.model_dump().values(),
        description.app_secret,
        description.verify_token,
        identity.workspace_key,
    ]
    personal = [customer.phone, customer.phone[-10:], "zarghun-marker", "quetta-marker", "bilkul"]
    for forbidden in [*secrets, *personal, "Parcel not delivered", "wrong depot"]:
        assert forbidden
        assert forbidden not in text, f"in the logs: {forbidden[:12]}…"
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"')]
    assert len(lines) > 20
    assert any(line.get("correlation_id") for line in lines)


def trouble(stack: RunningStack, customer: Customer, case_id: str, ticket_id: str) -> None:
    """What makes services speak: bad bodies, refusals, a message while MongoDB is killed."""
    description = stack.description
    post_webhook(description, text_webhook(description, customer, SAID))
    with httpx.Client(timeout=30, trust_env=False, base_url=description.gateway_url) as client:
        agent = {"Authorization": f"Bearer {description.tokens.agent}"}
        client.post(f"/v1/tickets/{ticket_id}/notes", json={"note": NOTED}, headers=agent)
        client.post(f"/v1/tickets/{ticket_id}/notes", json={"nonsense": SAID}, headers=agent)
        client.get(f"/v1/cases/{case_id}?q={customer.phone}", headers=agent)
        client.get("/v1/cases", headers={"Authorization": f"Bearer {SAID[:14]}"})
        stack.kill("mongo")
        post_webhook(description, text_webhook(description, customer, SAID))
        client.post(f"/v1/tickets/{ticket_id}/notes", json={"note": NOTED}, headers=agent)
        client.get("/v1/cases", params={"q": customer.phone}, headers=agent)
    with httpx.Client(timeout=30, trust_env=False) as client:
        bad = {"x-hub-signature-256": "sha256=00", "content-type": "application/json"}
        body = json.dumps({"entry": SAID})
        client.post(f"{description.ingest_url}/webhooks/whatsapp", content=body, headers=bad)
