"""A customer gets a new number while they wait: one case, one history, one answer."""

import asyncio
import json
import secrets
import time
from dataclasses import replace
from typing import Any

import httpx
from casetrail_contracts.ids import conversation_id
from casetrail_local.whatsapp import BUSINESS_NUMBER, Customer, post_webhook, text_webhook

from tests.e2e.conftest import RunningStack
from tests.support.invariants import Inspector
from tests.support.waiting import eventually


def number_changed(stack: Any, old: Customer, new: Customer) -> bytes:
    """The system message WhatsApp sends when somebody moves to another number."""
    message = {
        "from": old.phone,
        "id": f"wamid.{secrets.token_urlsafe(30)}",
        "timestamp": str(int(time.time())),
        "type": "system",
        "system": {
            "type": "user_changed_number",
            "wa_id": new.phone,
            "body": f"{old.name} changed from {old.phone} to {new.phone}",
        },
    }
    metadata = {
        "display_phone_number": BUSINESS_NUMBER,
        "phone_number_id": stack.phone_number_id,
    }
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    change = {"field": "messages", "value": value}
    entry = [{"id": "557700000000000", "changes": [change]}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()


async def only_case(client: httpx.AsyncClient, conversation: str) -> dict[str, Any]:
    """The case of a conversation, as soon as the views have it."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await client.get("/v1/cases", params={"customer": conversation})
        found[:] = answer.raise_for_status().json()["items"]
        return len(found) == 1

    await eventually(is_there, within=30)
    return found[0]


async def test_a_new_number_goes_on_in_the_same_case(stack: RunningStack) -> None:
    """Old number, the change, new number, a ticket, a close, and the new number again."""
    described, key = stack.description, stack.identity().workspace_key.encode()
    old = Customer.new()
    new = replace(old, phone=Customer.new().phone)
    ids = {
        who.phone: conversation_id(key, described.phone_number_id, who.phone) for who in (old, new)
    }
    headers = {"authorization": f"Bearer {described.tokens.lead}"}
    async with (
        httpx.AsyncClient(
            base_url=described.gateway_url, headers=headers, timeout=60, trust_env=False
        ) as client,
        Inspector(described) as inspector,
    ):

        async def say(body: bytes) -> None:
            await asyncio.to_thread(post_webhook, described, body)
            await eventually(inspector.settled, within=60)

        await say(text_webhook(described, old, "Salam, parcel kahan hai?"))
        await say(number_changed(described, old, new))
        await say(text_webhook(described, new, "Yeh mera naya number hai"))
        case = await only_case(client, ids[new.phone])
        assert case == await only_case(client, ids[old.phone])
        assert case["conversation_ids"] == [ids[old.phone], ids[new.phone]]
        path = f"/v1/cases/{case['case_id']}"
        ticket = await client.post(f"{path}/tickets", json={"title": "Parcel never came"})
        assert ticket.status_code == 201, ticket.text
        await say(text_webhook(described, new, "Koi jawab?"))
        closed = await client.post(f"{path}/close", json={"reason": "found it"})
        assert closed.status_code == 200, closed.text
        await eventually(inspector.settled, within=60)
        await say(text_webhook(described, new, "Abhi bhi nahi aya"))

        async def open_again() -> bool:
            return bool((await client.get(path)).json()["status"] == "open")

        await eventually(open_again, within=30)
        whole = (await client.get(path)).raise_for_status().json()
        assert whole["clock_faults"] == []
        assert all(clock["agrees"] for clock in whole["clocks"])
        entries = (await client.get(f"{path}/timeline")).raise_for_status().json()["entries"]
        actions = [entry["action"] for entry in entries]
        assert actions.count("message.received") == 4
        assert actions.count("conversation.opened") == 1
        assert actions.count("conversation.linked") == 1
        assert actions.count("conversation.reopened") == 1
        created = next(entry for entry in entries if entry["action"] == "ticket.created")
        assert "2 messages" in created["summary"]
        await eventually(inspector.settled, within=60)
        await inspector.check()


async def test_two_cases_that_turn_out_to_be_one_are_merged(stack: RunningStack) -> None:
    """By a lead: the other case is closed, and its history is told in the one that goes on."""
    described = stack.description
    one, other = Customer.new(), Customer.new()
    key = stack.identity().workspace_key.encode()
    headers = {"authorization": f"Bearer {described.tokens.lead}"}
    async with (
        httpx.AsyncClient(
            base_url=described.gateway_url, headers=headers, timeout=60, trust_env=False
        ) as client,
        Inspector(described) as inspector,
    ):
        names = []
        for who in (one, other):
            await asyncio.to_thread(
                post_webhook, described, text_webhook(described, who, f"I am {who.phone}")
            )
            await eventually(inspector.settled, within=60)
            where = conversation_id(key, described.phone_number_id, who.phone)
            names.append((await only_case(client, where))["case_id"])
        first, second = names
        body = {"into_case_id": first, "reason": "her brother wrote for her"}
        linked = await client.post(f"/v1/cases/{second}/link", json=body)
        assert linked.status_code == 200, linked.text
        assert linked.json()["linked_to"] == first

        async def merged() -> bool:
            ended = (await client.get(f"/v1/cases/{second}")).json()
            goes_on = (await client.get(f"/v1/cases/{first}")).json()
            told = (ended["status"], ended["merged_into"], goes_on["merged_case_ids"])
            return told == ("closed", first, [second])

        await eventually(merged, within=30)
        timeline = (await client.get(f"/v1/cases/{first}/timeline")).json()
        assert timeline["case"]["merged_case_ids"] == [second]
        said = [e for e in timeline["entries"] if e["action"] == "message.received"]
        assert len(said) == 2
        again = await client.post(f"/v1/cases/{second}/link", json=body)
        assert again.status_code == 409, again.text
        await eventually(inspector.settled, within=60)
        await inspector.check()
