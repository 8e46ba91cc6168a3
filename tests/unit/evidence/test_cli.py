"""`casetrail-verify`: what it says and the exit code of each fault."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from casetrail_evidence import errors
from casetrail_evidence.archive import faults as archive_faults
from casetrail_evidence.bundle import faults
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.cli import EXIT_CODES, main
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey
from casetrail_evidence.leaves import leaf_hash, leaf_input
from casetrail_evidence.merkle import consistency_proof, root_of
from casetrail_evidence.notes import signature_of, with_signatures
from casetrail_evidence.proof import consistency_text, make_proof
from casetrail_evidence.tiles import tile_source

from tests.unit.evidence.trees import stored

INPUTS = [
    leaf_input(log="SUPPORT", seq=seq, kind="gap", reason="deleted from the stream")
    for seq in range(1, 31)
]
LEAVES = [leaf_hash(text) for text in INPUTS]
SOURCE = tile_source(stored(LEAVES))
LOG = SignerKey("log.example/casetrail", bytes(range(32)))
OTHER = SignerKey("other.example/log", bytes(range(1, 33)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE_V1)
KEY = str(LOG.verifier)
HEAD = Checkpoint(LOG.name, 30, root_of(30, SOURCE))
EARLIER = Checkpoint(LOG.name, 11, root_of(11, SOURCE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a proof, the record it is of, two checkpoints, their proof and the key."""
    note = with_signatures(sign_checkpoint(HEAD, LOG), [signature_of(HEAD.text, WITNESS, at=7)])
    fork = Checkpoint(LOG.name, 30, bytes(32))
    files = {
        "proof": str(make_proof(4, note, SOURCE)),
        "record": INPUTS[4] + "\n",
        "later": str(note),
        "earlier": str(sign_checkpoint(EARLIER, LOG)),
        "fork": str(sign_checkpoint(fork, LOG)),
        "growth": consistency_text(consistency_proof(11, 30, SOURCE)),
        "key": KEY + "\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return tmp_path


def _run(folder: Path, line: str) -> int:
    words = line.replace("KEY", KEY).replace("WITNESS", str(WITNESS.verifier))
    words = words.replace("OTHER", str(OTHER.verifier)).replace("LEAF", LEAVES[4].hex())
    return main([str(folder / word[1:]) if word[0] == "@" else word for word in words.split()])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("proof @proof --key KEY --leaf LEAF", "is entry 4 of the log"),
        ("proof @proof --key KEY --leaf-input @record", "Signed by log.example/casetrail."),
        ("proof @proof --key-file @key --leaf LEAF --leaf-input @record", "30 entries"),
        ("checkpoint @later --key KEY", "had 30 entries"),
        ("checkpoint @later --key KEY --witness WITNESS --quorum 1", "Cosigned by witness"),
        ("checkpoint @later --key KEY --earlier @earlier --consistency @growth", "begins with"),
        ("checkpoint @later --key KEY --earlier @later", "30 leaves begins with the tree of 30"),
    ],
)
def test_what_holds_is_said_and_exits_0(
    folder: Path, line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each thing that was verified is a sentence on standard output."""
    assert _run(folder, line) == 0
    out, err = capsys.readouterr()
    assert said in out
    assert err == ""


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("proof @missing --key KEY --leaf LEAF", 1, "No such file"),
        ("proof @later --key KEY --leaf LEAF", 10, "does not start with"),
        ("proof @proof --key nonsense --leaf LEAF", 10, "verifier key"),
        ("proof @proof --key KEY --leaf abc", 10, "not hex"),
        ("proof @proof --key KEY --leaf abcd", 10, "2 bytes"),
        ("proof @binary --key KEY --leaf LEAF", 10, "UTF-8"),
        ("checkpoint @later --key-file @binary", 10, "UTF-8"),
        ("checkpoint @later --key OTHER --origin log.example/casetrail", 11, "trusted"),
        ("checkpoint @later --key OTHER", 13, "not of other.example/log"),
        ("checkpoint @earlier --key KEY --witness WITNESS --quorum 1", 14, "1 are needed"),
        ("proof @proof --key KEY --leaf " + "00" * 32, 15, "does not lead"),
        ("checkpoint @later --key KEY --earlier @earlier", 16, "0 hashes"),
        ("checkpoint @earlier --key KEY --earlier @later", 16, "shrank"),
        ("checkpoint @later --key KEY --earlier @fork", 17, "two different roots"),
        ("proof @proof --key KEY --leaf LEAF --leaf-input @earlier", 18, "not what was logged"),
    ],
)
def test_each_fault_has_its_sentence_and_code(
    folder: Path, line: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """INVARIANT I7: a fault is one sentence on standard error and a code of its own."""
    assert _run(folder, line) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_changed_text_has_the_code_of_a_false_signature(folder: Path) -> None:
    """INVARIANT I7: editing the size in a signed checkpoint is exit code 12."""
    text = (folder / "earlier").read_text()
    (folder / "earlier").write_text(text.replace("\n11\n", "\n12\n"))
    assert _run(folder, "checkpoint @earlier --key KEY") == 12


@pytest.mark.parametrize("line", ["proof @proof --leaf LEAF", "proof @proof --key KEY", "verify"])
def test_a_wrong_call_exits_2(folder: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A call without a key or a leaf says what is missing."""
    with pytest.raises(SystemExit) as left:
        _run(folder, line)
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_standard_input_is_a_dash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads the file to check from standard input."""
    stdin = io.TextIOWrapper(io.BytesIO((folder / "later").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert _run(folder, "checkpoint - --key KEY") == 0


def test_every_kind_of_fault_has_a_code_of_its_own() -> None:
    """No error class is without an exit code, and no two share one."""
    kinds = {
        kind
        for kind in [
            *vars(errors).values(),
            *vars(faults).values(),
            *vars(archive_faults).values(),
        ]
        if isinstance(kind, type) and issubclass(kind, errors.EvidenceError)
    } - {errors.EvidenceError}
    assert set(EXIT_CODES) == kinds
    assert len(set(EXIT_CODES.values())) == len(kinds)
    assert not {0, 1, 2} & set(EXIT_CODES.values())


def test_it_runs_as_a_module() -> None:
    """`python -m casetrail_evidence --help` lists the exit codes."""
    done = subprocess.run(
        [sys.executable, "-m", "casetrail_evidence", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "exit codes:" in done.stdout
