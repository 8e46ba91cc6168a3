"""The story that must always work, from signed webhooks to the reviewer's timeline."""

import asyncio
import csv
import hashlib
import hmac
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_local.five_rows import missing_rows
from casetrail_local.whatsapp import Customer, signature, text_webhook

from tests.e2e.conftest import RunningStack
from tests.support.invariants import Inspector
from tests.support.waiting import eventually

OTHERS = Path(__file__).parents[3] / "shared" / "data" / "whatsapp"


def post(stack: RunningStack, body: bytes) -> httpx.Response:
    """The answer of ingest to a signed body."""
    described = stack.description
    headers = {"x-hub-signature-256": signature(described.app_secret, body)}
    url = f"{described.ingest_url}/webhooks/whatsapp"
    return httpx.post(url, content=body, headers=headers, timeout=90, trust_env=False)


async def settle(stack: RunningStack) -> None:
    """Returns when all that was published is recorded; then the invariants hold."""
    async with Inspector(stack.description) as inspector:
        await eventually(inspector.settled, within=60)
        await inspector.check()


def test_the_demo_prints_the_story(tmp_path: Path) -> None:
    """`casetrail demo --exit` ends with 0 and shows the five rows; run again, a second case."""
    command = [sys.executable, "-m", "casetrail_local.cli", "demo", "--exit"]
    command += ["--data", str(tmp_path / "demo")]
    printed = []
    for _ in range(2):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    for text, case, ticket in zip(
        printed, ("CASE-1001", "CASE-1002"), ("T-1001", "T-1002"), strict=True
    ):
        for words in (case, ticket, "least-loaded", "nahi aya", "Awaiting Courier", "TCS-88121"):
            assert words in text


async def test_the_story_by_its_parts(stack: RunningStack) -> None:
    """Owner with rule, escalation, ticket with context, hand-off, note; and all invariants."""
    told = await asyncio.to_thread(stack.story().play)
    assert missing_rows(told.timeline, told.ticket_id) == []
    entries = told.timeline["entries"]
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
    created = next(entry for entry in entries if entry["action"] == "ticket.created")
    assert "2 messages" in created["summary"] or "context" in created["summary"].lower()
    assert told.timeline["holes"] == []
    await settle(stack)


async def test_a_hundred_copies_are_one_visible_record(stack: RunningStack) -> None:
    """INVARIANT I3: at once and again after the window; the copies are counted, not shown."""
    body = text_webhook(stack.description, Customer.new(), "Salam, kya haal hai")
    url = f"{stack.description.ingest_url}/webhooks/whatsapp"
    headers = {"x-hub-signature-256": signature(stack.description.app_secret, body)}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=90) as client,
        Inspector(stack.description) as inspector,
    ):
        before = await inspector.log.records.count_documents({"kind": "duplicate"})

        async def sent_until_taken() -> int:
            """How many copies it was; like WhatsApp, a sender repeats what is not answered 200."""
            while (answer := await client.post(url, content=body, headers=headers)).is_error:
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            return int(answer.json()["duplicates"])

        copies = await asyncio.gather(*(sent_until_taken() for _ in range(100)))
        assert sum(copies) >= 99
        # The window of two minutes has to pass; here the same message is published as if it had.
        await inspector.publish_again(sequence=await inspector.last_seq_of("message.received"))
        await eventually(inspector.settled, within=60)
        await inspector.check()
        assert await inspector.log.records.count_documents({"kind": "duplicate"}) == before + 1


async def test_webhooks_by_other_people_are_all_recorded(stack: RunningStack) -> None:
    """INVARIANT I2: every body answers 200, and each of its events gets its record."""
    if not OTHERS.is_dir():
        pytest.skip(f"the bodies of other projects are not at {OTHERS.name}/ beside the checkout")
    with (OTHERS / "INDEX.tsv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    bodies = [(OTHERS / name).read_bytes() for name in names]
    answers = [post(stack, body) for body in bodies]
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json()["events"] > 0 for answer in answers)
    await settle(stack)
    nouns = "message|webhook|channel|customer"  # what ingest tells of
    async with Inspector(stack.description) as inspector:
        digests = {
            (record["data"].get("origin") or record["data"])["body_mac"]
            for record in await inspector.records(type={"$regex": nouns})
            if record["kind"] == "event"
        }
    key = stack.identity().workspace_key.encode()
    recorded = [hmac.new(key, body, hashlib.sha256).hexdigest() in digests for body in bodies]
    # A body all of whose items stood in an earlier one has no record of its own.
    copies = sum(answer.json()["duplicates"] == answer.json()["events"] for answer in answers)
    assert recorded.count(False) <= copies


def test_without_a_signature_nothing_enters(stack: RunningStack) -> None:
    """401 and no trace in the stream."""
    body = text_webhook(stack.description, Customer.new(), "let me in")
    url = f"{stack.description.ingest_url}/webhooks/whatsapp"
    assert httpx.post(url, content=body, trust_env=False).status_code == 401


async def test_reads_need_a_token_and_leave_a_record(stack: RunningStack) -> None:
    """INVARIANT I9: 401 without, 403 on another's case, and each look is in the log."""
    told = await asyncio.to_thread(stack.story().play)
    described = stack.description
    path = f"{described.gateway_url}/v1/cases/{told.case_id}"

    async with (
        httpx.AsyncClient(trust_env=False, timeout=90) as client,
        Inspector(described) as inspector,
    ):
        assert (await client.get(path)).status_code == 401
        headers = {"authorization": f"Bearer {described.tokens.reviewer}"}
        await eventually(inspector.settled, within=60)
        query = {"type": {"$regex": "access.viewed"}, "case_id": told.case_id}
        before = len(await inspector.records(**query))
        assert (await client.get(path, headers=headers)).status_code == 200
        await eventually(inspector.settled, within=60)
        assert len(await inspector.records(**query)) == before + 1


async def test_a_key_stands_for_one_request(stack: RunningStack) -> None:
    """INVARIANT I3: the key again gives the same answer, with another body 422 and no effect."""
    told = await asyncio.to_thread(stack.story().play)
    described = stack.description
    case, ticket = f"/v1/cases/{told.case_id}", f"/v1/tickets/{told.ticket_id}"
    scope = {"case": told.case_id}
    asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (f"{case}/notes", {"note": "called back"}, {"note": "called twice"}),
        (f"{case}/tickets", {"title": "Refund"}, {"title": "Refund it all"}),
        (f"{ticket}/notes", {"note": "asked the courier"}, {"note": "asked nobody"}),
        (
            "/v1/privacy/holds",
            {"scope": scope, "reason": "court"},
            {"scope": scope, "reason": "tax"},
        ),
    ]
    headers = {"authorization": f"Bearer {described.tokens.admin}", "idempotency-key": "k-1"}
    async with (
        httpx.AsyncClient(
            trust_env=False, timeout=90, base_url=described.gateway_url, headers=headers
        ) as client,
        Inspector(described) as inspector,
    ):
        for path, body, other in asked:
            first = await client.post(path, json=body)
            assert first.is_success, (path, first.text)
            assert (await client.post(path, json=body)).json() == first.json()
            await eventually(inspector.settled, within=60)
            before = await inspector.log.records.count_documents({})
            reused = await client.post(path, json=other)
            assert reused.status_code == 422, (path, reused.text)
            assert reused.json()["type"] == "urn:casetrail:problem:idempotency-key-reused"
            assert (await client.post(path, json=body)).json() == first.json()
            await eventually(inspector.settled, within=60)
            assert await inspector.log.records.count_documents({}) == before
