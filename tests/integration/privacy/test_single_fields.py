"""Single fields erased on real servers: these are gone everywhere, the others stay and verify."""

import io
from typing import Any

from casetrail_audit.domain.erased import kept_as_logged
from casetrail_evidence.bundle.checking import CheckedBundle, check_bundle
from casetrail_evidence.keys import VerifierKey
from casetrail_local.servers import NatsServer

from tests.integration.audit.test_rebuild import Rebuild
from tests.integration.privacy import test_erasure as whole
from tests.integration.privacy.office import CV, Office, said
from tests.integration.privacy.test_holds import ERASURES, hold
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually


async def gone(office: Office, nats_server: NatsForTests, *words: str) -> None:
    """Nothing of these words in any database, stream or file of a stream."""

    async def nothing_left() -> bool:
        kept = await office.everything()
        found = [
            f"{where}: {word}" for where, text in kept.items() for word in words if word in text
        ]
        assert found == []
        return True

    await eventually(nothing_left, within=10)
    if isinstance(nats_server, NatsServer):
        assert whole._files_with(nats_server.data_dir / "jetstream", words) == []


async def checked(office: Office) -> CheckedBundle:
    """The full bundle of the case, in which everything holds."""
    key = VerifierKey.parse((await office.client.get("/log/key")).text.strip())
    return check_bundle(io.BytesIO(await whole._bundle(office)), [key])


async def test_one_field_after_the_other(office: Office, nats_server: NatsForTests) -> None:
    """INVARIANT I8: phone, then text, then all: each time it is gone, the rest proven as before."""
    await whole.told_story(office)
    before = {record["_id"]: record for record in await office.records()}
    proofs = {seq: await whole._proof(office, seq) for seq in before}
    old_bundle = await whole._bundle(office)
    present = check_bundle(io.BytesIO(old_bundle)).present

    erasure_id = await office.erase({"customer": CV}, fields=["phone"])
    await gone(office, nats_server, whole.PHONE)
    told = await office.done(erasure_id)
    assert (told["status"], told["fields"]) == ("complete", ["phone"])
    assert {tuple(each["fields"]) for each in told["records"]} == {("phone", "raw"), ("bytes",)}
    first = await office.get("/v1/records/1")
    assert set(first["private"]) == {"name", "text"}
    assert first["summary"] == (
        f"Message received: «{whole.FIRST}» (phone, raw erased under policy customer-request)"
    )
    now = await checked(office)
    lost = now.withheld["customer-request/1"]
    assert lost == 4  # phone and raw of two messages
    assert now.present == present - lost + 1  # the reason of the erasure is new in the case

    await office.erase({"case": "CASE-1001"}, "message-content", fields=["text"])
    await gone(office, nats_server, whole.PHONE, "zebra-one", "zebra-two")
    ticket = next(r for r in await office.records() if r["action"] == "ticket.created")
    assert set(ticket["private"]) == {"title", "salt"}
    record = (await office.records())[0]
    assert (set(record["private"]), record["erased"]["policy"]) == (
        {"name", "salt"},
        "message-content",
    )
    assert [each["policy"] for each in record["erased"]["before"]] == ["customer-request"]
    assert kept_as_logged(record)
    assert (await checked(office)).withheld == {"customer-request/1": lost, "message-content/1": 3}

    rebuild = Rebuild(office.audit_settings, office.audit)
    outcome = await rebuild.beside()
    assert (outcome.code, outcome.differences) == (0, []), outcome.sentences

    await office.erase({"customer": CV})
    await gone(office, nats_server, *whole.GONE)
    await whole._leaves_stand(office, before, proofs)
    assert check_bundle(io.BytesIO(old_bundle)).present == present
    end = await checked(office)
    assert end.withheld["message-content/1"] == 3
    assert end.withheld["customer-request/1"] > lost
    await rebuild.shadow.client.drop_database(rebuild.shadow.name)
    outcome = await rebuild.beside()
    assert (outcome.code, outcome.differences) == (0, []), outcome.sentences


async def test_a_copy_of_what_lost_a_field_brings_nothing_back(
    office: Office, nats_server: NatsForTests
) -> None:
    """INVARIANT I8: WhatsApp's retry holds all fields: its record keeps no bytes."""
    await office.hear(said(1, "zebra"))
    await office.erase({"case": "CASE-1001"}, fields=["phone"])
    copy = said(1, "zebra")
    await office.publisher.publish_raw(copy.nats_subject, copy.to_bytes(), "a week later", None)
    await office.quiet()
    await gone(office, nats_server, "923001114291")
    records = await office.records()
    assert records[0]["private"]["text"] == "zebra"
    (late,) = [record for record in records if record["kind"] == "duplicate"]
    assert (late["private"], late["erased"]["fields"]) == (None, ["bytes"])


async def test_a_hold_and_odd_names_are_refused(office: Office) -> None:
    """A name no field can have is 422; a hold stands in the way of single fields as well."""
    await office.hear(said(1, "zebra"))
    body = {"scope": {"customer": CV}, "policy": "customer-request", "reason": "by letter"}
    odd: list[Any] = [["salt pepper"], [], ["$where"], ["a.b"], ["x"] * 21, "phone"]
    for fields in odd:
        assert (await office.post(ERASURES, {**body, "fields": fields})).status_code == 422, fields
    held = await hold(office, {"case": "CASE-1001"})
    refused = await office.post(ERASURES, {**body, "fields": ["phone"]})
    assert (refused.status_code, held in refused.json()["detail"]) == (409, True)
    await office.quiet()
    assert (await office.records())[0]["private"]["phone"] == "923001114291"
