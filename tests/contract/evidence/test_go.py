"""An independent reader in another language: Go's golang.org/x/mod/sumdb/{note,tlog}.

Runs where `go` and the library are installed (Debian: golang-go, golang-golang-x-mod-dev).
"""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey, VerifierKey
from casetrail_evidence.leaves import leaf_hash, leaf_input, public_event
from casetrail_evidence.merkle import consistency_proof, inclusion_proof, root_of
from casetrail_evidence.notes import open_note, sign_note, signature_of, with_signatures
from casetrail_evidence.proof import make_proof
from casetrail_evidence.tiles import TilePlace, TileTree, all_tiles, tile_source

GOPATH = Path("/usr/share/gocode")
PROGRAM = Path(__file__).parent / "gocheck" / "main.go"
COUNT = 1100

INPUTS = [
    leaf_input(
        log="SUPPORT",
        seq=seq,
        kind="event",
        recorded_at="2026-11-22T10:14:03.120000Z",
        subject="support.main.message.received",
        event=public_event({"id": f"e-{seq}", "data": {"reason": "میرا پارسل"}}),
    )
    for seq in range(1, COUNT + 1)
]
LEAVES = [leaf_hash(text) for text in INPUTS]
TILES = {TilePlace(tile.level, tile.index): data for tile, data in TileTree().extend(LEAVES)}
SOURCE = tile_source(TILES)
LOG = SignerKey("log.example/casetrail", bytes(range(32)))
NEXT = SignerKey("log.example/casetrail", bytes(range(1, 33)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE_V1)
HEAD = Checkpoint(LOG.name, COUNT, root_of(COUNT, SOURCE))
TEXT = "A text\n\nin two parts, ✓\n"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the Go program answers about everything we wrote."""
    go = shutil.which("go")
    library = GOPATH / "src/golang.org/x/mod/sumdb/tlog"
    if go is None or not library.is_dir():
        reason = "needs Go with golang.org/x/mod (Debian: golang-go, golang-golang-x-mod-dev)"
        if os.environ.get("CASETRAIL_REQUIRE_GO"):
            pytest.fail(reason)
        pytest.skip(reason)
    cache = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(cache), "GOFLAGS": ""}
    done = subprocess.run(
        [go, "run", str(PROGRAM)],
        input=json.dumps(_written()),
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_go_agrees_with_everything_we_write(checked: dict[str, Any]) -> None:
    """INVARIANT I7: Go verifies our roots, proofs, tiles, notes, and refuses the damaged ones."""
    assert checked["Faults"] is None
    assert checked["Checked"] == {
        "root": COUNT,
        "inclusion": 2 * CASES,
        "inclusion made here": CASES,
        "consistency": 2 * CASES,
        "consistency made here": CASES,
        "proof from tiles": 2 * len(range(0, COUNT, 37)),
        "note": 7,
        "proof": 6,
    }


def test_go_signs_as_we_do(checked: dict[str, Any]) -> None:
    """The same key signs the same text to the same note, byte for byte."""
    assert checked["Signed"] == str(sign_note(TEXT, LOG))


def test_we_verify_what_go_signs(checked: dict[str, Any]) -> None:
    """A key and a note made by Go are read and verified by us."""
    key = VerifierKey.parse(checked["NewKey"])
    opened = open_note(checked["NewNote"], [key])
    assert opened.text == TEXT
    assert opened.signed_by[0].key == key


CASES = 2500


def _written() -> dict[str, Any]:
    chance = random.Random(6962)
    sizes = sorted({*range(1, 70), 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, COUNT})
    inclusion, consistency = [], []
    for _ in range(CASES):
        size = chance.choice(sizes) if chance.random() < 0.5 else chance.randint(1, COUNT)
        index = chance.randrange(size)
        proof = inclusion_proof(index, size, SOURCE)
        inclusion += [
            {"Index": index, "Size": size, "Proof": _hex(proof), "Valid": True},
            {"Index": index, "Size": size, "Proof": _hex(_damaged(proof, chance)), "Valid": False},
        ]
        earlier = chance.randint(1, size)
        proof = consistency_proof(earlier, size, SOURCE)
        places = {"Earlier": earlier, "Later": size}
        consistency += [
            {**places, "Proof": _hex(proof), "Valid": True},
            {**places, "Proof": _hex(_damaged(proof, chance)), "Valid": False},
        ]
    return {
        "Leaves": INPUTS,
        "Roots": [root_of(size, SOURCE).hex() for size in range(COUNT + 1)],
        "Tiles": {
            tile.path: TILES[TilePlace(tile.level, tile.index)].hex() for tile in all_tiles(COUNT)
        },
        "Inclusion": inclusion,
        "Consistency": consistency,
        "Notes": _notes(),
        "Proofs": _proofs(),
        "SignerKey": LOG.secret_text(),
        "SignText": TEXT,
    }


def _notes() -> list[dict[str, Any]]:
    log, following = str(LOG.verifier), str(NEXT.verifier)
    cosigned = with_signatures(
        sign_checkpoint(HEAD, LOG), [signature_of(HEAD.text, WITNESS, at=1_790_000_000)]
    )
    both, one = str(sign_note(TEXT, LOG, NEXT)), str(sign_note(TEXT, LOG))
    damaged = one.replace("two", "six")
    return [
        {"Note": one, "Text": TEXT, "Keys": [log], "Verified": 1, "Valid": True},
        {"Note": both, "Text": TEXT, "Keys": [log, following], "Verified": 2, "Valid": True},
        {"Note": both, "Text": TEXT, "Keys": [following], "Verified": 1, "Valid": True},
        {"Note": str(cosigned), "Text": HEAD.text, "Keys": [log], "Verified": 1, "Valid": True},
        {"Note": one, "Text": TEXT, "Keys": [following], "Verified": 1, "Valid": False},
        {"Note": damaged, "Text": TEXT, "Keys": [log], "Verified": 1, "Valid": False},
        {"Note": one[:-1], "Text": TEXT, "Keys": [log], "Verified": 1, "Valid": False},
    ]


def _proofs() -> list[dict[str, Any]]:
    note = sign_checkpoint(HEAD, LOG)
    key = str(LOG.verifier)
    texts = {index: str(make_proof(index, note, SOURCE)) for index in (0, 512, COUNT - 1)}
    return [
        *(
            {"Text": text, "Leaf": INPUTS[index], "Key": key, "Valid": True}
            for index, text in texts.items()
        ),
        {"Text": texts[512], "Leaf": INPUTS[511], "Key": key, "Valid": False},
        {"Text": texts[512], "Leaf": INPUTS[512], "Key": str(NEXT.verifier), "Valid": False},
        {"Text": texts[512].replace("1100", "1101"), "Leaf": INPUTS[512], "Key": key,
         "Valid": False},
    ]  # fmt: skip


def _damaged(proof: list[bytes], chance: random.Random) -> list[bytes]:
    if not proof:
        return [bytes(32)]
    at = chance.randrange(len(proof))
    flipped = (int.from_bytes(proof[at], "big") ^ 1 << chance.randrange(256)).to_bytes(32, "big")
    return [*proof[:at], flipped, *proof[at + 1 :]]


def _hex(hashes: list[bytes]) -> list[str]:
    return [value.hex() for value in hashes]
