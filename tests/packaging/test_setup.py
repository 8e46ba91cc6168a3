"""`deploy/setup.sh` on machines that lack something: it says what, and touches nothing it need not.

Python, apt-get, id and ldd are stand-ins that write down how they were called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.packaging.workspace import CHECKOUT

PYTHON = """#!/bin/bash
case "$*" in
  *version_info*) echo "{version}"; exit 0 ;;
  *"import venv, ensurepip"*) {ensurepip}; exit $? ;;
esac
echo "python $*" >>"$CALLS"
case "$*" in
  *"-m venv"*)
    mkdir -p .venv/bin .venv/lib/python3.11/site-packages/db/bin
    cp "$0" .venv/bin/python
    echo "version = {version}" >.venv/pyvenv.cfg
    {mongod} ;;
  *"-m pip"*) echo "pip says something"; exit {pip} ;;
esac
"""
APT_GET = '#!/bin/bash\necho "apt-get $*" >>"$CALLS"; touch "$INSTALLED"\n'
ID = "#!/bin/bash\necho {user}\n"
LDD = """#!/bin/bash
[[ -e $INSTALLED ]] || echo "        libcurl.so.4 => not found"
echo "        libc.so.6 => /lib/libc.so.6"
"""
WITH_MONGOD = "touch .venv/lib/python3.11/site-packages/db/bin/mongod"


@dataclass
class Machine:
    """A copy of the files the set-up reads, on a machine made of stand-ins."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def has(self, name: str, script: str) -> None:
        """Puts a program first on this machine's PATH."""
        program = self.folder / "bin" / name
        program.write_text(script)
        program.chmod(0o755)

    def has_python(
        self,
        version: str = "3.11.2",
        ensurepip: str = "true",
        mongod: str = "true",
        pip: int = 0,
    ) -> None:
        """Gives it one Python; the script is told to use that one."""
        script = PYTHON.format(version=version, ensurepip=ensurepip, mongod=mongod, pip=pip)
        self.has("python-stand-in", script)

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the script."""
        return subprocess.run(
            [self.folder / "checkout" / "deploy" / "setup.sh", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        """How the stand-ins were called since the last look."""
        log = self.folder / "calls"
        said = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return said


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with root, apt-get, and no library mongod needs; Python comes with the test."""
    checkout = tmp_path / "checkout"
    for pattern in ("deploy/setup.sh", "requirements/*.txt", "*/*/pyproject.toml"):
        for file in CHECKOUT.glob(pattern):
            copy = checkout / file.relative_to(CHECKOUT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    (tmp_path / "bin").mkdir()
    machine = Machine(
        tmp_path,
        {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(tmp_path / "calls"),
            "INSTALLED": str(tmp_path / "installed"),
            "PYTHON": "python-stand-in",
        },
    )
    machine.has("apt-get", APT_GET)
    machine.has("id", ID.format(user=0))
    machine.has("ldd", LDD)
    return machine


def test_it_says_what_it_is_doing_in_four_steps(machine: Machine) -> None:
    """The steps are counted, so that a person knows how far it is."""
    machine.has_python()
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    steps = [line[:5] for line in done.stdout.splitlines() if line.startswith("[")]
    assert steps == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]


def test_packages_are_installed_by_hash_and_members_without_fetching(machine: Machine) -> None:
    """Nothing unpinned can come in, from the members' build requirements neither."""
    machine.has_python()
    machine.set_up()
    packages, members = [call for call in machine.calls if "-m pip" in call]
    assert "--require-hashes --only-binary :all: -r requirements/dev.txt" in packages
    assert "--no-deps --no-build-isolation -r requirements/members.txt" in members


def test_a_second_run_touches_nothing(machine: Machine) -> None:
    """When all is there, no program is called at all but the Python that tells its version."""
    machine.has_python()
    machine.set_up()
    assert machine.calls != []
    again = machine.set_up("--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert machine.calls == []


@pytest.mark.parametrize("changed", ["requirements/dev.txt", "services/audit/pyproject.toml"])
def test_a_changed_requirement_is_installed(machine: Machine, changed: str) -> None:
    """After a pull that changes what is needed, the next target brings it."""
    machine.has_python()
    machine.set_up()
    assert machine.calls != []
    with (machine.folder / "checkout" / changed).open("a") as file:
        file.write("# changed\n")
    assert machine.set_up("--quiet").returncode == 0
    assert any("-m pip" in call for call in machine.calls)


def test_an_unsupported_python_is_named_with_the_supported_ones(machine: Machine) -> None:
    """The message says what was found, what is needed and what to type."""
    machine.has_python(version="3.9.18")
    done = machine.set_up()
    assert done.returncode == 1
    assert "3.11, 3.12 or 3.13" in done.stderr
    assert "python-stand-in is 3.9.18" in done.stderr
    assert "PYTHON=" in done.stderr
    assert machine.calls == []


def test_no_python_at_all_is_said(machine: Machine) -> None:
    """A machine without Python gets the same sentence, not a shell error."""
    machine.environment["PYTHON"] = "no-such-python"
    done = machine.set_up()
    assert done.returncode == 1
    assert "no Python at all" in done.stderr


def test_root_on_debian_gets_the_venv_module(machine: Machine) -> None:
    """Debian keeps venv in a package of its own: root gets it, and is told so."""
    machine.has_python(ensurepip='[[ -e "$INSTALLED" ]]')
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    assert "installing the Debian packages python3.11-venv" in done.stdout
    assert any("install" in call and "python3.11-venv" in call for call in machine.calls)


def test_others_are_told_the_command_for_the_venv_module(machine: Machine) -> None:
    """Without root nothing is installed: the exact command is printed."""
    machine.has_python(ensurepip="false")
    machine.has("id", ID.format(user=1000))
    done = machine.set_up()
    assert done.returncode == 1
    assert "sudo apt-get install python3.11-venv" in done.stderr
    assert machine.calls == []


def test_root_on_debian_gets_the_libraries_of_mongod(machine: Machine) -> None:
    """A library mongod lacks is installed by its Debian package, and only that one."""
    machine.has_python(mongod=WITH_MONGOD)
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    installs = [call for call in machine.calls if call.startswith("apt-get install")]
    assert [call.split()[-1] for call in installs] == ["libcurl4"]


def test_others_are_told_the_command_for_the_libraries(machine: Machine) -> None:
    """Without root the missing library and the command are printed, until it is there."""
    machine.has_python(mongod=WITH_MONGOD)
    machine.has("id", ID.format(user=1000))
    for _ in range(2):
        done = machine.set_up()
        assert done.returncode == 1
        assert "libcurl.so.4" in done.stderr
        assert "sudo apt-get install libcurl4" in done.stderr


def test_another_mongod_needs_no_library(machine: Machine) -> None:
    """Whoever names a mongod of their own is not asked for the libraries of ours."""
    machine.has_python(mongod=WITH_MONGOD)
    machine.environment["CASETRAIL_MONGOD"] = "/opt/mongodb/bin/mongod"
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    assert "mongod is /opt/mongodb/bin/mongod" in done.stdout
    assert not any(call.startswith("apt-get") for call in machine.calls)


def test_pip_is_heard_only_when_it_fails(machine: Machine) -> None:
    """A working pip says nothing; a failing one is quoted, and the run fails."""
    machine.has_python()
    assert "pip says something" not in machine.set_up().stdout
    machine.has_python(pip=1)
    shutil.rmtree(machine.folder / "checkout" / ".venv")
    done = machine.set_up()
    assert done.returncode == 1
    assert "pip says something" in done.stdout
    assert "requirements/dev.txt could not be installed" in done.stderr
