"""An erasure on real servers: nothing of it is left anywhere, and everything still verifies."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from casetrail_contracts.subjects import dead_subject
from casetrail_evidence import leaves
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.disclosure import disclose, open_field
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.merkle import CompactRange
from casetrail_evidence.proof import TlogProof, verify_proof
from casetrail_local.servers import NatsServer

from tests.integration.privacy.office import ADMIN, CV, OTHER_CV, Office, messages, said
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

FIRST, SECOND = "mera parcel zebra-one nahi aya", "ghar ka pata: zebra-two, Lahore"
PHONE, NAME = "923001114291", "Sana Qureshi"
TITLE, NOTE = "Parcel of zebra-title", "Called zebra-note, no answer"
GONE = ("zebra-one", "zebra-two", "zebra-title", "zebra-note", PHONE, NAME)
KEPT = "koi aur baat: giraffe"


async def told_story(office: Office) -> None:
    """Two customers; one has a case with a ticket, a copy of a message, and a dead letter."""
    await office.hear(said(1, FIRST), said(2, SECOND))
    await office.hear(said(3, KEPT, OTHER_CV, phone="15550001111"))
    answer = await office.post("/v1/cases/CASE-1001/tickets", {"title": TITLE}, "token-lead")
    assert answer.status_code == 201, answer.text
    await office.quiet()
    noted = await office.post("/v1/tickets/T-1001/notes", {"note": NOTE}, "token-lead")
    assert noted.status_code == 201, noted.text
    copy = said(1, FIRST)
    await office.publisher.publish_raw(copy.nats_subject, copy.to_bytes(), "a copy", None)
    await office.js.publish(
        dead_subject("routing", "routing"),
        said(2, SECOND).to_bytes(),
        headers={"stream": "SUPPORT", "stream_sequence": "2", "reason": "tests"},
    )
    await office.quiet()


async def left(office: Office) -> list[str]:
    """Where something of it is left."""
    kept = await office.everything()
    return [f"{where}: {word}" for where, text in kept.items() for word in GONE if word in text]


async def test_nothing_is_left_and_everything_verifies(
    office: Office, nats_server: NatsForTests
) -> None:
    """INVARIANT I8: no plaintext in any database, stream, file or answer; all proofs hold."""
    await told_story(office)
    before = {record["_id"]: record for record in await office.records()}
    assert {word for word in GONE for found in await left(office) if word in found} == set(GONE)

    async def found() -> bool:
        searched = await office.client.get("/v1/cases?q=mera")
        return [case["case_id"] for case in searched.json()["items"]] == ["CASE-1001"]

    assert await eventually(found, within=10)
    proofs = {seq: await _proof(office, seq) for seq in before}
    old_bundle = await _bundle(office)
    assert check_bundle(io.BytesIO(old_bundle)).present > 0

    erasure_id = await office.erase({"customer": CV})

    async def nothing_left() -> bool:
        assert await left(office) == []
        return True

    await eventually(nothing_left, within=10)
    assert await office.audit["searchable"].find_one({"conversation_id": CV}) is None
    searched = await office.client.get("/v1/cases?q=mera")
    assert searched.json()["items"] == []
    await _answers_show_nothing(office)
    if isinstance(nats_server, NatsServer):
        assert _files_with(nats_server.data_dir / "jetstream", GONE) == []
        assert _files_with(nats_server.data_dir / "jetstream", (KEPT,)) != []
    await _leaves_stand(office, before, proofs)
    key = VerifierKey.parse((await office.client.get("/log/key")).text.strip())
    check_bundle(io.BytesIO(old_bundle), [key])
    new_bundle = await _bundle(office)
    assert check_bundle(io.BytesIO(new_bundle), [key]).withheld["customer-request/1"] > 0
    with zipfile.ZipFile(io.BytesIO(new_bundle)) as opened:
        inside = b"".join(opened.read(name) for name in opened.namelist())
    assert [word for word in GONE if word.encode() in inside] == []
    told = await office.done(erasure_id)
    erased = {each["seq"]: each for each in told["records"]}
    assert erased.keys() == {
        seq
        for seq, record in before.items()
        if record["private"] is not None
        and (record["conversation_id"] == CV or record["of_event_id"] == "said-1")
    }
    for seq, each in erased.items():
        assert each["leaf"] == before[seq]["leaf"].hex()
        assert leaves.leaf_hash(each["leaf_input"]).hex() == each["leaf"]
    assert (told["status"], told["policy"], told["policy_version"], told["reason"]) == (
        "complete",
        "customer-request",
        1,
        "asked by letter",
    )
    assert told["requested_by"]["id"] == "admin"
    status = await office.get("/v1/log/status")
    assert (status["gaps"], status["poison"], status["duplicates"]) == ([], 0, 1)


async def _answers_show_nothing(office: Office) -> None:
    """The gateway's answers say in place that the text is erased."""
    timeline = await office.get("/v1/cases/CASE-1001/timeline", "token-reviewer")
    summaries = [entry["summary"] for entry in timeline["entries"]]
    assert "Message received (text erased under policy customer-request)" in summaries
    answers = [timeline, await office.get("/v1/records?limit=200")]
    answers.append(await office.get("/v1/tickets/T-1001/timeline"))
    assert not [word for word in GONE if word in str(answers)]
    record = await office.get("/v1/records/1")
    assert (record["private"], record["erased"]["policy"]) == ({}, "customer-request")


async def _proof(office: Office, seq: int) -> TlogProof:
    """The proof of a record, once it is sealed."""

    async def sealed() -> TlogProof:
        headers = {"Authorization": "Bearer token-reviewer"}
        answer = await office.client.get(f"/v1/records/{seq}/proof", headers=headers)
        assert answer.status_code == 200, answer.text
        return TlogProof.parse(answer.text)

    return await eventually(sealed, within=10)


async def _bundle(office: Office) -> bytes:
    """The evidence of the case, with all that may be shown, once what is logged is sealed."""

    async def ready() -> bytes:
        last = (await office.records())[-1]["_id"]
        head = await office.audit["tree"].find_one({"_id": "head"})
        assert head is not None
        assert head["size"] >= last
        path = "/v1/cases/CASE-1001/evidence?disclose=full"
        answer = await office.client.get(path, headers={"Authorization": f"Bearer {ADMIN}"})
        assert answer.status_code == 200, answer.text
        return answer.content

    return await eventually(ready, within=15)


async def _leaves_stand(
    office: Office, before: dict[int, Any], proofs: dict[int, TlogProof]
) -> None:
    """Same leaves, same root, old and new proofs; what is not erased opens its commitments."""
    after = {record["_id"]: record for record in await office.records()}
    first, now = CompactRange(), CompactRange()
    first.extend(before[seq]["leaf"] for seq in sorted(before))
    now.extend(leaves.leaf_hash(after[seq]["leaf_input"]) for seq in sorted(before))
    assert now.root() == first.root()
    key = VerifierKey.parse((await office.client.get("/log/key")).text.strip())
    for seq, proof in proofs.items():
        leaf = leaves.leaf_hash(after[seq]["leaf_input"])
        verify_proof(proof, leaf, [key])
        verify_proof(await _proof(office, seq), leaf, [key])
    other = next(r for r in after.values() if r["conversation_id"] == OTHER_CV and r["private"])
    committed = leaves_of(other)
    assert open_field(committed, disclose(other["private"], "text"), "text") == KEPT


def leaves_of(record: dict[str, Any]) -> dict[str, str]:
    """The commitments of a record, out of its leaf input."""
    found: dict[str, str] = json.loads(record["leaf_input"])["event"]["private"]
    return found


def _files_with(folder: Path, words: tuple[str, ...]) -> list[str]:
    return [
        f"{path.name}: {word}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


async def test_a_copy_that_comes_later_brings_nothing_back(office: Office) -> None:
    """INVARIANT I8: WhatsApp's retry of an erased message leaves a record without its text."""
    await office.hear(said(1, FIRST), said(2, SECOND))
    erasure_id = await office.erase({"case": "CASE-1001"})
    copy = said(1, FIRST)
    await office.publisher.publish_raw(copy.nats_subject, copy.to_bytes(), "a week later", None)
    await office.quiet()

    async def forgotten() -> Any:
        assert await left(office) == []
        told = await office.done(erasure_id)
        (record,) = [each for each in await office.records() if each["kind"] == "duplicate"]
        assert record["_id"] in {each["seq"] for each in told["records"]}
        return record

    record = await eventually(forgotten, within=15)
    assert (record["of_event_id"], record["private"]) == ("said-1", None)
    assert record["erased"]["fields"] == ["bytes"]
    assert leaves.leaf_hash(record["leaf_input"]) == record["leaf"]
    assert record["_id"] not in {seq for seq, _ in await messages(office.js, "SUPPORT")}


async def test_a_record_alone_and_what_quotes_it(office: Office) -> None:
    """A single message goes, and with it the ticket's copy of it; the other messages stay."""
    await office.hear(said(1, FIRST), said(2, "giraffe"))
    answer = await office.post("/v1/cases/CASE-1001/tickets", {"title": "x"}, "token-lead")
    assert answer.status_code == 201
    await office.quiet()
    told = await office.done(await office.erase({"record": 1}, "message-content"))
    actions = {r["_id"]: r["action"] for r in await office.records()}
    assert sorted(actions[each["seq"]] for each in told["records"]) == [
        "message.received",
        "ticket.created",
    ]

    async def gone() -> bool:
        kept = await office.everything()
        assert [where for where, text in kept.items() if "zebra-one" in text] == []
        assert [where for where, text in kept.items() if "giraffe" in text] != []
        return True

    await eventually(gone, within=10)
