"""The evidence bundle over real servers: audit records and seals, the gateway hands out."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_audit.sealing.assembly import make_sealer
from casetrail_contracts import Actor, Event, parse_event
from casetrail_contracts.envelope import Change, EventData
from casetrail_contracts.registry.conversation import (
    ConversationAssigned,
    ConversationClosed,
    ConversationOpened,
)
from casetrail_contracts.registry.message import MessageReceived, WebhookOrigin
from casetrail_contracts.registry.ticket import TicketClosed
from casetrail_contracts.subjects import SUPPORT
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.bundle.faults import VersionMissing
from casetrail_evidence.cli import main as verify
from casetrail_evidence.keys import SignerKey
from casetrail_runtime.mongo import Database
from casetrail_runtime.publisher import StreamPublisher
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from tests.integration.audit.replica import Replica, running, settings_for
from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually
from tests.unit.evidence.bundles import unpacked

CV = "cv_6ajxh7e6vooz6cksap7wr3rmvq"
AT = datetime(2026, 11, 22, 10, 11, 52, tzinfo=UTC)
TEXT = "parcel nahi aya, 5 din ho gaye — پارسل نہیں آیا"
PHONE = "923001114291"
PATH = "/v1/cases/CASE-1001/evidence"
SIGNER = SignerKey("casetrail.local/support", bytes(32))
"""The key of the replica's settings."""
KEY = str(SIGNER.verifier)
ROUTING = Actor(kind="service", id="routing")
tokens_file = real.tokens_file


def event(data: EventData, number: int, subject: str, **more: Any) -> Event:
    """An event of the conversation, ten seconds after the one before."""
    return Event.build(
        data,
        workspace="main",
        source="tests",
        subject=subject,
        time=AT + timedelta(seconds=10 * number),
        id=f"e{number}",
        conversationid=CV,
        **more,
    )


def events() -> list[Event]:
    """A message, its case, an owner, the close."""
    origin = WebhookOrigin(received_at=AT, body_mac="ab" * 32, position="0.0.messages.0")
    conversation, case = f"conversation/{CV}", {"caseid": "CASE-1001"}
    message = MessageReceived(
        actor=Actor(kind="customer", id=CV),
        message_id="ms_1",
        message_type="text",
        phone_number_id="1",
        origin=origin,
    )
    opened = ConversationOpened(actor=ROUTING, phone_number_id="1", message_event_id="e1")
    assigned = ConversationAssigned(
        actor=ROUTING,
        owner="agent:a",
        owner_name="Agent A",
        queue="shared-inbox",
        reason="from shared inbox queue",
        changes=[Change(field="owner", new="agent:a")],
    )
    closed = ConversationClosed(actor=ROUTING, reason="solved")
    private = {"text": TEXT, "phone": PHONE}
    return [
        event(message, 1, "message/ms_1", private=private),
        event(opened, 2, conversation, sequence=1, causationid="e1", **case),
        event(assigned, 3, conversation, sequence=2, **case),
        event(closed, 4, conversation, sequence=3, **case),
    ]


@dataclass(frozen=True)
class Site:
    """A gateway over a log that audit records and seals."""

    gateway: httpx.AsyncClient
    replica: Replica
    publish: Callable[[list[Event]], Awaitable[int]]

    async def bundle(
        self, disclose: str = "public", token: str = "token-reviewer", atleast: int = 4
    ) -> bytes:
        """The bundle, once so many records of the case are sealed."""

        async def taken() -> bytes:
            answer = await self.gateway.get(
                f"{PATH}?disclose={disclose}", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200, answer.text
            found = json.loads(unpacked(answer.content)["manifest.json"])
            assert found["records"] >= atleast
            return answer.content

        return await eventually(taken, within=20)


@pytest.fixture
async def site(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tokens_file: Path,
) -> AsyncIterator[Site]:
    """The case is recorded; the sealer runs as it does in the service."""
    settings = settings_for(nats_server.url, mongo_url, seal_every=0.1)
    async with running(settings) as replica:
        sealer = make_sealer(settings, replica.broker, replica.db, CollectorRegistry())
        await sealer.start()
        publisher = StreamPublisher(replica.broker, SUPPORT)

        async def publish(made: list[Event]) -> int:
            return (await publisher.publish_all(made))[-1].seq

        await replica.complete(await publish(events()))
        async with real.running(nats_server.url, mongo_url, tokens_file) as client:
            yield Site(client, replica, publish)
        await publisher.close()
        await sealer.stop()


async def test_a_bundle_goes_from_the_gateway_to_a_verifier(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """INVARIANT I7: what the gateway hands out verifies with nothing but the pinned key."""
    answer = await site.gateway.get(f"{PATH}?disclose=full")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    disposition = 'attachment; filename="CASE-1001-evidence-full.zip"'
    assert answer.headers["content-disposition"] == disposition
    file = tmp_path / "bundle.zip"
    file.write_bytes(await site.bundle("full"))
    code = await asyncio.to_thread(verify, ["bundle", str(file), "--key", KEY])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert f"conversation/{CV}: versions 1-3, none missing." in out
    assert "Personal values: 2 present, 0 missing." in out
    files = unpacked(file.read_bytes())
    assert TEXT in files["timeline.html"].decode()
    salts = [r["private"]["salt"] for r in await site.replica.records() if r["private"]]
    assert salts
    assert not any(salt.encode() in data for salt in salts for data in files.values())


async def test_a_public_bundle_holds_no_plaintext(site: Site) -> None:
    """INVARIANT I8: neither text nor phone nor a salt anywhere in the zip; it still proves."""
    data = await site.bundle("public")
    everything = data + b"".join(unpacked(data).values())
    salts = [r["private"]["salt"] for r in await site.replica.records() if r["private"]]
    for secret in (TEXT, "parcel", "پارسل", PHONE, *salts):
        assert secret.encode() not in everything
        assert json.dumps(secret).strip('"').encode() not in everything
    # Four digits come by chance in hashes and encoded bytes; on their own they would be a phone's.
    assert not re.search(rb"(?<![\w+/=-])%b(?![\w+/=-])" % PHONE[-4:].encode(), everything)
    checked = check_bundle(io.BytesIO(data), [SIGNER.verifier])
    assert (checked.present, checked.withheld) == (0, {"public-disclosure": 2})


async def test_chosen_fields_leave_and_the_others_stay(
    site: Site, streams_applied: JetStreamContext
) -> None:
    """The text without the phone; who took which fields is in the log; odd names are told."""
    data = await site.bundle("text")
    assert PHONE.encode() not in b"".join(unpacked(data).values())
    checked = check_bundle(io.BytesIO(data), [SIGNER.verifier])
    assert (checked.present, checked.withheld) == (1, {"chosen-disclosure": 1})
    exported = [
        parsed.model_dump()["data"]
        for parsed in await real.stored(streams_applied)
        if parsed.noun_verb == "access.exported"
    ]
    assert {(each["disclosure"], *each["fields"]) for each in exported} == {("chosen", "text")}
    for disclose, token, status, sentence in (
        ("txt", "token-reviewer", 422, "has the private field txt; it has phone, text."),
        ("public,text", "token-reviewer", 422, "public and full stand alone"),
        ("te xt", "token-reviewer", 422, ""),
        ("text", "token-agent", 403, "ask for disclose=public"),
    ):
        answer = await site.gateway.get(
            f"{PATH}?disclose={disclose}", headers={"Authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, sentence in answer.text) == (status, True), answer.text


async def test_the_export_is_recorded_first_and_stands_in_the_next_bundle(
    site: Site, streams_applied: JetStreamContext
) -> None:
    """INVARIANT I9: who took what, how much of it, before it was given; the log keeps it."""
    await site.gateway.get(f"{PATH}?disclose=full")
    (exported,) = [
        parsed
        for parsed in await real.stored(streams_applied)
        if (parsed.noun_verb, parsed.caseid) == ("access.exported", "CASE-1001")
    ]
    data = exported.model_dump()["data"]
    assert (data["what"], data["target"], data["disclosure"], data["outcome"]) == (
        "evidence",
        "case/CASE-1001",
        "full",
        "answered",
    )
    assert exported.data.actor.id == "r"
    files = unpacked(await site.bundle(atleast=5))
    texts = [data.decode() for name, data in files.items() if name.startswith("records/")]
    assert any("access.exported" in text for text in texts)
    shown = await site.gateway.get("/v1/cases/CASE-1001/timeline?kinds=access.exported")
    assert "Exported the evidence of CASE-1001, with personal values" in shown.text


@pytest.mark.parametrize("role", ["agent", "service"])
async def test_personal_values_leave_with_leads_and_reviewers_only(
    site: Site, streams_applied: JetStreamContext, role: str
) -> None:
    """INVARIANT I9: an agent or a program gets the public bundle; asking for more is recorded."""
    assert await site.bundle(token=f"token-{role}")
    headers = {"Authorization": f"Bearer token-{role}"}
    answer = await site.gateway.get(f"{PATH}?disclose=full", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:casetrail:problem:not-permitted"
    last = (await real.stored(streams_applied))[-1].model_dump()["data"]
    assert (last["outcome"], last["disclosure"]) == ("refused", "full")


async def test_what_cannot_be_asked_is_refused(site: Site) -> None:
    """A case that is not there is 404, another disclosure 422, no token 401."""
    missing = await site.gateway.get("/v1/cases/CASE-9999/evidence")
    assert (missing.status_code, missing.json()["type"][-14:]) == (404, "case-not-found")
    assert (await site.gateway.get(f"{PATH}?disclose=everything")).status_code == 422
    stranger = await site.gateway.get(PATH, headers={"Authorization": "Bearer wrong"})
    assert stranger.status_code == 401


async def test_a_hole_in_the_log_is_a_hole_in_the_bundle(site: Site) -> None:
    """INVARIANT I4: versions that never reached the log are shown as missing, not hidden."""
    closed = TicketClosed(actor=ROUTING, old="resolved")
    late = event(closed, 5, "ticket/T-1001", sequence=6, ticketid="T-1001", caseid="CASE-1001")
    await site.replica.complete(await site.publish([late]))
    data = await site.bundle(atleast=5)
    assert "MISSING: 1-5" in json.loads(unpacked(data)["versions.json"])["chains"][1]["sentence"]
    with pytest.raises(VersionMissing, match=r"ticket/T-1001: versions 1-6; MISSING: 1-5"):
        check_bundle(io.BytesIO(data), [SIGNER.verifier])


async def test_an_erased_value_is_withheld_under_its_policy(site: Site, mongo_db: Database) -> None:
    """INVARIANT I8: after an erasure the bundle names the policy, and holds the certificate."""
    (row,) = [r for r in await site.replica.records() if r["action"] == "message.received"]
    mark = {"erasure_id": "er_1", "policy": "customer-request", "policy_version": 1}
    mark["fields"] = ["phone", "text"]
    listed = {"seq": row["_id"], "kind": "event", "event_id": "e1", "fields": mark["fields"]}
    listed |= {"leaf": row["leaf"].hex(), "leaf_input": row["leaf_input"]}
    certificate = {
        "specversion": "1.0",
        "id": "e-certificate",
        "source": "casetrail/audit",
        "type": "casetrail.privacy.erased.v1",
        "subject": "erasure/er_1",
        "time": "2026-11-22T11:00:00Z",
        "workspace": "main",
        "conversationid": CV,
        "sequence": "2",
        "data": {"policy": "customer-request", "policy_version": 1, "records": [listed]},
    }
    await mongo_db["records"].update_one(
        {"_id": row["_id"]}, {"$set": {"private": None, "erased": mark}}
    )
    stream = site.replica.broker.connection.jetstream()
    subject = "support.main.privacy.erased"
    ack = await stream.publish(subject, json.dumps(certificate).encode(), stream=SUPPORT)
    await site.replica.complete(ack.seq)
    checked = check_bundle(io.BytesIO(await site.bundle("full", atleast=5)), [SIGNER.verifier])
    assert checked.withheld == {"customer-request/1": 2}


async def test_an_altered_record_is_not_handed_out(site: Site, mongo_db: Database) -> None:
    """INVARIANT I7: a record edited in MongoDB is no evidence: 500 with its own type."""
    await site.bundle()
    (row,) = [r for r in await site.replica.records() if r["sequence"] == 2]
    edited = row["leaf_input"].replace("shared-inbox", "other-inbox")
    await mongo_db["records"].update_one({"_id": row["_id"]}, {"$set": {"leaf_input": edited}})
    answer = await site.gateway.get(PATH)
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:casetrail:problem:tree-inconsistent"


async def test_nothing_sealed_is_said_to_be_not_ready(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    tokens_file: Path,
) -> None:
    """Before the first checkpoint there is nothing to prove: 503, try again."""
    async with running(settings_for(nats_server.url, mongo_url)) as replica:
        publisher = StreamPublisher(replica.broker, SUPPORT)
        await publisher.publish_all(events())
        await publisher.close()
        await replica.complete(4)
        async with real.running(nats_server.url, mongo_url, tokens_file) as client:
            answer = await client.get(PATH)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:casetrail:problem:evidence-not-ready"


def test_the_path_is_typed() -> None:
    """The sample of the contract is what the gateway publishes."""
    path = Path(__file__).parents[2] / "contract/samples/access.exported.v1.json"
    assert parse_event(path.read_bytes()).noun_verb == "access.exported"
