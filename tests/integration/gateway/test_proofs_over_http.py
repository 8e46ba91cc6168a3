"""The log checked from outside: `casetrail-verify` against a gateway over HTTP.

INVARIANT I7: each attack on what is stored has its own exit code and its own sentence.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.sealing.signing import LogKeys
from casetrail_audit.witnessing.ask import AskWitnesses
from casetrail_audit.witnessing.http_witness import HttpWitnesses
from casetrail_audit.witnessing.mongo_cosigned import MongoCosigned
from casetrail_audit.witnessing.protocol import Witness, Witnesses
from casetrail_evidence.cli import main as verify
from casetrail_evidence.keys import SignerKey, VerifierKey
from casetrail_gateway.main import create_app
from casetrail_gateway.settings import GatewaySettings
from casetrail_runtime.mongo import Database
from nats.js import JetStreamContext
from pydantic import SecretStr

from tests.integration.gateway import test_gateway_on_real_servers as real
from tests.support.sealing import LOG, SIGNER, SealedDesk, clock, envelope, record
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually
from tests.support.witness import WitnessServer, serving

tokens_file = real.tokens_file
COUNT = 700
Attack = Callable[[SealedDesk], Awaitable[object]]
Fsck = Callable[..., Awaitable[tuple[int, str, str]]]


@dataclass(frozen=True)
class Site:
    """A gateway that is served over HTTP, and the log behind it."""

    url: str
    desk: SealedDesk


@pytest.fixture
async def site(
    nats_server: NatsForTests,
    streams_applied: JetStreamContext,
    mongo_url: str,
    mongo_db: Database,
    tokens_file: Path,
) -> AsyncIterator[Site]:
    """A sealed log of several tiles."""
    desk = SealedDesk(mongo_db)
    await desk.grow(COUNT)
    await mongo_db["projections"].insert_one({"_id": "views", "as_of_seq": COUNT})
    await desk.sealer()()
    settings = GatewaySettings(
        nats_url=SecretStr(nats_server.url), mongo_url=SecretStr(mongo_url), tokens_file=tokens_file
    )
    config = uvicorn.Config(create_app(settings), port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started, within=20)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(f"http://127.0.0.1:{port}", desk)
    server.should_exit = True
    await task


@pytest.fixture
def fsck(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Fsck:
    """Runs `casetrail-verify fsck` with the log's key; exit code, output and errors."""
    token = tmp_path / "token"
    token.write_text("token-reviewer\n")

    async def run(*more: str, key: str = str(SIGNER.verifier), records: bool = True) -> Any:
        arguments = ["fsck", site.url, "--key", key, *more]
        if records:
            arguments += ["--token-file", str(token)]
        code = await asyncio.to_thread(verify, arguments)
        return code, *capsys.readouterr()

    return run


async def test_a_whole_log_is_recomputed(site: Site, fsck: Fsck, tmp_path: Path) -> None:
    """INVARIANT I7: an honest log passes, tiles alone and with every record, also when it grew."""
    saved = tmp_path / "seen"
    code, out, err = await fsck("--save", str(saved), records=False)
    assert (code, f"{COUNT} leaves in 4 tiles" in out) == (0, True), err
    assert "records themselves were not read" in out
    code, out, err = await fsck()
    assert (code, f"{COUNT} records are what was logged." in out) == (0, True), err
    assert f"records: {COUNT} of {COUNT} (100%)" in err
    await site.desk.grow(100)
    await site.desk.sealer()()
    code, out, err = await fsck("--earlier", str(saved), "--quiet", records=False)
    assert (code, err) == (0, "")
    assert f"begins with the tree of {COUNT} leaves seen before" in out


async def test_a_proof_from_the_gateway_convinces_the_verifier(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The proof and the leaf input of a record, saved as they come, verify offline."""
    async with httpx.AsyncClient(
        base_url=site.url, headers={"Authorization": "Bearer token-reviewer"}
    ) as client:
        found = (await client.get("/v1/records/300")).json()
        proof = await client.get("/v1/records/300/proof")
        timeline = (await client.get("/v1/log/status")).json()
        key = (await client.get("/log/key")).text
    assert key == f"{SIGNER.verifier}\n"
    assert timeline["sealed_size"] == COUNT
    (tmp_path / "proof").write_bytes(proof.content)
    (tmp_path / "leaf").write_text(found["leaf_input"])
    (tmp_path / "key").write_text(key)
    files = [str(tmp_path / name) for name in ("proof", "key", "leaf")]
    options = ["--key-file", files[1], "--leaf-input", files[2]]
    assert verify(["proof", files[0], *options]) == 0
    assert f"{found['leaf']} is entry {found['index']} of the log" in capsys.readouterr().out
    (tmp_path / "leaf").write_text(found["leaf_input"].replace("agent:300", "agent:1"))
    assert verify(["proof", files[0], *options]) == 15


async def test_a_pinned_old_key_leads_to_the_new_one(site: Site, fsck: Fsck) -> None:
    """A verifier that pinned the first key goes on when the log has changed its key properly."""
    new = SignerKey(SIGNER.name, bytes(32))
    await site.desk.sealer(LogKeys(new, (SIGNER,)))()
    await site.desk.grow(5)
    await site.desk.sealer(LogKeys(new))()
    code, out, err = await fsck(records=False)
    assert (code, f"Signed by {new.verifier}." in out) == (0, True), err
    await site.desk.db["keys"].update_one({"_id": 1}, {"$set": {"rotation": None}})
    code, _, err = await fsck(records=False)
    assert (code, "No signature is by a key that is trusted here" in err) == (11, True)


async def test_witnesses_that_were_pinned_must_have_cosigned(site: Site, fsck: Fsck) -> None:
    """INVARIANT I7: the quorum is of the reader's own keys, and what they signed is in the tree."""
    server = WitnessServer("witness.example/1", str(SIGNER.verifier))
    options = ("--quorum", "1", "--witness", server.key)
    code, _, err = await fsck(*options, records=False)
    assert (code, "shows no cosigned checkpoint" in err) == (14, True)
    http = HttpWitnesses()
    async with serving(server), httpx.AsyncClient(base_url=site.url) as client:
        assert (await client.get("/log/checkpoint/cosigned")).status_code == 404
        asked = Witnesses((Witness(VerifierKey.parse(server.key), server.url),), 1)
        tree, cosigned = MongoSealedLog(site.desk.db, LOG), MongoCosigned(site.desk.db)
        await AskWitnesses(tree, cosigned, http, asked, clock)()
        note = await client.get("/log/checkpoint/cosigned")
        assert f"\n{COUNT}\n" in note.text
        headers = {"Authorization": "Bearer token-reviewer"}
        status = (await client.get("/v1/log/status", headers=headers)).json()
        assert status["cosigned_size"] == COUNT
        assert [(one["name"], one["problem"]) for one in status["witnesses"]] == [
            ("witness.example/1", None)
        ]
    await http.close()
    await site.desk.grow(10)
    await site.desk.sealer()()
    code, out, err = await fsck(*options, records=False)
    assert (code, f"Cosigned by witness.example/1 at {COUNT} entries" in out) == (0, True), err
    stranger = WitnessServer("witness.example/2", str(SIGNER.verifier)).key
    code, _, err = await fsck("--quorum", "1", "--witness", stranger, records=False)
    assert (code, "cosigned by 0 known witnesses" in err) == (14, True)
    shown = {"checkpoint": note.text.replace(f"\n{COUNT}\n", f"\n{COUNT - 1}\n")}
    await site.desk.db["tree"].update_one({"_id": "cosigned"}, {"$set": shown})
    code, _, err = await fsck(*options, records=False)
    assert (code, "is not over this text" in err) == (12, True)


async def test_a_refused_token_and_an_absent_log_are_no_fault_of_the_log(
    site: Site, fsck: Fsck, tmp_path: Path
) -> None:
    """What cannot be read is exit code 1 with what was asked for, not a finding."""
    wrong = tmp_path / "wrong"
    wrong.write_text("nobody's")
    code, _, err = await fsck("--token-file", str(wrong), records=False)
    assert (code, "refused to this token (401)" in err) == (1, True)
    assert await asyncio.to_thread(verify, ["fsck", "ftp://x", "--key", str(SIGNER.verifier)]) == 1
    nobody = ["fsck", "http://127.0.0.1:1", "--key", str(SIGNER.verifier)]
    assert await asyncio.to_thread(verify, nobody) == 1


def edit(collection: str, id_: Any, **fields: Any) -> Attack:
    """An attacker with write access changes a document."""

    async def attack(desk: SealedDesk) -> None:
        done = await desk.db[collection].update_one({"_id": id_}, {"$set": fields})
        assert done.modified_count == 1

    return attack


def delete(collection: str, id_: Any) -> Attack:
    """An attacker with write access removes a document."""

    async def attack(desk: SealedDesk) -> None:
        assert (await desk.db[collection].delete_one({"_id": id_})).deleted_count == 1

    return attack


def flip(tile: str, at: int) -> Attack:
    """One bit of a tile."""

    async def attack(desk: SealedDesk) -> None:
        found = await desk.db["tiles"].find_one({"_id": tile})
        assert found is not None
        data = bytearray(found["data"])
        data[at] ^= 1
        await desk.db["tiles"].update_one({"_id": tile}, {"$set": {"data": bytes(data)}})

    return attack


async def swap_records(desk: SealedDesk) -> None:
    """Two records change places, leaf and all."""
    rows = [await desk.db["records"].find_one_and_delete({"_id": seq}) for seq in (310, 311)]
    first, second = [{k: v for k, v in (row or {}).items() if k != "event_id"} for row in rows]
    await desk.db["records"].insert_many([{**first, "_id": 311}, {**second, "_id": 310}])


async def rewrite_record(desk: SealedDesk) -> None:
    """A record is replaced by another one that is whole in itself."""
    forged = record(310, orjson.dumps({**envelope(310), "reason": "forged"}))
    await desk.db["records"].replace_one({"_id": 310}, forged)


async def truncate(desk: SealedDesk) -> None:
    """The log goes back to an earlier head, signed by its own key and whole in itself."""
    size = 500
    note = str(LogKeys(SIGNER).sign(size, desk.root(size)))
    fields = {"size": size, "root": desk.root(size).hex(), "checkpoint": note}
    await desk.db["tree"].update_one({"_id": "head"}, {"$set": fields})


async def fork(desk: SealedDesk) -> None:
    """History is rewritten from record 310 on, and signed again with the log's own key."""
    for name in ("checkpoints", "tiles", "tree"):
        await desk.db[name].delete_many({})
    await rewrite_record(desk)
    await desk.sealer()()


async def fork_and_grow(desk: SealedDesk) -> None:
    """The same, and the log has grown."""
    await desk.grow(30)
    await fork(desk)


FOREIGN = LogKeys(SignerKey(SIGNER.name, bytes(32)))
EDITED_INPUT = record(310)["leaf_input"].replace("agent:310", "agent:1")

ATTACKS: list[tuple[str, Attack, int, str]] = [
    ("edit a leaf input", edit("records", 310, leaf_input=EDITED_INPUT), 18, "Record 310 does not"),
    ("replace a record", rewrite_record, 18, "Record 310 does not hash to its leaf in the tree"),
    ("edit a leaf", edit("records", 310, leaf=bytes(32)), 31, "Record 310 is shown with another"),
    (
        "edit the data",
        edit("records", 310, **{"data.reason": "no reason"}),
        31,
        "Record 310 is shown with another data than was logged",
    ),
    (
        "edit a field",
        edit("records", 310, case_id="CASE-1"),
        31,
        "Record 310 is shown with another case_id",
    ),
    ("delete a record", delete("records", 310), 29, "Leaf 309 is in the tree and its record is"),
    ("delete the first", delete("records", 1), 29, "Leaf 0 is in the tree and its record is not"),
    ("delete the last", delete("records", COUNT), 29, f"Leaf {COUNT - 1} is in the tree and its"),
    ("swap two records", swap_records, 30, "Under sequence 310 stands the record of sequence 311"),
    ("edit a full tile", flip("0/1", 40), 21, "tile/0/001 does not hash to what tile/1/000.p/2"),
    ("edit the last tile", flip("0/2", 40), 28, f"The tiles of {COUNT} leaves have the root"),
    ("edit an upper tile", flip("1/0", 40), 21, "tile/0/001 does not hash to what tile/1/000.p/2"),
    ("delete a tile", delete("tiles", "0/1"), 22, "tile/0/001 is not there, although the tree"),
    (
        "edit the checkpoint",
        edit(
            "tree", "head", checkpoint=str(LogKeys(SIGNER).sign(3, bytes(32))).replace("3", "4", 1)
        ),
        12,
        "is not over this text",
    ),
    (
        "sign with a forged key",
        edit("tree", "head", checkpoint=str(FOREIGN.sign(COUNT, bytes(32)))),
        11,
        "No signature is by a key that is trusted here",
    ),
    (
        "sign another root",
        edit("tree", "head", checkpoint=str(LogKeys(SIGNER).sign(COUNT, bytes(32)))),
        28,
        "the signed checkpoint says 0000",
    ),
    ("truncate", truncate, 16, f"The log shrank from {COUNT} to 500 leaves"),
    ("fork", fork, 17, f"two different roots for the tree of {COUNT} leaves"),
    ("fork and grow", fork_and_grow, 16, f"first {COUNT} leaves are not those of the earlier"),
]


@pytest.mark.parametrize(
    ("attack", "told"),
    [(attack[1], attack[2:]) for attack in ATTACKS],
    ids=[attack[0] for attack in ATTACKS],
)
async def test_an_attack_is_told_by_its_name(
    site: Site, fsck: Fsck, tmp_path: Path, attack: Attack, told: tuple[int, str]
) -> None:
    """INVARIANT I7: fsck ends with the code of this attack, and says where it was done."""
    saved = tmp_path / "seen"
    code, _, err = await fsck("--save", str(saved), records=False)
    assert code == 0, err
    await attack(site.desk)
    expected, said = told
    seen_before = ["--earlier", str(saved)] if expected in {16, 17} else []
    code, out, err = await fsck(*seen_before, "--quiet")
    assert said in err, (code, out, err)
    assert (code, out) == (expected, "")


async def test_records_another_workspace_keeps_are_counted_when_asked(
    site: Site, fsck: Fsck
) -> None:
    """With --partial a leaf whose record is not shown is counted and no fault."""
    await site.desk.db["records"].delete_many({"_id": {"$gte": 100, "$lt": 110}})
    code, out, err = await fsck("--partial")
    assert (code, "10 records are not shown to this token." in out) == (0, True), err
    assert f"{COUNT - 10} records are what was logged." in out
