"""Each member as another machine gets it: a wheel, alone, with the sources away.

The wheels are built from this checkout and installed by pip into an environment that has only what
they declare. Python runs there isolated (`-I`) and from another folder, so nothing of the checkout
can be imported by accident.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging import third_party
from tests.packaging.workspace import CHECKOUT, Member, brought_by, members

ALL = members()
BY_NAME = {member.name: member for member in ALL}
SERVICES = [member for member in ALL if member.is_service]

IMPORTABLE = """
import importlib.util, json, sys
found = {}
for package in json.loads(sys.argv[1]):
    spec = importlib.util.find_spec(package)
    if spec is not None:
        found[package] = spec.origin
print(json.dumps(found))
"""

AUDIT_RECORD = {
    "seq": 7,
    "leaf": "0f" * 32,
    "kind": "event",
    "recordedtime": "2026-11-22T10:14:03.124Z",
    "specversion": "1.0",
    "id": "0e5f6a1c-6a0e-5d4b-9b1e-2f6f6e1f2a3b",
    "source": "casetrail/routing",
    "type": "casetrail.conversation.assigned.v1",
    "subject": "conversation/cv_4k2m7q",
    "time": "2026-11-22T10:14:03.120Z",
    "workspace": "main",
    "sequence": "3",
    "caseid": "CASE-1001",
    "data": {
        "actor": {"kind": "service", "id": "routing", "rule": "least-loaded"},
        "changes": [{"field": "owner", "old": None, "new": "agent:a"}],
        "reason": "from shared inbox queue",
    },
    "commitments": {"salt": "aa" * 32},
    "a_field_of_next_year": {"kept": True},
}

READ_A_RECORD = """
import sys
from casetrail_contracts.records import AuditRecord
record = AuditRecord.model_validate_json(sys.argv[1])
change = record.changes[0]
print(record.seq, record.caseid, record.actor.rule, change.old, change.new, record.model_extra)
"""


class Environment:
    """A virtual environment with one member installed from its wheel, and nothing undeclared."""

    def __init__(self, folder: Path, wheels: Path, member: Member) -> None:
        self.folder = folder
        self.elsewhere = folder / "elsewhere"
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
        self.python = folder / "venv" / "bin" / "python"
        self.elsewhere.mkdir()
        (site_packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
        declared = [
            requirement for name in brought_by(member) for requirement in BY_NAME[name].requirements
        ]
        third_party.lend(declared, site_packages)
        self.pip("install", "--no-index", "--find-links", str(wheels), "--no-compile", member.name)

    def pip(self, *arguments: str) -> str:
        """What this environment's pip says; pip reads no settings of this machine."""
        outer = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check")
        return _run(*outer, "--python", str(self.python), *arguments)

    def run(self, code: str, *arguments: str) -> str:
        """What `code` prints, run isolated and away from the checkout."""
        return _run(str(self.python), "-I", "-c", code, *arguments, cwd=self.elsewhere)

    def importable(self) -> dict[str, str]:
        """Which packages of this workspace can be imported, and from which file."""
        packages = json.dumps([member.package for member in ALL])
        found: dict[str, str] = json.loads(self.run(IMPORTABLE, packages))
        return found


Environments = Callable[[Member], Environment]


def _run(*command: str, cwd: Path = CHECKOUT) -> str:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, f"{command[:6]} failed:\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def _named(member: Member) -> str:
    return member.name


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every member, built offline with the tools that are here."""
    folder = tmp_path_factory.mktemp("wheels")
    for member in ALL:
        build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
        _run(sys.executable, *build, str(member.folder))
    return folder


@pytest.fixture(scope="module")
def environments(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """The environment of a member, made when it is first asked for."""
    made: dict[str, Environment] = {}

    def environment(member: Member) -> Environment:
        if member.name not in made:
            folder = tmp_path_factory.mktemp(member.name)
            made[member.name] = Environment(folder, wheels, member)
        return made[member.name]

    return environment


@pytest.mark.parametrize("member", ALL, ids=_named)
def test_a_wheel_holds_one_package_and_says_that_it_is_typed(member: Member, wheels: Path) -> None:
    """A wheel brings its own package with its py.typed, and no top-level name besides."""
    (wheel,) = wheels.glob(f"{member.name.replace('-', '_')}-[0-9]*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top_level = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top_level == {member.package}
    assert f"{member.package}/py.typed" in names


@pytest.mark.parametrize("member", ALL, ids=_named)
def test_a_wheel_holds_every_file_of_its_package(member: Member, wheels: Path) -> None:
    """Rules, pages and other data files are in the wheel as well as the modules."""
    (wheel,) = wheels.glob(f"{member.name.replace('-', '_')}-[0-9]*.whl")
    source = member.folder / "src"
    tracked = _run("git", "ls-files", str(source)).split()
    in_sources = {str((CHECKOUT / name).relative_to(source)) for name in tracked}
    assert in_sources <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("member", ALL, ids=_named)
def test_a_member_brings_only_what_it_declares(member: Member, environments: Environments) -> None:
    """After installing one member, of our packages only its declared ones can be imported."""
    environment = environments(member)
    importable = environment.importable()
    assert set(importable) == {BY_NAME[name].package for name in brought_by(member)}
    assert all(str(environment.folder) in origin for origin in importable.values())


@pytest.mark.parametrize("member", ALL, ids=_named)
def test_every_module_of_a_member_imports_alone(member: Member, environments: Environments) -> None:
    """Every module of a member imports with nothing installed but what the member declares."""
    code = (
        "import importlib, pkgutil, sys\n"
        "package = importlib.import_module(sys.argv[1])\n"
        "found = pkgutil.walk_packages(package.__path__, package.__name__ + '.')\n"
        "names = [module.name for module in found if not module.name.endswith('.__main__')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    assert int(environments(member).run(code, member.package)) > 0


@pytest.mark.parametrize("service", SERVICES, ids=_named)
def test_a_service_alone_brings_no_other(service: Member, environments: Environments) -> None:
    """Installing one service makes no other service importable."""
    others = {other.package for other in SERVICES if other != service}
    assert len(others) == len(SERVICES) - 1
    assert not others & set(environments(service).importable())


@pytest.mark.parametrize("service", SERVICES, ids=_named)
def test_a_service_alone_can_be_started(service: Member, environments: Environments) -> None:
    """A service that is installed alone has `create_app` and a `__main__` to run it with."""
    environment = environments(service)
    code = (
        "import importlib, importlib.util, sys\n"
        "main = importlib.import_module(sys.argv[1] + '.main')\n"
        "started = importlib.util.find_spec(sys.argv[1] + '.__main__')\n"
        "print(callable(main.create_app), started is not None)\n"
    )
    assert environment.run(code, service.package).split() == ["True", "True"]


@pytest.mark.parametrize("service", SERVICES, ids=_named)
def test_a_service_without_settings_says_which_it_needs(
    service: Member, environments: Environments
) -> None:
    """Started without settings, a service ends with 2 and names them, with no traceback."""
    environment = environments(service)
    ran = subprocess.run(
        [str(environment.python), "-I", "-m", service.package],
        cwd=environment.elsewhere,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 2, said
    assert f"{service.folder.name.upper()}_NATS_URL" in said
    assert "Traceback" not in said


def test_the_contracts_alone_read_a_record(environments: Environments) -> None:
    """A subscriber with the contracts wheel and nothing else of ours reads an audit record."""
    environment = environments(BY_NAME["casetrail-contracts"])
    said = environment.run(READ_A_RECORD, json.dumps(AUDIT_RECORD))
    assert said.startswith("7 CASE-1001 least-loaded None agent:a")
    assert "a_field_of_next_year" in said


def test_what_is_not_declared_cannot_be_imported(environments: Environments) -> None:
    """The environments of these tests hide what this one has: else they would prove nothing."""
    code = "import importlib.util, sys; print(importlib.util.find_spec(sys.argv[1]) is not None)"
    contracts = environments(BY_NAME["casetrail-contracts"])
    seen = {name: contracts.run(code, name).strip() for name in ("pydantic", "nats", "pytest")}
    assert seen == {"pydantic": "True", "nats": "False", "pytest": "False"}


def test_pip_finds_no_fault_with_what_is_installed(environments: Environments) -> None:
    """The declared ranges of all members fit each other and what requirements/ pins."""
    for member in ALL:
        assert "No broken requirements found" in environments(member).pip("check")
