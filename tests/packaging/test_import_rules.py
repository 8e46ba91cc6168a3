"""The import rules of pyproject.toml hold, and catch what they are there to catch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.workspace import CHECKOUT, members

CHECK = "from importlinter.cli import lint_imports_command as lint; lint()"

PLANTED = [
    ("casetrail_routing/domain/planted.py", "import casetrail_tickets", "independent"),
    ("casetrail_runtime/planted.py", "import casetrail_audit", "Libs never import a service"),
    ("casetrail_contracts/planted.py", "import casetrail_runtime", "nothing of ours"),
    ("casetrail_contracts/planted.py", "import nats", "nothing of ours"),
    ("casetrail_evidence/planted.py", "import casetrail_contracts", "evidence imports neither"),
    ("casetrail_evidence/planted.py", "import urllib.request", "evidence imports neither"),
    ("casetrail_audit/planted.py", "import casetrail_evidence.http_log", "opens a connection"),
    ("casetrail_runtime/planted.py", "import casetrail_evidence", "does not know the evidence"),
    ("casetrail_tickets/planted.py", "import casetrail_evidence", "Only audit and gateway"),
    ("casetrail_local/planted.py", "import casetrail_ingest", "on the wire only"),
    ("casetrail_tickets/domain/planted.py", "import casetrail_tickets.use_cases", "Inside a serv"),
    ("casetrail_tickets/adapters/planted.py", "import casetrail_tickets.main", "Inside a service"),
    ("casetrail_tickets/domain/planted.py", "import pydantic", "standard library only"),
    ("casetrail_tickets/planted.py", "import motor.motor_asyncio", "motor is imported"),
    ("casetrail_runtime/planted.py", "import motor", "motor is imported"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of every package of ours, in one folder."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    for member in members():
        shutil.copytree(
            member.folder / "src",
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return folder


def _check(sources: Path) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-c", CHECK, "--no-logo", "--no-cache"],
        cwd=sources,
        env=os.environ | {"PYTHONPATH": str(sources), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_rules_hold_for_the_sources_as_they_are(sources: Path) -> None:
    """Nothing planted, nothing found."""
    code, said = _check(sources)
    assert code == 0, said


@pytest.mark.parametrize(("path", "statement", "rule"), PLANTED)
def test_a_planted_import_breaks_its_rule(
    sources: Path, path: str, statement: str, rule: str
) -> None:
    """Each kind of forbidden import is caught by the rule that is about it."""
    planted = sources / path
    planted.write_text(statement + "\n")
    try:
        code, said = _check(sources)
    finally:
        planted.unlink()
    assert code == 1, said
    broken = [line for line in said.splitlines() if " BROKEN" in line]
    assert any(rule in line for line in broken), said
