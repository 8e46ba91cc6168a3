"""INVARIANT I8: a customer is one customer in all their conversations, for erasures and holds."""

from typing import Any

import pytest
from casetrail_contracts import Actor, Event
from casetrail_contracts.registry.customer import CustomerIdentified
from casetrail_contracts.registry.message import WebhookOrigin

from tests.integration.audit.test_rebuild import Rebuild
from tests.integration.privacy.office import AT, CV, OTHER_CV, Office, said
from tests.integration.privacy.test_holds import ERASURES, hold


def identified() -> Event:
    """WhatsApp tells that the customer of the other conversation is the same."""
    return Event.build(
        CustomerIdentified(
            actor=Actor(kind="integration", id="whatsapp"),
            kind="number_changed",
            conversation_id=OTHER_CV,
            previous_conversation_id=CV,
            phone_number_id="1",
            origin=WebhookOrigin(received_at=AT, body_mac="ab" * 32, position="0.0.messages.0"),
        ),
        workspace="main",
        source="ingest",
        subject=f"customer/{OTHER_CV}",
        time=AT,
        id="identified",
        conversationid=OTHER_CV,
        private={"ids": ["zebra-old", "zebra-new"]},
    )


async def moved(office: Office) -> None:
    """A customer writes, moves to another number, writes from there, and gets a ticket."""
    await office.hear(said(1, "zebra one"))
    await office.hear(identified())
    await office.hear(said(2, "zebra two", OTHER_CV, "15550001111"))
    answer = await office.post("/v1/cases/CASE-1001/tickets", {"title": "Parcel"}, "token-lead")
    assert answer.status_code == 201, answer.text
    await office.quiet()
    (ticket,) = [r for r in await office.records() if r["action"] == "ticket.created"]
    assert [said["text"] for said in ticket["private"]["context"]] == ["zebra one", "zebra two"]


@pytest.mark.parametrize("scope", [{"customer": CV}, {"customer": OTHER_CV}, {"case": "CASE-1001"}])
async def test_an_erasure_reaches_every_conversation_of_the_customer(
    office: Office, scope: dict[str, Any]
) -> None:
    """Whichever of them is named: nothing they wrote is left anywhere, quoted or not."""
    await moved(office)
    await office.erase(scope)
    left = [name for name, text in (await office.everything()).items() if "zebra t" in text]
    left += [name for name, text in (await office.everything()).items() if "zebra o" in text]
    assert left == []


@pytest.mark.parametrize("held", [{"customer": CV}, {"customer": OTHER_CV}, {"case": "CASE-1001"}])
async def test_a_hold_covers_every_conversation_of_the_customer(
    office: Office, held: dict[str, Any]
) -> None:
    """An erasure that names the other conversation is refused as well."""
    await moved(office)
    hold_id = await hold(office, held)
    for scope in ({"customer": CV}, {"customer": OTHER_CV}, {"case": "CASE-1001"}):
        body = {"scope": scope, "policy": "customer-request", "reason": "by letter"}
        refused = await office.post(ERASURES, body)
        assert refused.status_code == 409, refused.text
        assert hold_id in refused.json()["detail"]


async def test_a_rebuild_brings_the_registers_back(office: Office) -> None:
    """Holds, their releases and erasures stand in the rebuilt log as in the running one."""
    await moved(office)
    released = await hold(office, {"customer": CV})
    for token in ("token-admin", "token-second"):
        answer = await office.post(
            f"/v1/privacy/holds/{released}/release", {"reason": "settled"}, token
        )
        assert answer.status_code == 200, answer.text
    await office.erase({"customer": CV}, fields=["phone"])
    await hold(office, {"case": "CASE-1001"})
    asked = await hold(office, {"customer": OTHER_CV})
    await office.post(f"/v1/privacy/holds/{asked}/release", {"reason": "settled"})
    await office.quiet()
    rebuild = Rebuild(office.audit_settings, office.audit)
    outcome = await rebuild.beside()
    assert (outcome.code, outcome.differences) == (0, []), outcome.sentences
    assert "Registers made anew: 3 holds, 1 erasures." in outcome.sentences
    for name in ("holds", "erasures"):
        mine = [row async for row in office.audit[name].find().sort("_id", 1)]
        made = [row async for row in rebuild.shadow[name].find().sort("_id", 1)]
        for one, other in zip(mine, made, strict=True):
            for field in ("_id", "workspace", "version", "state"):
                assert one[field] == other[field], field
            by_hand = {mark["id"] for mark in one["applied"] if mark["result"]}
            assert by_hand <= {mark["id"] for mark in other["applied"]}
