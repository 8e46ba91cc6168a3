"""The `casetrail` command: faults are one sentence, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest


def _casetrail(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casetrail_local.cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status"], "start one with `casetrail up`"),
        (["case", "show", "CASE-1001"], "start one with `casetrail up`"),
        (["tail"], "start one with `casetrail up`"),
        (["audit", "status"], "start one with `casetrail up`"),
        (["dead", "list"], "start one with `casetrail up`"),
        (["down"], "No stack runs from"),
        (["up", "--port-base", "65535"], "leaves no room"),
        (["up", "--mongo-url", "127.0.0.1"], "is not a MongoDB URL"),
    ],
)
def test_a_fault_is_one_sentence_that_says_what_to_do(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    """Exit code 1, the sentence on stderr, no traceback."""
    ran = _casetrail(*arguments, cwd=tmp_path)
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder would be: the sentence names --data."""
    (tmp_path / "taken").write_text("")
    ran = _casetrail("up", "--data", "taken/inside", cwd=tmp_path)
    assert ran.returncode == 1
    assert "give another one with --data" in ran.stderr


def test_a_damaged_description_is_told(tmp_path: Path) -> None:
    """A stack.json nobody can read is a sentence as well."""
    (tmp_path / "stack.json").write_text("{}")
    ran = _casetrail("status", "--data", str(tmp_path), cwd=tmp_path)
    assert ran.returncode == 1
    assert "cannot be read" in ran.stderr


def test_every_command_of_the_contract_is_there(tmp_path: Path) -> None:
    """The commands that this version promises are in the help."""
    said = _casetrail("--help", cwd=tmp_path).stdout
    for command in ("up", "demo", "down", "status", "case", "tail", "audit", "dead"):
        assert f" {command} " in said
