"""The code of another revision beside this one."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKED: Final = Path("requirements/dev.txt")


class NoRevision(Exception):
    """Git knows no such revision, or its code needs other libraries than are here."""


def tree(revision: str, into: Path) -> Path:
    """The folder with the files of a revision."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise NoRevision(done.stderr.decode().strip())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(into, filter="data")
    return into


def environment_of(code: Path) -> dict[str, str]:
    """This process's environment with the packages of that tree in the place of our own."""
    sources = [*code.glob("libs/*/src"), *code.glob("services/*/src"), *code.glob("deploy/*/src")]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))}
    _require_its_own(code, variables)
    return variables


def _require_its_own(code: Path, variables: dict[str, str]) -> None:
    """Nothing when Python takes the packages from there: else the drill would prove nothing."""
    asked = "import casetrail_audit, casetrail_local; print(casetrail_audit.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not Path(done.stdout.strip()).is_relative_to(code):
        raise NoRevision(f"Python does not take the packages from {code}: {done.stderr[-300:]}")
